//! x
use crate::Result;
pub(crate) fn main(_o: &[&str]) -> Result {
    Ok(())
}
