use cachekit::cache;
use std::rc::Rc;

#[cache]
async fn shared(id: u64) -> Result<Rc<u64>, String> {
    Ok(Rc::new(id))
}

fn main() {
    drop(shared(1));
}
