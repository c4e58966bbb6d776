use axum::extract::Path;
use cachekit::cache;

#[cache(http(private = *id as f64), ttl = "30s")]
async fn user(Path(id): Path<u64>) -> String {
    id.to_string()
}

fn main() {}
