use cachekit::cache;

struct Repo {
    tenant: String,
    ratio: f32,
}

impl Repo {
    #[cache(key = (&self.tenant, self.ratio, id))]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Repo { tenant: String::new(), ratio: 1.0 }.find(1);
}
