//! Questions to the server, and what their answers are.

use super::{RedisBackend, failures, scripts::Script};
use crate::Error;
use bytes::Bytes;
use redis::{Cmd, Pipeline, Value};
use std::time::Duration;

/// Most commands of one flush.
pub(super) const COMMANDS: usize = 512;

/// Most bytes of one flush.
pub(super) const BYTES: usize = 1 << 20;

/// Longer than anyone waits, and short enough for the server's arithmetic.
const LONGEST: u128 = 1 << 50;

/// The time as the server takes it: at least one millisecond, because it refuses none.
pub(super) fn millis(ttl: Duration) -> u64 {
    ttl.as_millis().clamp(1, LONGEST) as u64
}

impl RedisBackend {
    /// Calls a script with what `fill` adds to the call: the number of keys, the keys, the arguments.
    pub(super) async fn script(&self, script: &Script, fill: impl Fn(&mut Cmd)) -> Result<Value, Error> {
        let mut by_hash = redis::cmd("EVALSHA");
        by_hash.arg(&script.hash);
        fill(&mut by_hash);
        let answer = self.connections.send(&by_hash).await?;
        if !is_unknown_script(&answer) {
            return Ok(answer);
        }
        let mut by_text = redis::cmd("EVAL");
        by_text.arg(&script.text);
        fill(&mut by_text);
        self.connections.send(&by_text).await
    }

    /// As [`script`](Self::script), for many calls of one script; each of `calls` is what is added to one. Stops at the first flush with an error.
    pub(super) async fn script_many<T>(
        &self,
        script: &Script,
        calls: &[T],
        fill: impl Fn(&mut Cmd, &T) -> usize,
    ) -> Result<(), Error> {
        self.script_flushes(script, calls, fill, done).await
    }

    /// As [`script_many`](Self::script_many); `took` gets the answers of each flush.
    pub(super) async fn script_flushes<T>(
        &self,
        script: &Script,
        calls: &[T],
        fill: impl Fn(&mut Cmd, &T) -> usize,
        mut took: impl FnMut(Vec<Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut rest = calls;
        while !rest.is_empty() {
            let mut flush = Pipeline::new();
            let mut bytes = 0;
            for call in rest {
                let mut by_hash = redis::cmd("EVALSHA");
                by_hash.arg(&script.hash);
                bytes += fill(&mut by_hash, call);
                flush.add_command(by_hash);
                if flush.len() >= COMMANDS || bytes >= BYTES {
                    break;
                }
            }
            let mut answers = self.connections.send_all(&flush).await?;
            if answers.iter().any(is_unknown_script) {
                done([self.connections.send(redis::cmd("SCRIPT").arg("LOAD").arg(&script.text)).await?])?;
                // All of them again: what was done already, where another node knew the script, changes nothing, and its first answer counts.
                let again = self.connections.send_all(&flush).await?;
                let either = |(first, again)| if is_unknown_script(&first) { again } else { first };
                answers = answers.into_iter().zip(again).map(either).collect();
            }
            took(answers)?;
            rest = rest.get(flush.len()..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Is no error of the server among the answers?
pub(super) fn done(answers: impl IntoIterator<Item = Value>) -> Result<(), Error> {
    answers.into_iter().try_for_each(|answer| match answer {
        Value::ServerError(said) => Err(failures::from_redis(&said.into())),
        _ => Ok(()),
    })
}

fn is_unknown_script(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(said) if said.code() == "NOSCRIPT")
}

/// Bytes or nothing.
pub(super) fn bytes(answer: Value) -> Result<Option<Bytes>, Error> {
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes.into())),
        Value::SimpleString(text) => Ok(Some(text.into())),
        // `OK` is a text that the library takes for more than that.
        Value::Okay => Ok(Some(Bytes::from_static(b"OK"))),
        other => Err(unexpected(other, "bytes")),
    }
}

/// A whole number.
pub(super) fn number(answer: Value) -> Result<i64, Error> {
    match answer {
        Value::Int(number) => Ok(number),
        other => Err(unexpected(other, "a number")),
    }
}

/// Several answers in one.
pub(super) fn list(answer: Value) -> Result<Vec<Value>, Error> {
    match answer {
        Value::Array(list) | Value::Set(list) => Ok(list),
        other => Err(unexpected(other, "a list")),
    }
}

/// Of the answer no more than its kind is said: it may be somebody's data.
fn unexpected(answer: Value, expected: &str) -> Error {
    let kind = match answer {
        Value::ServerError(said) => return failures::from_redis(&said.into()),
        Value::Nil => "nothing",
        Value::Int(_) => "a number",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "bytes",
        Value::Array(_) | Value::Set(_) => "a list",
        _ => "something else",
    };
    failures::senseless(&format!("{kind} in place of {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ones_that_the_server_takes() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_micros(2_900)), 2);
        assert_eq!(millis(Duration::MAX), 1 << 50);
    }

    #[test]
    fn an_answer_of_another_kind_is_senseless_and_not_shown() {
        let secret = || Value::BulkString(b"secret".to_vec());
        for error in [number(secret()).unwrap_err(), list(secret()).unwrap_err(), bytes(Value::Int(7)).unwrap_err()] {
            let text = error.to_string();
            assert!(text.contains("a senseless answer") && !text.contains("secret"), "{text}");
        }
        assert_eq!(bytes(Value::Nil).unwrap(), None);
        assert_eq!(bytes(Value::Okay).unwrap().unwrap(), "OK");
    }
}
