use cachekit::cache;

struct Report;

#[cache]
fn report(id: u64) -> Report {
    let _ = id;
    Report
}

fn main() {
    report(1);
}
