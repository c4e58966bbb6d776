//! Spellings of other versions and of the crate `cached`, so that who comes from there is told ours.

use super::code;
use syn::{Expr, ExprLit, Lit};

/// What `cached` calls `name`, in our words.
pub(crate) fn ours(name: &str, value: Option<&Expr>) -> Option<String> {
    let number = match value {
        Some(Expr::Lit(ExprLit { lit: Lit::Int(int), .. })) => Some(int.base10_digits().to_owned()),
        _ => None,
    };
    let number_or = |other: &str| number.clone().unwrap_or_else(|| other.to_owned());
    let text = match name {
        "size" | "max_size" => format!("here it is `capacity = {}`", value.map_or_else(|| "100".to_owned(), |value| code(value))),
        "time" | "ttl_secs" => format!("here it is `ttl = \"{}s\"`", number_or("30")),
        "ttl_millis" => format!("here it is `ttl = \"{}ms\"`", number_or("500")),
        "time_refresh" => "here a time that starts anew with every use is `idle = \"30s\"`, beside `ttl` or instead of it".into(),
        "result" => "an `Err` is not stored here unless a time for it is given, so leave it out".into(),
        "cache_err" => "an `Err` is not stored here unless a time for it is given, `errors = \"5s\"`".into(),
        "cache_none" => "here a `None` is stored like any value, so leave it out (`none = false` does not store it)".into(),
        "expires" => "here a time for each value is a closure over it, `ttl = |value| value.lifetime()`".into(),
        "unsync_reads" | "sync_writes_buckets" | "shards" => "here the cache sees to its locks and shards itself, so leave it out".into(),
        "companions_vis" => "here the companion has the visibility of the function, so leave it out (`companion = false` has none)".into(),
        "option" => "here it is `none = false`".into(),
        "sync_writes" | "sync_lock" => {
            "concurrent calls of one key compute once here unless `single_flight = false` is said, so leave it out".into()
        }
        "convert" => "here the key is an expression by itself, `key = (id, name.len())` or `key = \"{id}:{name}\"`, and needs no type".into(),
        "ty" | "create" => "here it is `strategy = \"lru\"` with `capacity`, or `cache = EXPR` for a cache that is built elsewhere".into(),
        "with_cached_flag" => "here the companion tells whether a call was a hit: `name::traced(…)`".into(),
        "unbound" => "here it is `capacity = \"unbounded\"`".into(),
        "map_error" => "a backend that fails is bypassed here, so leave it out (`on_backend_error = \"fail\"` makes the call fail)".into(),
        "redis" => "here it is `backend = \"redis\"`, or `backend = [\"memory\", \"redis\"]`".into(),
        "disk_dir" => "here `backend = \"file\"` says that there is a file, and where it is stands in `cachekit::configure()`, in `cachekit.toml` or in `CACHEKIT_DIR`".into(),
        "durable" | "sync_to_disk_on_cache_change" => "here what was invalidated in a file is on the disk before the call returns, and what was stored soon after, so leave it out".into(),
        "cache_prefix_block" => "here a name before the keys is `name = \"users\"`, and one before all of them the namespace of `cachekit::configure()`".into(),
        "disk" => "here it is `backend = \"file\"`, or `backend = [\"memory\", \"file\"]`".into(),
        "result_fallback" => "here it is `stale_if_error = \"1h\"` beside `ttl`".into(),
        "in_impl" => "here it is `method`, and only where neither a receiver nor `Self` in the signature says it".into(),
        "force_refresh" => "here the companion does it, `name::refresh(…)`, or `bypass_if = EXPR` for calls that do not ask the cache".into(),
        _ => return None,
    };
    Some(text)
}

