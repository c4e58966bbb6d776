use cachekit::cache;

struct Users;

struct Repo {
    users: Users,
}

impl Repo {
    #[cache(key = "{id}")]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
