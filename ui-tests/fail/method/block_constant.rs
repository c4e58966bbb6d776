use cachekit::cache;

struct Repo;

#[cache]
impl Repo {
    #[cache]
    const ID: u64 = 1;
}

fn main() {}
