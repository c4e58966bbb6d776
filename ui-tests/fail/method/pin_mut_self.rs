use cachekit::cache;

struct Repo;

impl Repo {
    #[cache(skip(self))]
    fn find(self: std::pin::Pin<&mut Self>, id: u64) -> u64 {
        id
    }
}

fn main() {}
