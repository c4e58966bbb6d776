use cachekit::cache;

struct Repo;

impl Repo {
    #[cache(skip(self))]
    fn shown<T: ToString>(&self, value: T) -> String
    where
        Self: Sized,
    {
        value.to_string()
    }
}

fn main() {
    Repo.shown(1);
}
