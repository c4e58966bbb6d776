use cachekit::cache;

struct Report;
struct Repo;

impl Repo {
    #[cache(skip(self))]
    fn report(&self, id: u64) -> Report {
        let _ = id;
        Report
    }
}

fn main() {
    Repo.report(1);
}
