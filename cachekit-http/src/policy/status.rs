//! What a cache knows of status codes.

use http::StatusCode;

/// Whether the status is one whose semantics this cache knows (RFC 9111 §3, `must-understand`).
#[must_use]
pub fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451 | 500..=505 | 511
    )
}

/// Whether a response may be stored without saying so (RFC 9110 §15.1). 206 is one of them, and is not stored here.
#[must_use]
pub fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// Whether the response answers its request for good, so that a mere ttl covers it.
#[must_use]
pub fn is_success(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308)
}

/// Whether it is an error in the sense of `stale-if-error` (RFC 5861 §4).
#[must_use]
pub fn is_error(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}
