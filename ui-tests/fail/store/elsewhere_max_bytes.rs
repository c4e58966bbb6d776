use cachekit::{Cache, cache};

struct Repo {
    pages: Cache<u64, String>,
}

impl Repo {
    #[cache(cache = &self.pages, max_bytes = "64MiB", weigher = weigh, hasher = std::hash::RandomState)]
    fn page(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {}
