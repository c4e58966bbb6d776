use cachekit::invalidate;

trait Users {
    #[invalidate(user(id))]
    fn rename(&self, id: u64);
}

fn main() {}
