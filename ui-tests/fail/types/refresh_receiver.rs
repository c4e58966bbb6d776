use cachekit::cache;

struct Repo;

impl Repo {
    #[cache(skip(self), ttl = "1m", stale_while_revalidate = "1m")]
    fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Repo.user(1);
}
