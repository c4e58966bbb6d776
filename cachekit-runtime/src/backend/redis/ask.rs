//! Questions to the server, and what their answers are.

use super::{RedisBackend, failures, scripts::Script};
use crate::{Error, backend::Each};
use bytes::Bytes;
use redis::{Cmd, Value};
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

/// A command of one key.
pub(super) fn command(name: &str, key: impl redis::ToRedisArgs) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(key);
    command
}

impl RedisBackend {
    /// Calls a script with what `fill` adds to the call: the number of keys, the keys, the arguments. The keys are in the slot of `key`.
    pub(super) async fn script(&self, script: &Script, key: &str, fill: impl Fn(&mut Cmd)) -> Result<Value, Error> {
        let mut by_hash = redis::cmd("EVALSHA");
        by_hash.arg(&script.hash);
        fill(&mut by_hash);
        let answer = self.topology.send(key, &by_hash).await?;
        if !is_unknown_script(&answer) {
            return Ok(answer);
        }
        let mut by_text = redis::cmd("EVAL");
        by_text.arg(&script.text);
        fill(&mut by_text);
        self.topology.send(key, &by_text).await
    }

    /// As [`script`](Self::script), for many calls of one script; each of `calls` is what is added to one, and `fill` gives a key of it. The answers
    /// to all calls: the error of a node is one of its own calls.
    pub(super) async fn script_each<T>(
        &self,
        script: &Script,
        calls: &[T],
        fill: impl Fn(&mut Cmd, &T) -> String,
    ) -> Each<Value> {
        let mut all = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while !rest.is_empty() {
            let mut flush = self.topology.batch();
            for call in rest {
                let mut by_hash = redis::cmd("EVALSHA");
                by_hash.arg(&script.hash);
                let key = fill(&mut by_hash, call);
                flush.add(key, by_hash);
                if flush.is_full() {
                    break;
                }
            }
            let (these, others) = rest.split_at_checked(flush.len()).unwrap_or((rest, &[]));
            let mut answers = self.topology.send_each(flush).await;
            // A server that does not know the script has not run it.
            let is_unknown = |answer: &Result<Value, Error>| answer.as_ref().is_ok_and(is_unknown_script);
            let unknown: Vec<_> =
                (0..).zip(&answers).filter(|(_, answer)| is_unknown(answer)).map(|(at, _)| at).collect();
            if !unknown.is_empty() {
                let mut flush = self.topology.batch();
                for call in unknown.iter().filter_map(|at: &usize| these.get(*at)) {
                    let mut by_text = redis::cmd("EVAL");
                    by_text.arg(&script.text);
                    let key = fill(&mut by_text, call);
                    flush.add(key, by_text);
                }
                for (at, answer) in unknown.into_iter().zip(self.topology.send_each(flush).await) {
                    if let Some(place) = answers.get_mut(at) {
                        *place = answer;
                    }
                }
            }
            all.append(&mut answers);
            rest = others;
        }
        all
    }

    /// As [`script_each`](Self::script_each); the first error of all.
    pub(super) async fn script_many<T>(
        &self,
        script: &Script,
        calls: &[T],
        fill: impl Fn(&mut Cmd, &T) -> String,
    ) -> Result<Vec<Value>, Error> {
        self.script_each(script, calls, fill).await.into_iter().collect()
    }
}

/// Is no error of the server among the answers?
pub(super) fn done(answers: impl IntoIterator<Item = Value>) -> Result<(), Error> {
    answers.into_iter().try_for_each(|answer| match answer {
        Value::ServerError(said) => Err(failures::from_redis(&said.into())),
        _ => Ok(()),
    })
}

/// The keys of a command are in a slot that is being moved, some here, some there: the command was not run, and can be when all are there.
pub(super) fn is_try_again(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(said) if said.code() == "TRYAGAIN")
}

/// There is something that is not bytes.
pub(super) fn is_of_another_type(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(said) if said.code() == "WRONGTYPE")
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

/// A text, such as that of `INFO`.
pub(super) fn text(answer: Value) -> Result<String, Error> {
    match answer {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(text),
        other => Err(unexpected(other, "a text")),
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
