use cachekit::cache;

struct Users;

struct Repo {
    users: Users,
}

impl Repo {
    #[cache(cache = self.users, capacity = 10)]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
