//! Replaying traces: how many requests each cache answers by itself.

mod cells;
mod players;
mod summary;

pub use cells::{Cell, PERCENTS, replay, replay_with};
pub use players::{Kind, Player, players};
pub use summary::{Summary, beside_simulations, table};
