//! Reads the tokens of the attributes and of their items; what they mean is the model's business.

mod arguments;
mod invalidations;
mod item;
mod registrations;

pub(crate) use arguments::{Arg, KNOWN, Value, arguments};
pub(crate) use invalidations::{Entry, invalidations};
pub(crate) use item::{Block, BlockPart, FnItem, Item, item};
pub(crate) use registrations::registrations;
