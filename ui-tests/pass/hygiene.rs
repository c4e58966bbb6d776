//! User items with the names that generated code could stumble over.
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

mod user_items {
    #![allow(dead_code, non_camel_case_types, non_upper_case_globals)]
    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct Box;
    pub struct String;
    pub struct K;
    pub struct V;
    pub trait Clone {}
    pub mod std {}
    pub mod core {}
    pub mod cachekit {}
    pub fn key() {}
    pub fn part() {}
    pub fn parts() {}
    pub fn output() {}
    pub fn look() {}
    pub fn uncached() -> u64 {
        1
    }
    pub const SITE: u8 = 1;

    #[::cachekit::cache]
    pub fn cached(miss: u64, parts: u64, output: u64, value: u64, part0: u64) -> u64 {
        super::computed() + miss + parts + output + value + part0 + uncached()
    }

    #[::cachekit::cache(key = (refresh, this), skip(builder))]
    pub async fn keyed(refresh: u64, this: u64, builder: u64) -> u64 {
        super::computed() + refresh + this + builder
    }

    #[::cachekit::cache(tags = ["{tags}"])]
    pub fn tagged(tags: u64, plan: &str) -> ::std::string::String {
        ::std::format!("{tags}{plan}")
    }
}

/// What a pattern would resolve to: constants, statics, unit structs and variants of the names that locals have in plain code.
mod patterns {
    #![allow(dead_code, unused_imports, non_camel_case_types, non_upper_case_globals)]
    pub const trace: u8 = 1;
    pub const parts: u8 = 1;
    pub const output: u8 = 1;
    pub const value: u64 = 1;
    pub const miss: u8 = 1;
    pub const stale: u8 = 1;
    pub const claimed: u8 = 1;
    pub const arg0: u8 = 1;
    pub const on_removal: u8 = 1;
    pub const plan: u8 = 1;
    pub const this: u8 = 1;
    pub const SITE: usize = 7;
    pub static cache: u8 = 1;
    pub static builder: u8 = 1;
    pub static result: u8 = 1;
    pub static invalidation0: u8 = 1;
    pub struct part0;
    pub struct part1;
    pub struct kept0;
    pub struct kept1;
    pub struct __Key;
    pub enum Variants {
        refresh,
        site,
        load,
        local,
        key,
        tags,
    }
    use self::Variants::{key, load, local, refresh, site, tags};

    #[::cachekit::cache(capacity = SITE, ttl = "1m", refresh_ahead = "80%", tags = ["id:{id}"], bypass_if = id == 0)]
    pub fn plain(id: u64, (a, _): (u64, u64), name: &str) -> ::core::result::Result<u64, ::std::string::String> {
        ::core::result::Result::Ok(super::computed() + id + a + name.len() as u64)
    }

    #[::cachekit::cache(ttl = "1m", stale_while_revalidate = "1m", refresh = "inline", on_removal = removed)]
    pub async fn awaited(id: u64, _: u64) -> u64 {
        super::computed() + id
    }

    #[::cachekit::cache(ttl = "1m", stale_if_error = "1m", load_timeout = (soft = "1s"))]
    pub async fn timed(id: u64, name: &str) -> ::core::result::Result<u64, ::std::string::String> {
        ::core::result::Result::Ok(super::computed() + id + name.len() as u64)
    }

    #[::cachekit::cache(key = (id.clone(), text.len()), capacity = SITE, on_removal = removed_generic)]
    pub fn generic<T: ::core::hash::Hash + Eq + Clone + Send + Sync + 'static>(id: T, text: &str) -> T {
        let _ = text;
        super::computed();
        id
    }

    fn removed(_: &(u64, u64), _: &u64, _: ::cachekit::RemovalCause) {}

    fn removed_generic<T>(_: &(T, usize), _: &T, _: ::cachekit::RemovalCause) {}

    pub struct Repo(pub u64);

    impl Repo {
        #[::cachekit::cache(key = (self.0, id), ttl = "1m", refresh_ahead = "80%")]
        pub fn of(&self, id: u64) -> u64
        where
            Self: Clone,
        {
            super::computed() + id
        }

        #[::cachekit::cache(skip(self), companion = false, bypass_if = id == 0)]
        pub fn alone(&self, id: u64) -> u64 {
            super::computed() + id
        }

        #[::cachekit::cache]
        pub fn of_a_key(id: __Key2) -> Self {
            Repo(id.0 + super::computed())
        }
    }

    #[derive(Hash, PartialEq, Eq, Clone)]
    pub struct __Key2(pub u64);

    impl Clone for Repo {
        fn clone(&self) -> Self {
            Repo(self.0)
        }
    }

    #[::cachekit::invalidate(plain(id, (0, 0), "a"), |it| timed(*it, "a"), tags = ["id:{id}"])]
    pub async fn changed(id: u64, (_, _): (u64, u64)) -> u64 {
        id
    }
}

