use cachekit::cache;

#[cache]
fn fill(id: u64, out: &mut Vec<u64>) -> u64 {
    out.push(id);
    id
}

fn main() {}
