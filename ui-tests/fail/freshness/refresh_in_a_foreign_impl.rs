use cachekit::cache;

trait Find {
    fn find(&self, id: u64) -> u64;
}

#[cache]
impl Find for Vec<u64> {
    #[cache(skip(self), ttl = "30s", stale_while_revalidate = "1m")]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