/// Everything that a prelude brings, in other hands.
mod shadowed {
    #![allow(dead_code, unused_macros, non_camel_case_types)]
    #![no_implicit_prelude]
    pub struct Result;
    pub struct Option;
    pub struct Box;
    pub struct String;
    pub struct Vec;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub trait Send {}
    pub trait Sync {}
    pub trait Sized {}
    pub trait Clone {}
    pub trait Fn {}
    pub trait Future {}
    pub trait Into {}
    pub mod std {}
    pub mod core {}
    pub mod cachekit {}
    pub fn cache() {}
    pub fn key() {}
    pub fn drop() {}
    pub struct u64;
    pub struct str;
    macro_rules! format {
        () => {};
    }
    macro_rules! vec {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }
    macro_rules! module_path {
        () => {};
    }
    macro_rules! matches {
        () => {};
    }

    type Number = ::core::primitive::u64;
    type Text = ::core::primitive::str;

    #[::cachekit::cache(key = "{id}:{ratio:.2}", ttl = "1m", refresh_ahead = "80%", tags = ["a:{id}"], bypass_if = id == 0)]
    pub fn plain(id: Number, ratio: ::core::primitive::f64) -> ::core::option::Option<Number> {
        let _ = ratio;
        ::core::option::Option::Some(super::computed() + id)
    }

    #[::cachekit::cache(ttl = "1m", stale_if_error = "1m", refresh = "inline", refresh_ahead = "80%", load_timeout = (soft = "1s"))]
    pub async fn awaited(id: Number, name: &Text) -> ::core::result::Result<Number, ::std::string::String> {
        let _ = name;
        ::core::result::Result::Ok(super::computed() + id)
    }

    pub struct Repo(pub Number);

    impl Repo {
        #[::cachekit::cache(key = (self.0, id), ttl = "1m")]
        pub async fn of(&self, id: Number) -> Number {
            super::computed() + id
        }
    }

    #[::cachekit::invalidate(plain(id, 1.0), tags = ["a:{id}"])]
    pub fn changed(id: Number) -> Number {
        id
    }
}

fn main() {
    assert_eq!(patterns::plain(1, (2, 3), "a"), patterns::plain(1, (2, 3), "a"));
    assert_eq!(block_on(patterns::awaited(1, 2)), block_on(patterns::awaited(1, 2)));
    assert_eq!(block_on(patterns::timed(1, "a")), block_on(patterns::timed(1, "a")));
    assert_eq!(patterns::generic(1_u8, "a"), 1);
    let repo = patterns::Repo(1);
    assert_eq!(repo.of(1), repo.of(1));
    assert_eq!(repo.alone(1), repo.alone(1));
    assert_eq!(patterns::Repo::of_a_key(patterns::__Key2(1)).0, patterns::Repo::of_a_key(patterns::__Key2(1)).0);
    let before = patterns::plain(1, (0, 0), "a");
    assert_eq!(block_on(patterns::changed(1, (0, 0))), 1);
    assert_ne!(patterns::plain(1, (0, 0), "a"), before);
    let before = shadowed::plain(1, 1.0);
    assert_eq!(shadowed::plain(1, 1.0), before);
    shadowed::changed(1);
    assert_ne!(shadowed::plain(1, 1.0), before);
    assert_eq!(block_on(shadowed::awaited(1, "a")), block_on(shadowed::awaited(1, "b")).map(|next| next - 1));
    assert_eq!(block_on(shadowed::Repo(1).of(1)), block_on(shadowed::Repo(1).of(1)));
    COMPUTED.store(0, SeqCst);
    assert_eq!((user_items::cached(1, 2, 3, 4, 5), user_items::cached(1, 2, 3, 4, 5)), (17, 17));
    assert_eq!(block_on(user_items::keyed(1, 2, 3)), 8);
    assert_eq!(block_on(user_items::keyed(1, 2, 4)), 8);
    assert_eq!(user_items::tagged(1, "a"), "1a");
    user_items::cached::insert(1, 2, 3, 4, 5, 9);
    assert_eq!(user_items::cached(1, 2, 3, 4, 5), 9);
}
