//! Lifetimes of `for<'a>` are those of the value, which borrows nothing.
use cachekit::cache;
use std::sync::Arc;

trait Of<'a> {
    fn of(&self, text: &'a str) -> &'a str;
}

struct First;

impl<'a> Of<'a> for First {
    fn of(&self, text: &'a str) -> &'a str {
        &text[..1]
    }
}

struct Named;

impl<'a> Part<'a> for Named {
    type Made = String;
}

trait Part<'a> {
    type Made;
}

#[cache]
fn picked(id: u64) -> Arc<dyn for<'a> Of<'a> + Send + Sync> {
    let _ = id;
    Arc::new(First)
}

// What a projection comes to need not borrow.
#[cache]
fn made<'a>(text: &'a str) -> <Named as Part<'a>>::Made {
    text.to_owned()
}

fn main() {
    assert_eq!(picked(1).of("abc"), "a");
    assert_eq!(picked(1).of("bc"), "b");
    assert_eq!(made("a"), "a");
}
