use cachekit::cache;

#[cache]
fn show(what: &impl ToString) -> String {
    what.to_string()
}

fn main() {}
