//! The commands of a batch that go to one node in one go.

use super::{masters::Master, redirect::Redirect};
use crate::{
    Error,
    backend::redis::{connection::Limit, scripts},
    breaker::Purpose,
};
use redis::{Cmd, Pipeline, Value};
use std::sync::Arc;

/// One command, its place in the batch, and where it goes.
pub(super) struct Part {
    pub(super) at: usize,
    pub(super) command: Cmd,
    pub(super) node: Arc<Master>,
    /// The slot is being moved to that node, which has to be told that we know.
    pub(super) asking: bool,
}

/// The answer to a part.
pub(super) struct Answered {
    pub(super) at: usize,
    pub(super) answer: Result<Value, Error>,
    /// Who gave it.
    pub(super) node: Arc<Master>,
    /// What was asked, if it has to be asked elsewhere.
    pub(super) command: Option<Cmd>,
}

pub(super) struct Flush {
    node: Arc<Master>,
    parts: Vec<Part>,
}

impl Flush {
    /// One for each node, each in the order of the parts.
    pub(super) fn by_node(parts: Vec<Part>) -> Vec<Flush> {
        let mut flushes: Vec<Flush> = Vec::new();
        for part in parts {
            match flushes.iter_mut().find(|flush| Arc::ptr_eq(&flush.node, &part.node)) {
                Some(flush) => flush.parts.push(part),
                None => flushes.push(Flush { node: part.node.clone(), parts: vec![part] }),
            }
        }
        flushes
    }

    pub(super) async fn send(self, limit: Limit) -> Vec<Answered> {
        let mut commands = Pipeline::with_capacity(self.parts.len());
        let mut parts = Vec::with_capacity(self.parts.len());
        let is_fill = |part: &Part| scripts::purpose(&part.command) == Purpose::Fill;
        let purpose = if self.parts.iter().all(is_fill) { Purpose::Fill } else { Purpose::Read };
        for part in self.parts {
            if part.asking {
                commands.add_command(asking());
            }
            commands.add_command(part.command);
            parts.push((part.at, part.asking));
        }
        let asked = self.node.connections.send_all(&commands, limit);
        let mut answers = self.node.judged(purpose, limit, asked).await.map(Vec::into_iter);
        let mut asked = commands.cmd_iter();
        let mut answered = Vec::with_capacity(parts.len());
        for (at, asking) in parts {
            let skipped = usize::from(asking);
            let Some(command) = asked.nth(skipped) else { break };
            let answer = match &mut answers {
                Ok(answers) => Ok(answers.nth(skipped).unwrap_or_default()),
                Err(error) => Err(error.clone()),
            };
            let is_redirect = matches!(&answer, Ok(Value::ServerError(said)) if Redirect::is_one(said));
            let command = is_redirect.then(|| command.clone());
            answered.push(Answered { at, answer, node: self.node.clone(), command });
        }
        answered
    }
}

/// What has to come right before a command for a slot that is being moved to the node.
pub(super) fn asking() -> Cmd {
    redis::cmd("ASKING")
}
