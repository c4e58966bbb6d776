//! From the tokens of an attribute and its item to the tokens that replace both.

use crate::args::{self, Item};
use crate::diagnostics::{Errors, register as register_says, shape};
use crate::features::Feature;
use crate::{expand, model, validate};
use proc_macro2::TokenStream;
use quote::quote;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a stage gives when the code is wrong: the item as it is to be emitted beside the errors.
pub(crate) struct Plain(TokenStream);

/// Runs an attribute so that the user's item survives whatever happens: an item that vanished would cost an error per use of it.
pub(crate) fn run(
    attribute: &str,
    args: TokenStream,
    item: TokenStream,
    stage: fn(TokenStream, TokenStream, &mut Errors) -> Result<TokenStream, Plain>,
) -> TokenStream {
    let original = item.clone();
    let guarded = catch_unwind(AssertUnwindSafe(|| {
        let mut errors = Errors::default();
        let result = stage(args, item, &mut errors);
        (result, errors)
    }));
    match guarded {
        Ok((Ok(code), errors)) if errors.is_empty() => code,
        Ok((Ok(item) | Err(Plain(item)), errors)) => {
            let errors = errors.into_tokens();
            quote!(#item #errors)
        }
        Err(panic) => {
            let error = shape::our_bug(attribute, panic.as_ref()).into_compile_error();
            quote!(#original #error)
        }
    }
}

/// `#[cache(…)]`.
pub(crate) fn cache(args: TokenStream, item: TokenStream, errors: &mut Errors) -> Result<TokenStream, Plain> {
    let args = args::arguments(args, errors);
    match args::item(item.clone(), "cache", errors) {
        Item::Function(function) => {
            let plain = function.plain();
            let function = model::function(*function, errors);
            let (model, given) = model::model(args, function, None, errors);
            validate::function(&model, &given, errors);
            if errors.is_empty() { Ok(expand::function(&model)) } else { Err(Plain(plain)) }
        }
        Item::Impl(block) => {
            let plain = block.plain();
            let (block, given) = model::impl_block(args, *block, errors);
            validate::impl_block(&block, &given, errors);
            if errors.is_empty() { Ok(expand::impl_block(&block)) } else { Err(Plain(plain)) }
        }
        Item::Neither => Err(Plain(item)),
    }
}

/// `#[invalidate(…)]`.
pub(crate) fn invalidate(args: TokenStream, item: TokenStream, errors: &mut Errors) -> Result<TokenStream, Plain> {
    let args = args::invalidations(args, errors);
    match args::item(item.clone(), "invalidate", errors) {
        Item::Function(function) => {
            let plain = function.plain();
            let function = model::function(*function, errors);
            let invalidation = model::invalidation(args, function, errors);
            validate::invalidation(&invalidation, errors);
            if errors.is_empty() { Ok(expand::invalidate(&invalidation)) } else { Err(Plain(plain)) }
        }
        Item::Impl(block) => {
            errors.push(shape::invalidate_on_impl(&block));
            Err(Plain(item))
        }
        Item::Neither => Err(Plain(item)),
    }
}

/// `register!(…)`.
pub(crate) fn register(paths: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    if !Feature::Registry.is_on() {
        errors.push(register_says::feature_off());
    }
    let paths = args::registrations(paths, &mut errors);
    if errors.is_empty() {
        return expand::registrations(&paths);
    }
    // In the place of an expression.
    let errors = errors.into_tokens();
    quote!({ #errors ::core::result::Result::<(), ::core::convert::Infallible>::Ok(()) })
}

#[cfg(test)]
mod tests {
    use super::{Plain, cache, invalidate, run};
    use proc_macro2::TokenStream;
    use quote::quote;

    fn tokens(text: &str) -> TokenStream {
        text.parse()
            .unwrap_or_else(|error: proc_macro2::LexError| syn::Error::new(error.span(), text).into_compile_error())
    }

    /// The messages that an attribute gives.
    fn messages(code: &TokenStream) -> usize {
        code.to_string().matches("compile_error").count()
    }

    fn cached(args: &str, item: &str) -> TokenStream {
        run("cache", tokens(args), tokens(item), cache)
    }

    #[test]
    fn what_is_right_is_accepted() {
        let functions = [
            ("", "fn user(id: u64) -> u64 { id }"),
            (
                "",
                "pub(crate) async fn user<'a, T: Clone, const N: usize>(id: &'a [T; N]) -> Result<T, E> where T: Hash { id? }",
            ),
            ("", "fn limits() -> (u64, u64) { (1, 2) }"),
            ("", "fn f(_: u64, (a, b): (u8, u8), Point { x, y }: Point, mut z: u8) -> u8 { z }"),
            ("", "fn f(text: &str) -> &'static str { \"x\" }"),
            ("", "fn f(text: &str) -> Arc<dyn Fn(&str) -> &str> { x }"),
            ("", "fn f(text: &str) -> fn(&str) -> &str { x }"),
            ("", "fn f(text: &str) -> Cow<'static, str> { x }"),
            ("strategy = \"lru\", capacity = 10_000,", "fn user(id: u64) -> u64 { id }"),
            (
                "strategy = my::Policy, capacity = LIMIT * 2, name = \"u\", version = 3",
                "fn user(id: u64) -> u64 { id }",
            ),
            (
                "max_bytes = \"1.5 GiB\", weigher = self::weigh, strategy = my::Policy<A, [u8; 2]>, hasher = Hash<A, B>, ttl = \"1s\"",
                "fn user(id: u64) -> u64 { id }",
            ),
            ("max_bytes = \"64kB\", hasher = std::hash::RandomState", "fn user<T: Key>(id: T) -> Vec<T> { id }"),
            ("hasher = Hash::<A>, strategy = \"adaptive\"", "fn user(id: u64) -> u64 { id }"),
            ("capacity = \"unbounded\", backend = [\"memory\"]", "fn user(id: u64) -> u64 { id }"),
            (
                "backend = \"redis\", codec = my::Codec<A, B>, lock = \"10s\", stale_while_revalidate = \"1h\", ttl = TTL",
                "fn user(id: u64) -> u64 { id }",
            ),
            (
                "backend = [\"memory\", my::BACKEND, \"file\"], near_ttl = TTL / 2, timeout = config().timeout, on_backend_error = \"bypass\", strategy = \"lru\"",
                "fn user(id: u64) -> u64 { id }",
            ),
            ("backend = STATE.backend(), key = (id,), name = \"u\"", "fn user<T: Key + Serialize>(id: T) -> u64 { 1 }"),
            ("key = \"{{{id}}}:{name:?}\"", "fn user(id: u64, name: &str) -> u64 { id }"),
            (
                "key = (id, name.len(), TENANT, names.iter().map(|n| n.len()).sum::<usize>())",
                "fn user(id: u64, name: &str, names: &[&str]) -> u64 { id }",
            ),
            ("key = format!(\"{id}\")", "fn user(id: u64) -> u64 { id }"),
            ("key = (x.to_bits(),)", "fn user(x: f64) -> u64 { 1 }"),
            ("key = \"{x:.2}\"", "fn user(x: f64) -> u64 { 1 }"),
            ("key = \"{type}\"", "fn user(r#type: u64) -> u64 { 1 }"),
            ("key = \"{b}\", skip(a, id)", "fn user(id: u64, (a, b): (u8, u8)) -> u64 { id }"),
            ("skip(a, b)", "fn user(id: u64, (a, b): (u8, u8)) -> u64 { id }"),
            ("skip(db)", "fn user(id: u64, db: &mut Db) -> u64 { id }"),
            ("ttl = |value, | value.lifetime(), jitter = \"12.5%\"", "fn user(id: u64) -> u64 { id }"),
            ("ttl = Duration::from_secs(30), idle = IDLE", "fn user(id: u64) -> u64 { id }"),
            (
                "ttl = \"1h 30m\", refresh_ahead = \"80%\", refresh = \"inline\", stale_if_error = \"1d\"",
                "fn user(id: u64) -> Result<u64, E> { id }",
            ),
            (
                "errors = \"5s\", none = false, cache_if = |value| value > &3, bypass_if = id == 0 || DEBUG",
                "fn user(id: u64) -> Alias { id }",
            ),
            ("single_flight = false, max_loads = cpus(), on_removal = log::removed", "fn user(id: u64) -> u64 { id }"),
            (
                "ttl = \"5s\", stale_while_revalidate = \"1m\", load_timeout = (soft = \"200ms\", hard = \"2s\")",
                "async fn user(id: u64) -> Result<u64, E> { id }",
            ),
            ("tags = [\"user:{id}\", \"all\"], companion = users, crate = ::renamed", "fn user(id: u64) -> u64 { id }"),
            ("method, companion = false", "fn user(id: u64) -> u64 { id }"),
            ("skip(self)", "fn user(&self, id: u64) -> u64 { id }"),
            ("key = (self.tenant, id)", "fn user(self: &Arc<Self>, id: u64) -> u64 { id }"),
            ("cache = self.users, tags = [\"t\"]", "fn user(&self, id: u64) -> u64 { id }"),
            ("", "fn new(id: u64) -> Self { id }"),
            ("batch", "fn users(ids: &[u64]) -> Map<u64> { id }"),
            (
                "batch = ids, skip(db)",
                "async fn users(db: &Db, ids: Vec<u64>, states: &[u8]) -> Result<Map<u64>, E> { id. }",
            ),
            ("batch, of = Repo::<T>::user, skip(self)", "fn users(&self, ids: &[&str]) -> Map<u64> { id }"),
            ("batch, of = user::<u64>, bypass_if = ids.is_empty()", "fn users(ids: &[u64]) -> Map<u64> { id }"),
            (
                "batch, none = \"10s\", ttl = \"1m\", refresh_ahead = \"80%\", refresh = \"inline\", max_loads = 3",
                "fn users(ids: &[u64]) -> Map<u64> { id }",
            ),
        ];
        for (args, item) in functions {
            let code = cached(args, item);
            assert_eq!(messages(&code), 0, "#[cache({args})] {item}: {code}");
        }
    }

    #[test]
    fn every_mistake_is_one_error_and_the_function_stays() {
        let code = cached(
            "ttl = \"30\", jitter = \"0%\", capcity = 3, capacity = |a, b| %, key = \"{di}\", skip = id",
            "fn user(id: u64) -> u64 { id }",
        );
        assert_eq!(messages(&code), 6, "{code}");
        assert!(code.to_string().starts_with("fn user (id : u64) -> u64 { id }"), "{code}");
    }

    #[test]
    fn one_mistake_is_one_error() {
        const PAGE: &str = "fn page(page: Page<'_>, id: u64) -> u64 { id }";
        const WORDS: &str = "fn count(words: &[&str]) -> Result<usize, E> { 1 }";
        let mistakes = [
            ("key = (page, id), ttl = \"1m\", refresh_ahead = \"80%\"", PAGE, "CK140"),
            ("key = \"{page}:{id}\", ttl = \"1m\", refresh_ahead = \"80%\"", PAGE, "CK140"),
            ("key = (page, page), skip(id)", PAGE, "CK140"),
            ("key = (id, a), ttl = \"1m\", refresh_ahead = \"80%\"", "fn f(id: u64, a: &mut u8) -> u8 { 1 }", "CK050"),
            (
                "key = (a, id), ttl = \"1m\", refresh_ahead = \"80%\"",
                "fn f(id: u64, a: &mut &str) -> u8 { 1 }",
                "CK050",
            ),
            ("batch, ttl = \"1m\", refresh_ahead = \"80%\"", "fn users(ids: &[&str]) -> Map<u64> { m }", "CK136"),
            ("ttl = \"1m\", stale_if_error = \"1h\", load_timeout = (soft = \"1s\")", WORDS, "CK061"),
            (
                "companion = false, skip(self), ttl = \"1m\", refresh_ahead = \"80%\"",
                "fn count(&self, words: &[&str]) -> usize { 1 }",
                "CK104",
            ),
            ("key = \"{x}:{x}\"", "fn f(x: f64) -> u8 { 1 }", "CK049"),
            ("key = (x, x)", "fn f(x: f64) -> u8 { 1 }", "CK049"),
            ("key = (idd, idd)", "fn f(id: u64) -> u8 { 1 }", "CK030 CK030"),
            ("key = (idd.a, idd.a)", "fn f(id: u64) -> u8 { 1 }", "CK030 CK030"),
            ("key = \"{x:.2}:{x:.2}\"", "fn f(x: f64) -> u8 { 1 }", "CK143"),
            ("key = (self.id, LIMIT, self.id)", "fn f(&self) -> u8 { 1 }", "CK143"),
            ("key = \"{page:?}:{id}\"", PAGE, ""),
            ("key = \"{page:?}:{id}\", ttl = \"1m\", refresh_ahead = \"80%\"", PAGE, "CK141"),
        ];
        for (args, item, wanted) in mistakes {
            let text = cached(args, item).to_string();
            let found: Vec<&str> = text.split("[CK").skip(1).filter_map(|rest| rest.get(..3)).collect();
            let wanted: Vec<&str> = wanted.split_whitespace().filter_map(|id| id.strip_prefix("CK")).collect();
            assert_eq!(found, wanted, "#[cache({args})] {item}");
        }
    }

    #[test]
    fn bodies_need_not_parse() {
        let code = cached("", "fn user(id: u64) -> u64 { let x = ; id. }");
        assert_eq!(messages(&code), 0, "{code}");
        let code = cached(
            "",
            "impl Repo { #![doc = \"x\"] const A: [u8; 2] = { [1, 2] }; #[cache(skip(self))] #[inline] fn user(&self, id: u64) -> u64 { id. } fn other(&self) { if } }",
        );
        assert_eq!(messages(&code), 0, "{code}");
        assert!(code.to_string().contains("fn other (& self) { if }"), "{code}");
        assert!(!code.to_string().contains("# [cache"), "{code}");
    }

    #[test]
    fn mistakes_in_a_block_leave_the_block() {
        let code = cached(
            "",
            "impl<T: Eq> Find for Repo<T> where T: Hash { #[cache(ttl = 3)] fn a(&self) -> u64 { 1 } #[cachekit::cache(skip(self), crate = x)] fn b(&self) -> u64 { 1 } }",
        );
        assert_eq!(messages(&code), 2, "{code}");
        let text = code.to_string();
        assert!(text.starts_with("impl < T : Eq > Find for Repo < T > where T : Hash {"), "{text}");
        assert!(
            text.contains("fn a (& self)") && text.contains("fn b (& self)") && !text.contains("cachekit :: cache"),
            "{text}"
        );
    }

    #[test]
    fn invalidations() {
        let item = "async fn rename(&self, id: u64, (team, _): (u64, u64)) -> Result<User, E> { id. }";
        for args in [
            "user(id)",
            "user(id), Repo::find(self.tenant, id), posts::by_team(team),",
            "|value| user(value.id)",
            "|User { id, .. }| { user(id) }",
            "|value| (user(value.id), posts(value.author))",
            "tags = [\"team:{team}\"], when = \"always\", crate = x",
            "user(id), when = \"before\"",
            "everything()",
        ] {
            let code = run("invalidate", tokens(args), tokens(item), invalidate);
            assert_eq!(messages(&code), 0, "#[invalidate({args})]: {code}");
        }
    }

    #[test]
    fn a_panic_is_our_bug_and_the_item_stays() {
        let code = run(
            "cache",
            quote!(),
            quote!(
                fn user() -> u64 {
                    1
                }
            ),
            |_, _, _| -> Result<TokenStream, Plain> { std::panic::panic_any("the message") },
        );
        let text = code.to_string();
        assert_eq!(messages(&code), 1);
        assert!(
            text.starts_with("fn user () -> u64 { 1 }")
                && text.contains("a bug of cachekit")
                && text.contains("the message"),
            "{text}"
        );
    }
}
