//! Several commands that are sent in one go.

use super::slots;
use crate::backend::redis::ask::{BYTES, COMMANDS};
use redis::Cmd;

/// Commands, each with the slot of its keys.
#[derive(Debug)]
pub(in crate::backend::redis) struct Batch {
    commands: Vec<(u16, Cmd)>,
    bytes: usize,
    /// Where one server has everything, nobody asks for the slots.
    has_slots: bool,
}

impl Batch {
    pub(super) fn new(has_slots: bool) -> Self {
        Batch { commands: Vec::new(), bytes: 0, has_slots }
    }

    /// One more command. All of its keys are in the slot of this one.
    pub(in crate::backend::redis) fn add(&mut self, key: impl AsRef<[u8]>, command: Cmd) {
        self.bytes += command
            .args_iter()
            .map(|arg| if let redis::Arg::Simple(bytes) = arg { bytes.len() } else { 0 })
            .sum::<usize>();
        let slot = if self.has_slots { slots::slot(key.as_ref()) } else { 0 };
        self.commands.push((slot, command));
    }

    /// Should it be sent before more is added?
    pub(in crate::backend::redis) fn is_full(&self) -> bool {
        self.commands.len() >= COMMANDS || self.bytes >= BYTES
    }

    pub(in crate::backend::redis) fn len(&self) -> usize {
        self.commands.len()
    }

    pub(super) fn into_commands(self) -> Vec<(u16, Cmd)> {
        self.commands
    }
}
