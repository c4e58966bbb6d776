//! Functions that a macro writes: types, bodies, values and names arrive in invisible groups.

macro_rules! cached {
    ($vis:vis fn $name:ident($arg:ident: $ty:ty) -> $ret:ty $body:block, $capacity:literal, $ttl:expr, $key:expr) => {
        #[cachekit::cache(capacity = $capacity, ttl = $ttl, key = $key)]
        $vis fn $name($arg: $ty) -> $ret $body
    };
}

cached!(pub fn length(text: &str) -> usize { text.len() }, 100, "30s", (text.len(), text));
cached!(fn twice(id: u64) -> u64 { id * 2 }, 10, std::time::Duration::from_secs(3), "{id}");

fn main() {
    assert_eq!(length("four"), 4);
    assert_eq!(twice(4), 8);
}
