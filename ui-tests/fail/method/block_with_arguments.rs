use cachekit::cache;

struct Repo;

#[cache(ttl = "30s")]
impl Repo {
    #[cache(skip(self))]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
