use cachekit::cache;

#[cache]
trait Users {
    fn find(&self, id: u64) -> u64;
}

fn main() {}
