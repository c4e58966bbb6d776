//! Expansions of the main shapes, to be read. `INSTA_UPDATE=always cargo test -p cachekit-macros` writes them anew.

use crate::entry;
use crate::features::{REGISTRY, Registry};
use proc_macro2::TokenStream;
use quote::quote;

fn expand(args: TokenStream, item: TokenStream) -> String {
    pretty(entry::run("cache", args, item, entry::cache))
}

/// `k::` stands for `::cachekit::__private::` and `value` for `__cachekit_value`, which would drown the rest.
fn pretty(code: TokenStream) -> String {
    let code = code
        .to_string()
        .replace(":: cachekit :: __private ::", "k ::")
        .replace("__cachekit_", "")
        .replace("__CachekitCached", "__Cached");
    let file = syn::parse_str(&code).unwrap_or_else(|error| panic!("{error}: {code}"));
    prettyplease::unparse(&file)
}

#[test]
fn sync_function() {
    let args = quote!(strategy = "lru", capacity = 100, ttl = "30s");
    let item = quote!(
        /// A user.
        #[must_use]
        pub fn user(id: u64, name: &str) -> Result<User, Failed> {
            find(id, name)
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn async_function_with_tags_and_refresh() {
    let args = quote!(ttl = "1m", refresh_ahead = "80%", tags = ["user:{id}"], skip(db, maybe));
    let item = quote!(
        async fn user(id: u64, db: &Db, maybe: Option<&Hint>, owned: Vec<u8>) -> Option<User> {
            db.find(id).await
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn generic_function() {
    let item = quote!(
        fn first<T, const N: usize>(values: [T; N]) -> Option<T>
        where
            T: Hash + Eq + Clone + Send + Sync + 'static,
        {
            values.into_iter().next()
        }
    );
    insta::assert_snapshot!(expand(TokenStream::new(), item));
}

#[test]
fn method() {
    let item = quote!(
        pub async fn find(&self, id: u64) -> Result<User, Failed> {
            self.db.find(id).await
        }
    );
    insta::assert_snapshot!(expand(quote!(key = (self.tenant, id), bypass_if = id == 0), item));
}

#[test]
fn method_of_a_trait_impl() {
    let item = quote!(
        fn find(&self, mut id: u64) -> Result<u64, Failed> {
            id += 1;
            Ok(id)
        }
    );
    insta::assert_snapshot!(expand(quote!(companion = false, skip(self)), item));
}

#[test]
fn lone_method_that_may_be_stale() {
    let args = quote!(
        companion = false,
        skip(self),
        ttl = "1m",
        stale_while_revalidate = "1h",
        refresh = "inline",
        bypass_if = id == 0,
        tags = ["user:{id}"]
    );
    let item = quote!(
        async fn find(&self, id: u64) -> Result<u64, Failed> {
            self.db.find(id).await
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn impl_block() {
    let item = quote!(
        impl<T: Clone> Service for Repo<T> {
            type Item = T;
            #[cache(skip(self))]
            fn find(&self, id: u64) -> u64 {
                id
            }
        }
    );
    insta::assert_snapshot!(expand(TokenStream::new(), item));
}

#[test]
fn hidden_companion_with_pattern_and_template() {
    let item = quote!(
        fn near(Point { x, y }: Point, scale: f64) -> u64 {
            x + y
        }
    );
    insta::assert_snapshot!(expand(quote!(companion = false, key = "{x}:{scale:.1}", skip(y)), item));
}

#[test]
fn cache_elsewhere() {
    let item = quote!(
        fn find(&self, id: u64) -> u64 {
            id
        }
    );
    insta::assert_snapshot!(expand(quote!(cache = &self.users), item));
}

#[test]
fn optional_parameter() {
    let item = quote!(
        fn user(id: u64, #[cfg(feature = "names")] name: &str) -> u64 {
            id
        }
    );
    insta::assert_snapshot!(expand(quote!(companion = false), item));
}

#[test]
fn invalidation() {
    let args = quote!(user(id), Repo::find(id), |value| posts(value.author), tags = ["team:{team}"]);
    let item = quote!(
        pub async fn rename(id: u64, team: String) -> Result<User, Failed> {
            save(id, team).await
        }
    );
    insta::assert_snapshot!(pretty(entry::run("invalidate", args, item, entry::invalidate)));
}

#[test]
fn bytes_weigher_and_hasher() {
    let args = quote!(max_bytes = "64MiB", weigher = weigh, hasher = std::hash::RandomState, strategy = "w-tinylfu");
    let item = quote!(
        fn page<T: Key>(id: T) -> Vec<u8> {
            fetch(id)
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn sync_function_over_backends() {
    let args = quote!(
        backend = ["memory", BYTES, "redis"],
        codec = "postcard",
        compress = "lz4",
        ttl = "1h",
        near_ttl = "5s",
        timeout = "100ms",
        lock = "10s",
        on_backend_error = "fail"
    );
    let item = quote!(
        pub fn user(id: u64, name: &str) -> Result<User, Failed> {
            find(id, name)
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn async_generic_function_over_a_backend() {
    let args =
        quote!(backend = ["memory", my::backend()], name = "users", near_ttl = |value| value.lifetime(), skip(db));
    let item = quote!(
        async fn user<K>(id: K, db: &Db) -> Option<User>
        where
            K: Key + Serialize,
        {
            db.find(id).await
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn a_look_alone_is_for_the_one_tier_of_a_cache_that_may_be_shared() {
    let item = quote!(
        async fn user(id: u64) -> User {
            load(id).await
        }
    );
    let looks_alone = |args: TokenStream| expand(args, item.clone()).matches(".alone(").count();
    // Of a call and of a traced one; what is stale goes its own way.
    assert_eq!(looks_alone(quote!(backend = "redis")), 2);
    assert_eq!(looks_alone(quote!(backend = my::backend(), stale_while_revalidate = "1m", ttl = "1m")), 2);
    for args in [
        quote!(),
        quote!(backend = "file"),
        quote!(backend = ["memory", "redis"]),
        quote!(backend = "redis", tags = ["user:{id}"]),
    ] {
        assert_eq!(looks_alone(args.clone()), 0, "{args}");
    }
    let sync = quote!(
        fn user(id: u64) -> User {
            load(id)
        }
    );
    assert_eq!(expand(quote!(backend = "redis"), sync).matches(".alone(").count(), 0);
}

#[test]
fn batch() {
    let args = quote!(batch, ttl = "30s", tags = ["user:{ids}"], skip(db));
    let item = quote!(
        pub async fn users(db: Db, tenant: u32, ids: &[u64]) -> Result<HashMap<u64, User>, Failed> {
            db.find(tenant, ids).await
        }
    );
    insta::assert_snapshot!(expand(args, item));
}

#[test]
fn batch_of_a_method() {
    let item = quote!(
        fn users(&self, ids: Vec<&str>) -> Vec<Option<User>> {
            self.find(ids)
        }
    );
    insta::assert_snapshot!(expand(quote!(batch, of = Repo::user, skip(self)), item));
}

/// As with the features of the registry, which all other expansions here are without.
fn registered(how: Registry, args: TokenStream, item: TokenStream) -> String {
    REGISTRY.set(how);
    let expansion = expand(args, item);
    REGISTRY.set(Registry::Off);
    expansion
}

/// The lines that one has and the other has not.
fn more(with: &str, without: &str) -> String {
    let mut rest: Vec<&str> = without.lines().collect();
    let is_new = |line: &&str| match rest.iter().position(|other| other == line) {
        Some(at) => {
            rest.remove(at);
            false
        }
        None => true,
    };
    with.lines().filter(is_new).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_registry_adds() {
    let item = quote!(
        fn user(id: u64, name: &str) -> u64 {
            id
        }
    );
    let without = expand(TokenStream::new(), item.clone());
    insta::assert_snapshot!(more(&registered(Registry::AtStart, TokenStream::new(), item), &without));
}

#[test]
fn what_the_registry_adds_to_a_generic_method() {
    let args = quote!(skip(self), name = "find");
    let item = quote!(
        fn find<T: Key>(&self, id: T) -> u64 {
            1
        }
    );
    let without = expand(args.clone(), item.clone());
    let with = registered(Registry::AtStart, args.clone(), item.clone());
    assert_eq!(with, registered(Registry::On, args, item), "which instances there are is known when they are called");
    insta::assert_snapshot!(more(&with, &without));
}
