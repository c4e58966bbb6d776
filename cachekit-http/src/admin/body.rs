//! What a request says.

use super::refusal::Refusal;
use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The largest body that is read.
pub(super) const LARGEST: usize = 16 * 1024;

/// How long a body may take.
const LONGEST: Duration = Duration::from_secs(10);

/// A body in JSON.
pub(super) struct Said<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Said<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let is_json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
            });
        if !is_json {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Refusal::new(
                status,
                "no_json",
                "the body is not JSON",
                "send `Content-Type: application/json`",
            ));
        }
        let read = tokio::time::timeout(LONGEST, to_bytes(request.into_body(), LARGEST)).await;
        let too_slow = |_| {
            Refusal::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body took too long", "send it within 10 seconds")
        };
        let too_large = |_| {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the body ended early, or is larger than {LARGEST} bytes"),
                "send less",
            )
        };
        let bytes = read.map_err(too_slow)?.map_err(too_large)?;
        let said = serde_json::from_slice(&bytes);
        said.map(Said).map_err(|error| {
            Refusal::bad(
                format!("the body is not what is wanted: {error}"),
                "see docs/guides/admin.md for what it takes",
            )
        })
    }
}
