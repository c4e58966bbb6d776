use cachekit::cache;

#[cache]
fn first(text: &str) -> Option<&str> {
    text.get(..1)
}

fn main() {}
