use cachekit::cache;
use std::rc::Rc;

#[cache(skip(context), ttl = "1m", stale_if_error = "1m", load_timeout = (soft = "1s"))]
async fn user(id: u64, context: Rc<u64>) -> Result<u64, String> {
    Ok(id + *context)
}

fn main() {
    drop(user(1, Rc::new(1)));
}
