use cachekit::cache;

struct Repo;

impl Repo {
    #[cache(backend = "redis", skip(self))]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
