use cachekit::cache;

#[derive(Clone, PartialEq)]
struct Point;

#[cache]
async fn count(points: &[Point]) -> usize {
    points.len()
}

fn main() {
    drop(count(&[]));
}
