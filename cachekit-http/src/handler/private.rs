//! What generated code calls. Not part of the public interface: it changes with the macros.

pub use super::{Extracted, Scope, ScopeId, StableScope, head::Head};
pub use crate::layer::{
    CacheHandle,
    named::{Asked, HandlerCache, HandlerCacheBuilder, Loaded},
};
pub use axum::response::{IntoResponse, Response};
use cachekit_runtime::identity::text::KeyText;
pub use cachekit_runtime::private::{Place, place_at};
use serde::Serialize;
use std::{any::TypeId, collections::HashMap, sync::Mutex};

/// The key of a request, as it is put together.
#[derive(Debug)]
pub struct Key {
    text: String,
    is_whole: bool,
}

impl Key {
    /// Of nothing yet.
    #[allow(clippy::new_without_default, reason = "it is for generated code")]
    pub fn new() -> Self {
        // Room for most keys, which would otherwise be moved while they grow.
        Key { text: String::with_capacity(64), is_whole: true }
    }

    /// One more part.
    pub fn part<T: KeyContent + ?Sized>(mut self, part: &T) -> Self {
        // One line, in which parts are told apart: texts are quoted, and line feeds escaped.
        self.text.push(',');
        if let Err(error) = KeyText::append(&mut self.text, part) {
            tracing::warn!(%error, "a part of the key of a cached handler cannot be written; the request goes past its cache");
            self.is_whole = false;
        }
        self
    }

    /// What an extractor has.
    pub fn extracted<'a, E: Extracted>(self, extractor: &'a E) -> Self
    where
        E::Content<'a>: KeyContent,
    {
        self.part(&extractor.content())
    }

    /// Whose state it is.
    pub fn scope(mut self, scope: &ScopeId) -> Self {
        self.text.push(',');
        scope.append_to(&mut self.text);
        self
    }

    /// `None`: a part of it could not be written.
    pub fn finish(self) -> Option<String> {
        self.is_whole.then_some(self.text)
    }
}

/// What can be a part of a handler's key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of the key of a handler",
    label = "does not implement `Serialize`",
    note = "derive it, `#[derive(serde::Serialize)]`; or name in `key = (…)` what the response depends on"
)]
pub trait KeyContent: Serialize {}

impl<T: Serialize + ?Sized> KeyContent for T {}

/// Whether an output is an `Err`.
#[derive(Debug)]
pub struct OutputProbe<'a, T>(pub &'a T);

impl<T, E> OutputProbe<'_, Result<T, E>> {
    /// Whether it is.
    pub fn is_error(&self) -> bool {
        self.0.is_err()
    }
}

/// Of all other types.
pub trait NoError {
    /// Whether it is.
    fn is_error(&self) -> bool;
}

impl<T> NoError for OutputProbe<'_, T> {
    fn is_error(&self) -> bool {
        false
    }
}

/// At its type, so that the error is there.
pub fn assert_extracted<E: Extracted>() {}

/// As [`assert_extracted`].
pub fn assert_scope<S: Scope + ?Sized>(scope: &S) -> ScopeId {
    scope.scope()
}

/// As [`assert_scope`], for a backend that processes share.
pub fn assert_stable_scope<S: StableScope + ?Sized>(scope: &S) -> ScopeId {
    scope.scope()
}

/// Whom a response is for: a text, or perhaps one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whom a response is for",
    label = "neither a text nor a number",
    note = "`private` takes a text, a number, or an `Option` of one, which is the same in all processes: `private = user.id`; with `None` the request goes past the cache"
)]
pub trait Identity {
    /// `None`: nobody knows.
    fn identity(&self) -> Option<String>;
}

impl Identity for str {
    fn identity(&self) -> Option<String> {
        Some(self.to_owned())
    }
}

impl Identity for String {
    fn identity(&self) -> Option<String> {
        Some(self.clone())
    }
}

macro_rules! numbered {
    ($($number:ty),*) => {$(
        impl Identity for $number {
            fn identity(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

numbered!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

impl<I: Identity + ?Sized> Identity for &I {
    fn identity(&self) -> Option<String> {
        (**self).identity()
    }
}

impl<I: Identity> Identity for Option<I> {
    fn identity(&self) -> Option<String> {
        self.as_ref().and_then(Identity::identity)
    }
}

/// Whom the response is for.
pub fn identity(of: &(impl Identity + ?Sized)) -> Option<Option<String>> {
    Some(of.identity())
}

/// A number for the types that a generic handler is used with: its cache is one for all of them.
pub fn number_of<T: ?Sized + 'static>() -> u64 {
    static NUMBERS: Mutex<Option<HashMap<TypeId, u64>>> = Mutex::new(None);
    let mut numbers = NUMBERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let numbers = numbers.get_or_insert_default();
    let next = numbers.len() as u64;
    *numbers.entry(TypeId::of::<T>()).or_insert(next)
}
