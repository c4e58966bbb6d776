use cachekit::cache;
use std::borrow::Cow;

#[cache]
fn first<'a>(text: &'a str) -> Cow<'a, str> {
    Cow::Borrowed(&text[..1])
}

fn main() {}
