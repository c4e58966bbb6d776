use cachekit::cache;

#[cache]
fn stop(code: i32) -> ! {
    std::process::exit(code)
}

fn main() {}
