use cachekit::cache;

struct Query {
    text: String,
}

#[cache]
fn search(query: Query) -> usize {
    query.text.len()
}

fn main() {
    search(Query { text: String::new() });
}
