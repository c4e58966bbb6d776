use cachekit::cache;

trait Find {
    fn find(&self, id: u64) -> u64;
}

struct Repo;

impl Find for Repo {
    #[cache(companion = false, skip(self), ttl = "30s", refresh_ahead = "80%")]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
