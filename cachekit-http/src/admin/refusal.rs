//! Why a request was not answered, and what to do instead.

use axum::response::{IntoResponse, Response};
use cachekit_runtime::registry::OperationError;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use serde_json::json;

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    instead: String,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        instead: impl Into<String>,
    ) -> Self {
        Refusal { status, code, message: message.into(), instead: instead.into() }
    }

    pub(super) fn bad(message: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message, instead)
    }

    pub(super) fn panicked() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "panicked",
            "answering this panicked, or the service ends",
            "look into the log of the service",
        )
    }

    pub(super) fn hidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "hidden",
            "keys and values may be personal data, and you may not see them",
            "ask without them, or let the authorisation function of the service give you `may_see_entries`",
        )
    }
}

impl From<OperationError> for Refusal {
    fn from(error: OperationError) -> Self {
        let (status, code, instead) = match &error {
            OperationError::NoText { .. } => {
                (StatusCode::BAD_REQUEST, "no_text", "give the entry's hash, as the list of entries has it")
            }
            OperationError::NoKey { .. } => (
                StatusCode::BAD_REQUEST,
                "no_key",
                "write the key as the list of entries does: 42, \"Ann\", or 42,\"Ann\"",
            ),
            _ => (StatusCode::BAD_GATEWAY, "backend", "see to the backend, and try again"),
        };
        Refusal::new(status, code, error.to_string(), instead)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal { status, code, message, instead } = self;
        let body = json!({ "error": { "code": code, "message": message, "instead": instead } });
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

pub(super) async fn no_such_route(uri: Uri) -> Refusal {
    let message = format!("there is no `{}`", uri.path());
    Refusal::new(StatusCode::NOT_FOUND, "no_route", message, "begin with `GET api/caches`")
}

pub(super) async fn no_such_method(method: Method) -> Refusal {
    let message = format!("this takes no {method}");
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "no_method",
        message,
        "see docs/guides/admin.md for what each address takes",
    )
}
