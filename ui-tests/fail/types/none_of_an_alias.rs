use cachekit::cache;

type Answer = Result<u64, String>;

#[cache(none = "5s")]
fn find(id: u64) -> Answer {
    Ok(id)
}

fn main() {
    let _ = find(1);
}
