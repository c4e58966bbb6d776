//! The body of a response that went through the cache.

use super::spool::Reader;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use std::{
    error::Error as StdError,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What went wrong with a handler's body.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A body could not be read to its end. Everybody who reads it gets the same error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BodyError {
    /// The handler's body failed.
    #[error("the body of the handler failed")]
    Handler(#[source] Arc<dyn StdError + Send + Sync>),
    /// Who filled the cache stopped: a panic, or a runtime that ended.
    #[error("the body of the handler was dropped before its end")]
    Dropped,
}

impl BodyError {
    pub(super) fn handler(error: impl Into<BoxError>) -> Self {
        BodyError::Handler(error.into().into())
    }
}

/// A body from the store, one that is being stored, or one that only passes.
pub struct CacheBody(Inner);

enum Inner {
    Full(Option<Bytes>),
    Passed(UnsyncBoxBody<Bytes, BodyError>),
    Spooled { reader: Reader, length: Option<u64> },
}

impl CacheBody {
    pub(super) fn full(bytes: Bytes) -> Self {
        CacheBody(Inner::Full(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    pub(super) fn empty() -> Self {
        CacheBody(Inner::Full(None))
    }

    pub(super) fn passed<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        CacheBody(Inner::Passed(body.map_err(BodyError::handler).boxed_unsync()))
    }

    pub(super) fn spooled(reader: Reader, length: Option<u64>) -> Self {
        CacheBody(Inner::Spooled { reader, length })
    }
}

impl Default for CacheBody {
    fn default() -> Self {
        CacheBody::empty()
    }
}

impl fmt::Debug for CacheBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Full(_) => "CacheBody(Full)",
            Inner::Passed(_) => "CacheBody(Passed)",
            Inner::Spooled { .. } => "CacheBody(Spooled)",
        })
    }
}

impl Body for CacheBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            Inner::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Inner::Passed(body) => Pin::new(body).poll_frame(context),
            Inner::Spooled { reader, .. } => reader.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Full(bytes) => bytes.is_none(),
            Inner::Passed(body) => body.is_end_stream(),
            Inner::Spooled { .. } => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Inner::Passed(body) => body.size_hint(),
            Inner::Spooled { reader, length } => match length {
                Some(length) => SizeHint::with_exact(length.saturating_sub(reader.given())),
                None => SizeHint::default(),
            },
        }
    }
}
