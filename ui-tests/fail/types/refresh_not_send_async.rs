use cachekit::cache;
use std::rc::Rc;

#[cache(skip(context), ttl = "1m", refresh_ahead = "80%")]
async fn user(id: u64, context: Rc<u64>) -> u64 {
    id + *context
}

fn main() {
    drop(user(1, Rc::new(1)));
}
