use cachekit::cache;

struct Repo;

#[cache]
impl Repo {
    #[cache = 100]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
