//! Small pieces that only generated code uses: names for the types of a function's cache, and what infers or compares such types.

use crate::{
    cache::{Builder, Cache},
    key::{Key, Parts},
    output::{Output, OutputKind, Plain, ResultOk, Value, Whole},
    site::{PerType, per_type_of},
};
use std::{hash::Hasher, marker::PhantomData};

/// The types of the cache behind a companion, where they can be written: a free function without type parameters.
pub trait Cached {
    /// The owned key.
    type Key;
    /// How the output is stored.
    type Kind;
    /// What is stored.
    type Value;
}

/// Stands for the parts of some call by the key that they make. Has no values that anyone could look up.
pub struct AnyParts<K>(PhantomData<fn() -> K>);

impl<K: Key> Parts for AnyParts<K> {
    type Key = K;
    fn hash_parts<H: Hasher>(&self, _: &mut H) {}
    fn matches_key(&self, _: &K) -> bool {
        false
    }
    fn to_key(&self) -> Option<K> {
        None
    }
}

/// The cache of this instantiation, by the types of key and value.
#[inline]
pub fn per_type_keyed<S, K: Key, V: Value>(
    slot: &'static PerType,
    site: &S,
    make: impl FnOnce(Builder<K, V>) -> Cache<K, V>,
) -> &'static Cache<K, V> {
    per_type_of::<S, AnyParts<K>, V, Plain>(slot, site, Output::NEW, make)
}

/// Tells the compiler the type of a cache's keys by a closure that would compute one. It is never called.
#[inline]
pub fn keyed_like<A, K, V>(_: &Cache<K, V>, _: impl FnOnce(A) -> Option<K>) {}

/// A kind that was read from a signature is the kind of the type.
#[diagnostic::on_unimplemented(
    message = "the return type of this function is a `Result` under another name, or no `Result` in spite of its name",
    label = "write `Result<…>` out here, or `companion = false`",
    note = "the functions beside a method or a generic function name the cached type in their signatures, and go by the name `Result`"
)]
pub trait SameKind<ByName> {}
impl SameKind<Plain> for Plain {}
impl SameKind<ResultOk> for ResultOk {}
impl SameKind<Whole> for Whole {}

/// Reports a return type whose name misleads.
#[inline]
pub const fn assert_kind<ByName, R, M: SameKind<ByName>>(_: Output<R, M>) {}

/// A `Result`, as its name says, and what is in its `Ok`.
#[diagnostic::on_unimplemented(
    message = "the return type of this function is no `Result` in spite of its name",
    label = "call it something else, or write `companion = false`",
    note = "the functions beside a method or a generic function name the cached type in their signatures, and go by the name `Result`"
)]
pub trait NamedResult {
    /// What is stored.
    type Ok;
}

impl<T, E> NamedResult for Result<T, E> {
    type Ok = T;
}

/// The one place that reports a stored type that is unfit, where constants cannot see types.
#[inline]
pub const fn assert_value<V: Value>() {}

/// As [`assert_value`] where the stored type has no name.
#[inline]
pub const fn assert_stored<R, M: OutputKind<R, Stored: Value>>(_: &Output<R, M>) {}

/// Whether a function succeeded, and with what: `success!(output)`.
pub struct SuccessProbe<'a, R>(pub &'a R);

/// Wins for `Result`s.
pub trait ViaResultOutput<'a> {
    /// The type of an `Ok`.
    type Value;
    /// The value of an `Ok`.
    fn success(&self) -> Option<&'a Self::Value>;
}

impl<'a, T, E> ViaResultOutput<'a> for SuccessProbe<'a, Result<T, E>> {
    type Value = T;
    #[inline]
    fn success(&self) -> Option<&'a T> {
        self.0.as_ref().ok()
    }
}

/// Serves all the rest, which cannot fail.
pub trait ViaAnyOutput<'a, R> {
    /// The output.
    fn success(&self) -> Option<&'a R>;
}

impl<'a, R> ViaAnyOutput<'a, R> for &SuccessProbe<'a, R> {
    #[inline]
    fn success(&self) -> Option<&'a R> {
        Some(self.0)
    }
}

/// Calls a closure that may return a borrow of what it owns.
#[inline]
pub fn once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Gives an async block the output type that its `?` and `return` infer from.
#[inline]
pub fn returning<R, F: Future<Output = R>>(future: F) -> F {
    future
}

/// The name in shared backends of a free function that was given none: its path. For a function in a function, whose `path` lacks the outer one, it is
/// read from the type of a closure in the generated `__site` of its companion, which stands beside `function`; or in it, if that is empty.
#[cfg(feature = "backend")]
pub fn function_path<S>(path: &'static str, function: &'static str, _: &S) -> std::borrow::Cow<'static, str> {
    const BESIDE: &str = "::__site::";
    let place = std::any::type_name::<S>();
    let companion = place.rfind(BESIDE).and_then(|end| place.get(..end)).unwrap_or(place);
    let outside = companion.rsplit_once("::").map_or(companion, |(outside, _)| outside);
    let found = if function.is_empty() { outside.to_owned() } else { format!("{outside}::{function}") };
    if found == path { path.into() } else { found.into() }
}

/// The arguments in the name of a type, `<u64>`; nothing for a type without.
#[cfg(feature = "backend")]
#[must_use]
pub fn arguments_of(type_name: &'static str) -> &'static str {
    let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    type_name.find(|c| !is_path(c)).and_then(|start| type_name.get(start..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "backend")]
    #[test]
    fn names_tell_instances_apart() {
        assert_eq!(arguments_of(std::any::type_name::<String>()), "");
        assert_eq!(arguments_of("a::Repo<u64, a::B>"), "<u64, a::B>");
        assert_eq!(arguments_of("[u8; 4]"), "[u8; 4]");
    }

    #[cfg(feature = "backend")]
    #[test]
    fn a_function_in_a_function_has_the_outer_one_in_its_path() {
        // As generated code has it.
        enum Free {}
        impl Free {
            fn __site(function: &'static str) -> String {
                function_path("a::user", function, &|| {}).into_owned()
            }
        }
        let outer = concat!(module_path!(), "::a_function_in_a_function_has_the_outer_one_in_its_path");
        assert_eq!(Free::__site("user"), format!("{outer}::user"));
        assert_eq!(Free::__site(""), outer);
    }

    #[cfg(feature = "backend")]
    enum Companion {}
    #[cfg(feature = "backend")]
    impl Companion {
        fn __site() -> std::borrow::Cow<'static, str> {
            function_path(concat!(module_path!(), "::user"), "user", &|| {})
        }
    }

    #[cfg(feature = "backend")]
    #[test]
    fn a_function_in_a_module_has_the_path_of_the_module() {
        assert_eq!(Companion::__site(), concat!(module_path!(), "::user"));
        assert!(matches!(Companion::__site(), std::borrow::Cow::Borrowed(_)));
    }

    /// As generated code asks.
    macro_rules! success {
        ($output:expr) => {
            (&SuccessProbe(&$output)).success()
        };
    }

    #[test]
    fn success_is_found_by_type() {
        type Aliased = Result<u8, String>;
        let (good, bad, plain): (Aliased, Aliased, Option<u8>) = (Ok(1), Err("no".to_owned()), None);
        assert_eq!(success!(good), Some(&1));
        assert_eq!(success!(bad), None);
        assert_eq!(success!(plain), Some(&None));
    }
}
