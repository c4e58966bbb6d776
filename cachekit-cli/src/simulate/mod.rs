//! What caches would have hit on a trace: the product's own caches, with its own policies, and the optimum.

mod optimum;
mod play;
mod plot;

pub(crate) use play::{Cell, Player, Shards, capacities, play};
pub(crate) use plot::{Line, Plot};
