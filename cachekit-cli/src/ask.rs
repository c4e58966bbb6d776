//! Asking before something is destroyed.

use crate::{failure::Failure, output};
use std::io::{self, IsTerminal, Write};

/// Goes on only if somebody says yes, or has said `--yes`.
///
/// # Errors
/// Nobody did.
pub(crate) fn confirm(what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::declined(format_args!("this would {what}, and there is nobody to ask"))
            .next("say `--yes` if that is meant"));
    }
    let question = format!("This will {what}. Go on? [y/N] ");
    write!(io::stderr(), "{}", output::bold(&question)).map_err(Failure::from)?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failure::from)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::declined("nothing was changed")),
    }
}
