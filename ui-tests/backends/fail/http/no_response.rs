use axum::extract::Path;
use cachekit::cache;

struct User;

#[cache(http, ttl = "30s")]
async fn user(Path(id): Path<u64>) -> User {
    let _ = id;
    User
}

fn main() {}
