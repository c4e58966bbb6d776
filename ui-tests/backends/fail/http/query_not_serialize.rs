use axum::extract::Query;
use cachekit::cache;
use serde::Deserialize;

#[derive(Deserialize)]
struct Page {
    page: u32,
}

#[cache(http, ttl = "30s")]
async fn list(page: Query<Page>) -> String {
    page.page.to_string()
}

fn main() {}
