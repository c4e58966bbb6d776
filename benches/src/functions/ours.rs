//! Ours, written out as the attribute expands.

use super::{CAPACITY, TTL, bodies};
use cachekit_runtime::private::{self as k, form::Ref, form::Val};
use std::sync::{Arc, LazyLock};

/// One function: its static, its key, what it does with what the look finds.
macro_rules! function {
    ($asynchrony:ident $name:ident($($arg:ident: $type:ty as $static:ty, $form:ty),+) -> $output:ty, $body:path, |$builder:ident| $configured:expr) => {
        function!(@$asynchrony $name($($arg: $type as $static, $form),+) -> $output, $body, {
            type Stored = <k::Plain as k::OutputKind<$output>>::Stored;
            static SITE: LazyLock<k::Cache<function!(@key $($static, $form);+), Stored>> = LazyLock::new(|| {
                let $builder = k::Builder::named(concat!(module_path!(), "::", stringify!($name)));
                $configured.build()
            });
            &*SITE
        });
    };
    (@key $static:ty, $form:ty) => { <$static as k::KeyOr<$form, true>>::Owned };
    (@key $($static:ty, $form:ty);+) => { ($(<$static as k::KeyOr<$form, true>>::Owned,)+) };
    (@parts $arg:ident: $type:ty, $form:ty) => { k::part::<$type, $form, true>(&$arg) };
    (@parts $($arg:ident: $type:ty, $form:ty);+) => { ($(k::part::<$type, $form, true>(&$arg),)+) };
    (@share $output:ty) => {{
        use k::ViaAll as _;
        (&&k::ShareProbe::<$output>::NEW).share()
    }};
    (@sync $name:ident($($arg:ident: $type:ty as $static:ty, $form:ty),+) -> $output:ty, $body:path, $site:block) => {
        /// One of the functions.
        pub fn $name($($arg: $type),+) -> $output {
            let parts = function!(@parts $($arg: $type, $form);+);
            let cache = $site;
            let output = k::Output::<$output, k::Plain>::NEW;
            match k::look(cache, &parts) {
                k::Look::Hit(value) => output.wrap(value),
                k::Look::Stale(stale) => output.wrap(stale.into_value()),
                k::Look::Miss(miss) => miss.run(output, function!(@share $output), &mut k::Outcome::new(), || $body($($arg),+)),
            }
        }
    };
    (@asynchronous $name:ident($($arg:ident: $type:ty as $static:ty, $form:ty),+) -> $output:ty, $body:path, $site:block) => {
        /// One of the functions.
        pub async fn $name($($arg: $type),+) -> $output {
            let looked = {
                let parts = function!(@parts $($arg: $type, $form);+);
                let cache = $site;
                k::look(cache, &parts)
            };
            let output = k::Output::<$output, k::Plain>::NEW;
            match looked {
                k::Look::Hit(value) => output.wrap(value),
                k::Look::Stale(stale) => output.wrap(stale.into_value()),
                k::Look::Miss(miss) => {
                    let load = || async move { $body($($arg),+) };
                    Box::pin(miss.run_async(output, function!(@share $output), &mut k::Outcome::new(), load)).await
                }
            }
        }
    };
}

macro_rules! promise {
    ($module:ident, $doc:literal, |$builder:ident| $configured:expr) => {
        #[doc = $doc]
        pub mod $module {
            use super::*;

            function!(sync number(x: u64 as u64, Val) -> u64, bodies::number, |$builder| $configured);
            function!(sync text(s: &str as &'static str, Ref) -> String, bodies::text, |$builder| $configured);
            function!(sync mixed(x: u64 as u64, Val, s: &str as &'static str, Ref) -> Arc<String>, bodies::mixed, |$builder| $configured);
            function!(asynchronous async_number(x: u64 as u64, Val) -> u64, bodies::number, |$builder| $configured);
            function!(asynchronous async_text(s: &str as &'static str, Ref) -> String, bodies::text, |$builder| $configured);
            function!(asynchronous async_mixed(x: u64 as u64, Val, s: &str as &'static str, Ref) -> Arc<String>, bodies::mixed, |$builder| $configured);
        }
    };
}

promise!(bound_and_ttl, "`#[cache(capacity = 200_000, ttl = \"1h\")]`", |builder| builder.capacity(CAPACITY).ttl(TTL));
promise!(bound, "`#[cache(capacity = 200_000)]`", |builder| builder.capacity(CAPACITY));
promise!(unbounded, "`#[cache(capacity = \"unbounded\")]`", |builder| builder.unbounded());
