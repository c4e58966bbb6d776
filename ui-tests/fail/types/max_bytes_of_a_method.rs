use cachekit::cache;

#[derive(Clone)]
struct Page(String);

struct Site;

impl Site {
    #[cache(max_bytes = "64MiB", skip(self))]
    async fn page(&self, id: u64) -> Page {
        Page(id.to_string())
    }
}

fn main() {
    let _ = Site.page(1);
}
