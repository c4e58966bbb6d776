use cachekit::cache;

#[cache(companion = false)]
fn list<T>(id: u64) -> Vec<T> {
    let _ = id;
    Vec::new()
}

fn main() {
    list::<u8>(1);
}
