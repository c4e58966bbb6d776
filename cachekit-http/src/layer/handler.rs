//! What a layer wraps, said once.

use super::body::BoxError;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::Service;

/// A service of HTTP that can be asked from tasks of its own.
pub trait Handler<Q, P>:
    Service<Request<Q>, Response = Response<P>, Error: Send + 'static, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S, Q, P> Handler<Q, P> for S where
    S: Service<Request<Q>, Response = Response<P>, Error: Send + 'static, Future: Send + 'static>
        + Clone
        + Send
        + 'static
{
}

/// The body of a response.
pub trait ResponseBody: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static {}

impl<B> ResponseBody for B where B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static {}

/// Asks.
pub(super) async fn call<S, Q, P>(service: &mut S, request: Request<Q>) -> Result<Response<P>, S::Error>
where
    S: Handler<Q, P>,
{
    std::future::poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}
