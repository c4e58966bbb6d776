use cachekit::cache;

struct Repo<T>(T);

impl<T: Default> Repo<T> {
    #[cache(skip(self), errors = "1s")]
    fn made(&self, id: u64) -> Result<T, String> {
        let _ = id;
        Ok(T::default())
    }
}

fn main() {
    let _ = Repo(1).made(1);
}
