use cachekit::cache;

#[cache]
fn find(id: u64, counter: Option<&mut u64>) -> u64 {
    let _ = counter;
    id
}

fn main() {}
