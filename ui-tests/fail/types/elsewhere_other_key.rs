use cachekit::{Cache, cache};

struct Repo {
    users: Cache<String, u64>,
}

impl Repo {
    #[cache(cache = self.users)]
    fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Repo { users: Cache::builder().build() }.user(1);
}
