use cachekit::cache;

struct Db;
struct Repo;

impl Repo {
    #[cache(skip(self))]
    fn user(&self, id: u64, db: &Db) -> u64 {
        let _ = db;
        id
    }
}

fn main() {
    Repo.user(1, &Db);
}
