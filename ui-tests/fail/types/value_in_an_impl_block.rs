use cachekit::cache;

trait Find {
    fn find(&self, id: u64) -> std::rc::Rc<u64>;
}

struct Repo;

#[cache]
impl Find for Repo {
    #[cache(skip(self))]
    fn find(&self, id: u64) -> std::rc::Rc<u64> {
        id.into()
    }
}

fn main() {
    Repo.find(1);
}
