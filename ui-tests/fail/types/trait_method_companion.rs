use cachekit::cache;

trait Find {
    fn find(&self, id: u64) -> u64;
}

struct Repo;

impl Find for Repo {
    #[cache(skip(self))]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Repo.find(1);
}
