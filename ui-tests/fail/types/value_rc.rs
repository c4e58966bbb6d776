use cachekit::cache;
use std::rc::Rc;

#[cache]
fn shared(id: u64) -> Rc<u64> {
    Rc::new(id)
}

fn main() {
    shared(1);
}
