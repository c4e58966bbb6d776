use cachekit::cache;

#[cache(w_tinylfu)]
fn page(id: u64) -> String {
    id.to_string()
}

fn main() {}
