use cachekit::cache;

struct Users;

struct Repo {
    users: Users,
}

impl Repo {
    #[cache(cache = self.users, ttl = "30s")]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
