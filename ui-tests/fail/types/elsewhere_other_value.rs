use cachekit::{Cache, cache};

struct Repo {
    users: Cache<u64, String>,
}

impl Repo {
    #[cache(cache = self.users)]
    fn user(&self, id: u64) -> Result<u64, String> {
        Ok(id)
    }
}

fn main() {
    let _ = Repo { users: Cache::builder().build() }.user(1);
}
