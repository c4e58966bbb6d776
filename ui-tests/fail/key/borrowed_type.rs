use cachekit::cache;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Page<'a>(&'a str);

#[cache]
fn title(page: Page<'_>) -> String {
    page.0.to_owned()
}

fn main() {}
