use cachekit::cache;

struct Report;

#[derive(Clone)]
struct Repo;

impl Repo {
    #[cache(skip(self), ttl = "1m", refresh_ahead = "80%", tags = ["id:{id}"], bypass_if = id == 0)]
    async fn report(&self, id: u64, name: &str) -> Result<Report, String> {
        let _ = (id, name);
        Ok(Report)
    }
}

fn main() {
    drop(Repo.report(1, "a"));
}
