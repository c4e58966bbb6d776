use cachekit::cache;

struct Repo;

impl Repo {
    #[cache]
    fn find(id: u64) -> u64 {
        id
    }
}

fn main() {}
