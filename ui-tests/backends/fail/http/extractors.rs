use axum::{
    Extension,
    extract::{FromRequestParts, Path},
    http::{StatusCode, header::COOKIE, request::Parts},
};
use cachekit::cache;

#[derive(Clone)]
struct Tenant(String);

/// As crates of cookies have it.
struct Cookies(String);

impl<S: Sync> FromRequestParts<S> for Cookies {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let cookies = parts.headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok());
        Ok(Cookies(cookies.unwrap_or_default().to_owned()))
    }
}

/// Whoever has logged in.
struct User {
    id: u64,
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<u64>().map(|id| User { id: *id }).ok_or(StatusCode::UNAUTHORIZED)
    }
}

#[cache(http, ttl = "30s")]
async fn by_extension(Extension(tenant): Extension<Tenant>) -> String {
    tenant.0
}

#[cache(http, ttl = "30s")]
async fn by_cookies(Cookies(cookies): Cookies, Path(id): Path<u64>) -> String {
    format!("{id} for {cookies}")
}

#[cache(http, ttl = "30s")]
async fn by_user(user: User) -> String {
    format!("for {}", user.id)
}

fn main() {}
