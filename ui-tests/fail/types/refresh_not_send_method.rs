use cachekit::cache;
use std::rc::Rc;

struct Repo;

impl Repo {
    #[cache(method, skip(context), ttl = "1m", stale_while_revalidate = "1m")]
    async fn user(id: u64, context: Rc<u64>) -> u64 {
        id + *context
    }
}

fn main() {
    drop(Repo::user(1, Rc::new(1)));
}
