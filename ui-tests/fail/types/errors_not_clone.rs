use cachekit::cache;

struct Failure;

#[cache(errors = "5s")]
fn find(id: u64) -> Result<u64, Failure> {
    if id == 0 { Err(Failure) } else { Ok(id) }
}

fn main() {
    let _ = find(1);
}
