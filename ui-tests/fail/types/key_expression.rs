use cachekit::cache;

struct Query {
    text: String,
    limit: f32,
}

#[cache(key = (&query.text, query.limit))]
fn search(query: &Query) -> usize {
    query.text.len()
}

fn main() {
    search(&Query { text: String::new(), limit: 1.0 });
}
