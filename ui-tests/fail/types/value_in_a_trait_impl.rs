use cachekit::cache;
use std::rc::Rc;

trait Find {
    fn find(&self, id: u64) -> Rc<u64>;
}

struct Repo;

impl Find for Repo {
    #[cache(companion = false, skip(self), ttl = "1m")]
    fn find(&self, id: u64) -> Rc<u64> {
        Rc::new(id)
    }
}

fn main() {
    Repo.find(1);
}
