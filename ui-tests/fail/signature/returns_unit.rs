use cachekit::cache;

#[cache]
fn log(id: u64) -> () {
    println!("{id}");
}

fn main() {}
