use cachekit::cache;

unsafe extern "C" {
    #[cache]
    fn abs(x: i32) -> i32;
}

fn main() {}
