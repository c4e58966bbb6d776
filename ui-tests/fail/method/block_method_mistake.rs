use cachekit::cache;

struct Repo;

#[cache]
impl Repo {
    #[cache(skip(self), ttl = 30)]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn use_it() -> u64 {
    Repo.find(1)
}

fn main() {}
