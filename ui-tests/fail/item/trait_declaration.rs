use cachekit::cache;

trait Users {
    #[cache]
    fn find(id: u64) -> u64;
}

fn main() {}
