use cachekit::cache;

#[derive(Clone)]
struct Words<'a>(Vec<&'a str>);

#[cache]
fn words<'a>(text: &'a str) -> Words<'a> {
    Words(text.split(' ').collect())
}

fn main() {
    words("a b");
}
