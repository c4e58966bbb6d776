use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[derive(Clone)]
struct User {
    id: u64,
}

struct Repo;

impl Repo {
    #[cache(backend = BYTES, name = "find", skip(self))]
    async fn find(&self, id: u64) -> Result<User, String> {
        Ok(User { id })
    }
}

trait Find {
    fn found(&self, id: u64) -> User;
}

impl Find for Repo {
    #[cache(companion = false, backend = BYTES, name = "found", skip(self))]
    fn found(&self, id: u64) -> User {
        User { id }
    }
}

fn main() {}
