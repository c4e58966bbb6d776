use cachekit::cache;

type Answer = Option<u64>;

#[cache(errors = "5s")]
fn find(id: u64) -> Answer {
    Some(id)
}

fn main() {
    find(1);
}