/// What caches of other languages and crates call `name`, in our words.
pub(crate) fn elsewhere(name: &str, value: Option<&Expr>) -> Option<String> {
    let given = |other: &str| value.map_or_else(|| other.to_owned(), |value| code(value));
    let text = match name {
        "time_to_live" | "expire_after_write" | "expires_in" | "expiry" => "here it is `ttl = \"30s\"`".to_owned(),
        "time_to_idle" | "expire_after_access" => "here it is `idle = \"30s\"`".to_owned(),
        "max_capacity" | "maxsize" | "max_entries" | "maximum_size" => {
            format!("here it is `capacity = {}`", given("10_000"))
        }
        "max_weight" | "maximum_weight" | "max_memory" => "here it is `max_bytes = \"64MiB\"`".to_owned(),
        "weight" | "weigh" => "here it is `weigher = path::to_function`, beside `max_bytes`".to_owned(),
        "build_hasher" | "hash_builder" => format!("here it is `hasher = {}`", given("std::hash::RandomState")),
        "lru" | "lfu" | "fifo" | "sieve" | "s3_fifo" | "s3_tinylfu" | "w_tinylfu" | "lirs" | "adaptive" => {
            format!("here it is `strategy = \"{}\"`", name.replace("_", "-"))
        }
        "local_ttl" | "l1_ttl" | "memory_ttl" => {
            "here it is `near_ttl = \"5s\"`, beside `backend = [\"memory\", …]`".to_owned()
        }
        "serializer" | "serialize" | "serialization" | "encoding" => "here it is `codec = \"json\"`".to_owned(),
        "compression" => "here it is `compress = \"lz4\"`".to_owned(),
        "file" | "store" | "storage" | "tiers" | "layers" => "here it is `backend = [\"memory\", \"file\"]`".to_owned(),
        "lock_ttl" | "lease" => "here it is `lock = \"10s\"`".to_owned(),
        "tinylfu" => "here it is `strategy = \"w-tinylfu\"`".to_owned(),
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{elsewhere, ours};
    use crate::args::KNOWN;

    const CACHED: &[&str] = &[
        "size",
        "max_size",
        "time",
        "ttl_secs",
        "ttl_millis",
        "time_refresh",
        "result",
        "option",
        "sync_writes",
        "sync_lock",
        "convert",
        "ty",
        "create",
        "with_cached_flag",
        "unbound",
        "map_error",
        "disk",
        "redis",
        "result_fallback",
        "in_impl",
        "force_refresh",
        "cache_err",
        "cache_none",
        "expires",
        "unsync_reads",
        "sync_writes_buckets",
        "companions_vis",
        "shards",
        "disk_dir",
        "durable",
        "sync_to_disk_on_cache_change",
        "cache_prefix_block",
    ];

    const ELSEWHERE: &[&str] = &[
        "time_to_live",
        "time_to_idle",
        "max_capacity",
        "maxsize",
        "expire_after_write",
        "expire_after_access",
        "lru",
        "lfu",
        "w_tinylfu",
        "tinylfu",
        "max_weight",
        "weight",
        "build_hasher",
        "serializer",
        "compression",
        "local_ttl",
        "lease",
        "storage",
    ];

    #[test]
    fn every_spelling_of_cached_has_an_answer() {
        for name in CACHED {
            assert!(ours(name, None).is_some(), "{name}");
        }
    }

    #[test]
    fn every_spelling_of_others_has_an_answer() {
        for name in ELSEWHERE {
            assert!(elsewhere(name, None).is_some(), "{name}");
        }
    }

    #[test]
    fn what_exists_is_never_called_foreign() {
        for name in KNOWN {
            let foreign = ours(name, None).or_else(|| elsewhere(name, None));
            assert!(foreign.is_none(), "{name}");
        }
    }

    #[test]
    fn numbers_are_carried_over() {
        let value: syn::Expr = syn::parse_quote!(30);
        assert!(ours("ttl_secs", Some(&value)).is_some_and(|text| text.contains("`ttl = \"30s\"`")));
        assert!(ours("size", Some(&value)).is_some_and(|text| text.contains("`capacity = 30`")));
        assert!(elsewhere("maxsize", Some(&value)).is_some_and(|text| text.contains("`capacity = 30`")));
    }
}
