use cachekit::cache;

struct Repo;

#[cache]
impl Repo {
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
