use cachekit::cache;

struct Site;

fn weigh(_: &u32, page: &String) -> u64 {
    page.len() as u64
}

impl Site {
    #[cache(max_bytes = "64MiB", weigher = weigh, skip(self))]
    fn page(&self, id: u64, name: &str) -> String {
        format!("{id} {name}")
    }
}

fn main() {
    Site.page(1, "a");
}
