use cachekit::cache;

#[cache]
fn show<'a>(text: &'a str) -> Box<dyn Fn() -> String + 'a> {
    Box::new(move || text.to_owned())
}

fn main() {}
