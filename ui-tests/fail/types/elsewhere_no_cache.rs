use cachekit::cache;
use std::collections::HashMap;

struct Repo {
    users: HashMap<u64, u64>,
}

impl Repo {
    #[cache(cache = self.users)]
    fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Repo { users: HashMap::new() }.user(1);
}
