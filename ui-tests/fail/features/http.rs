use cachekit::cache;

#[cache(http(vary = "accept-language"), ttl = "30s", scope = tenant)]
async fn user(tenant: String, id: u64) -> String {
    format!("{tenant} {id}")
}

fn main() {}
