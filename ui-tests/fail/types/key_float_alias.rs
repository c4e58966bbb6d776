use cachekit::cache;

type Metres = f64;

#[cache]
fn area(side: Metres) -> u64 {
    (side * side) as u64
}

fn main() {
    area(1.0);
}
