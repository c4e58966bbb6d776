//! What a push says.

use super::Control;
use crate::{backend::News, backend::redis::layout::Signal};
use redis::{
    PushInfo, PushKind, Value,
    aio::{AsyncPushSender, SendError},
};
use std::sync::{
    Weak,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// Reads what is pushed, in the connection's own task: so what came before an answer has been told when that is given.
pub(super) struct Reader {
    pub(super) control: Weak<Control>,
    pub(super) end: std::sync::Arc<End>,
}

/// The end of a connection.
#[derive(Debug, Default)]
pub(super) struct End {
    is_there: AtomicBool,
    come: Notify,
}

impl End {
    pub(super) fn come(&self) {
        self.is_there.store(true, Ordering::Release);
        self.come.notify_waiters();
        self.come.notify_one();
    }

    pub(super) async fn wait(&self) {
        while !self.is_there.load(Ordering::Acquire) {
            self.come.notified().await;
        }
    }
}

impl AsyncPushSender for Reader {
    fn send(&self, push: PushInfo) -> Result<(), SendError> {
        match push.kind {
            PushKind::Invalidate => self.read(push.data),
            // Channel and key.
            PushKind::Message => self.read(push.data.into_iter().skip(1).collect()),
            PushKind::Disconnection => self.end.come(),
            _ => {}
        }
        Ok(())
    }
}

/// It goes with the connection's task: when the peer has closed, and when the runtime ends.
impl Drop for Reader {
    fn drop(&mut self) {
        self.end.come();
    }
}

impl Reader {
    fn read(&self, data: Vec<Value>) {
        let Some(control) = self.control.upgrade() else { return };
        for part in data {
            match part {
                // All keys, of all databases.
                Value::Nil => control.tell(News::Everything),
                Value::Array(keys) => keys.iter().for_each(|key| control.read_key(key)),
                key => control.read_key(&key),
            }
        }
    }
}

impl Control {
    fn read_key(&self, key: &Value) {
        let Value::BulkString(key) = key else { return };
        match self.layout.read_signal(key) {
            Some(Signal::Entry(id)) => self.tell(News::Entry(id)),
            Some(Signal::Tag(tag)) => self.tell(News::Tag(tag)),
            Some(Signal::Generation(cache)) => self.tell(News::Cache(cache)),
            // The session looks at it by itself.
            Some(Signal::Boot) | None => {}
        }
    }
}
