use axum::extract::{Path, Request};
use cachekit::cache;

#[cache(http, ttl = "30s")]
async fn account(Path(id): Path<u64>, request: Request) -> String {
    format!("{id} for {:?}", request.headers().get("cookie"))
}

fn main() {}
