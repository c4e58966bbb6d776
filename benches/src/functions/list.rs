//! The contestants by name.

use super::{bodies, by_hand, cached_macros as cached, memoize_macros as memoize, ours};
use crate::{
    contestant::{
        Contestant,
        Promise::{self, Bound, BoundAndTtl, Other, Unbounded},
        Shape, use_number, use_shared, use_text,
    },
    keys::Keys,
    report::BY_HAND,
};

/// Adds one function of a library for each path; the key is made of what the function takes.
macro_rules! add {
    ($list:ident, $keys:ident, $name:expr, $promise:expr, $($shape:ident $path:path),+) => {
        $(add!(@$shape $list, $keys, $name, $promise, $path);)+
    };
    (@number $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::sync($name, Shape::Number, $promise, $keys, |keys| move |key| use_number($path(keys.ids[key]))));
    };
    (@text $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::sync($name, Shape::Text, $promise, $keys, |keys| move |key| use_text($path(&keys.names[key]))));
    };
    (@text_owned $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::sync($name, Shape::Text, $promise, $keys, |keys| move |key| use_text($path(keys.names[key].clone()))));
    };
    (@mixed $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::sync($name, Shape::Mixed, $promise, $keys, |keys| move |key| use_shared($path(keys.ids[key], &keys.names[key]))));
    };
    (@mixed_owned $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::sync($name, Shape::Mixed, $promise, $keys, |keys| {
            move |key| use_shared($path(keys.ids[key], keys.names[key].clone()))
        }));
    };
    (@async_number $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::asynchronous($name, Shape::AsyncNumber, $promise, $keys, |keys| {
            move |key| async move { use_number($path(keys.ids[key]).await) }
        }));
    };
    (@async_text $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::asynchronous($name, Shape::AsyncText, $promise, $keys, |keys| {
            move |key| async move { use_text($path(&keys.names[key]).await) }
        }));
    };
    (@async_mixed $list:ident, $keys:ident, $name:expr, $promise:expr, $path:path) => {
        $list.push(Contestant::asynchronous($name, Shape::AsyncMixed, $promise, $keys, |keys| {
            move |key| async move { use_shared($path(keys.ids[key], &keys.names[key]).await) }
        }));
    };
}

macro_rules! add_all {
    ($list:ident, $keys:ident, $name:expr, $promise:expr, $($module:ident)::+) => {
        add!(
            $list,
            $keys,
            $name,
            $promise,
            number $($module)::+::number,
            text $($module)::+::text,
            mixed $($module)::+::mixed,
            async_number $($module)::+::async_number,
            async_text $($module)::+::async_text,
            async_mixed $($module)::+::async_mixed
        );
    };
}

/// All of them, compared ones beside each other. Their numbers are stable within a build.
#[must_use]
pub fn contestants(keys: &'static Keys) -> Vec<Contestant> {
    let mut list: Vec<Contestant> = Vec::new();
    add_all!(list, keys, BY_HAND, Bound, by_hand::quick);
    add_all!(list, keys, "cachekit, capacity + ttl", BoundAndTtl, ours::bound_and_ttl);
    add_concurrent(&mut list, keys, "#[concurrent_cached(max_size, ttl)]", BoundAndTtl);
    add_bounded(&mut list, keys, "#[cached(max_size, ttl)]", BoundAndTtl);
    add_all!(list, keys, "moka with ttl, by hand", BoundAndTtl, by_hand::moka_ttl);
    add!(
        list,
        keys,
        "#[memoize(SharedCache, Capacity, TimeToLive)]",
        BoundAndTtl,
        number memoize::number_shared,
        text_owned memoize::text_shared,
        mixed_owned memoize::mixed_shared
    );
    add_all!(list, keys, "cachekit, capacity", Bound, ours::bound);
    add_all!(list, keys, "moka, by hand", Bound, by_hand::moka_bound);
    add_all!(list, keys, "cachekit, capacity = \"unbounded\"", Unbounded, ours::unbounded);
    add_all!(list, keys, "#[cached]", Unbounded, cached);
    add!(list, keys, "#[memoize], per thread", Other, number memoize::number, text_owned memoize::text, mixed_owned memoize::mixed);
    add!(
        list,
        keys,
        "map of the thread: the limit",
        Other,
        number by_hand::thread_local::number,
        text by_hand::thread_local::text,
        mixed by_hand::thread_local::mixed
    );
    add!(list, keys, "the body, no cache", Other, number bodies::number, text bodies::text, mixed bodies::mixed);
    list
}

fn add_concurrent(list: &mut Vec<Contestant>, keys: &'static Keys, name: &'static str, promise: Promise) {
    add!(
        list,
        keys,
        name,
        promise,
        number cached::number_concurrent,
        text cached::text_concurrent,
        mixed cached::mixed_concurrent,
        async_number cached::async_number_concurrent,
        async_text cached::async_text_concurrent,
        async_mixed cached::async_mixed_concurrent
    );
}

fn add_bounded(list: &mut Vec<Contestant>, keys: &'static Keys, name: &'static str, promise: Promise) {
    add!(
        list,
        keys,
        name,
        promise,
        number cached::number_bounded,
        text cached::text_bounded,
        mixed cached::mixed_bounded,
        async_number cached::async_number_bounded,
        async_text cached::async_text_bounded,
        async_mixed cached::async_mixed_bounded
    );
}
