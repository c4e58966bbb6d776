use cachekit::cache;

struct Users;

struct Repo {
    users: Users,
}

impl Repo {
    #[cache(method)]
    fn new(_id: u64) -> Option<Self> {
        None
    }
}

fn main() {}
