//! What the cache itself sees of a request.

use axum::extract::{FromRequestParts, OriginalUri};
use http::{Request, request::Parts};
use std::convert::Infallible;

/// The first, hidden, parameter of a cached handler.
#[derive(Debug)]
pub struct Head(Parts);

impl Head {
    /// Method, URI and fields. Of the extensions only the URI before nesting: what else is there is for extractors, each of which is in the key or left out by name.
    pub fn into_parts(self) -> Parts {
        self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Head {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method.clone_from(&parts.method);
        head.uri.clone_from(&parts.uri);
        head.version = parts.version;
        head.headers.clone_from(&parts.headers);
        if let Some(original) = parts.extensions.get::<OriginalUri>()
            && original.0 != parts.uri
        {
            head.extensions.insert(original.clone());
        }
        Ok(Head(head))
    }
}
