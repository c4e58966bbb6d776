use cachekit::{backend::MemoryBytes, cache};
use std::sync::LazyLock;

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Id(u64);

#[cache(backend = BYTES)]
fn user(id: Id) -> u64 {
    id.0
}

#[cache(backend = ["memory", BYTES])]
async fn by_reference(id: &Id, name: Option<&Id>) -> u64 {
    id.0 + name.map_or(0, |name| name.0)
}

#[cache(backend = BYTES, key = (Id(id), id))]
fn by_expression(id: u64) -> u64 {
    id
}

fn main() {}
