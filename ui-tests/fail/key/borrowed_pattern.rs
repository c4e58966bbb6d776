use cachekit::cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Page<'a> {
    id: u64,
    text: &'a str,
}

#[cache]
fn title(Page { id, text }: &Page<'_>) -> String {
    format!("{id} {text}")
}

fn main() {}
