use cachekit::cache;

#[cache]
fn made<T: Default>(id: u64) -> T {
    let _ = id;
    T::default()
}

fn main() {
    made::<u8>(1);
}
