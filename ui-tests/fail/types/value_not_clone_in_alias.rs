use cachekit::cache;

struct Report;
type Answer<T> = Result<T, String>;

#[cache]
fn report(id: u64) -> Answer<Report> {
    let _ = id;
    Ok(Report)
}

fn main() {
    let _ = report(1);
}
