use axum::{extract::Path, http::HeaderMap};
use cachekit::cache;

#[cache(http, ttl = "30s")]
async fn account(headers: HeaderMap, Path(id): Path<u64>) -> String {
    format!("{id} for {:?}", headers.get("cookie"))
}

fn main() {}
