use cachekit::cache;

struct Repo;

impl Repo {
    #[cache(companion = false, skip(self), ttl = "30s", stale_if_error = "1h", load_timeout = (soft = "200ms"))]
    async fn find(&self, id: u64) -> Result<u64, String> {
        Ok(id)
    }
}

fn main() {}
