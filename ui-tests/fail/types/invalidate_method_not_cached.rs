use cachekit::invalidate;

struct Repo;

impl Repo {
    fn user(&self, id: u64) -> u64 {
        id
    }

    #[invalidate(Repo::user(self, id))]
    fn rename(&self, id: u64) {
        let _ = self.user(id);
    }
}

fn main() {
    Repo.rename(1);
}
