//! Which application a handler serves: two routers over one handler have two caches, unless somebody says otherwise.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::{Arc, LazyLock, RwLock, Weak},
};

/// What tells one state from another, so that two routers with one handler do not share what it gives.
///
/// An `Arc` is told by where it points: the same allocation is the same application. Texts and numbers are told by what they say. Another state says its own, in the
/// attribute (`scope = state.name`) or for all handlers:
///
/// ```
/// use cachekit_http::{Scope, ScopeId};
///
/// #[derive(Clone)]
/// struct Tenant {
///     name: String,
/// }
///
/// impl Scope for Tenant {
///     fn scope(&self) -> ScopeId {
///         self.name.scope()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "nothing tells one `{Self}` from another",
    label = "two routers with this handler could share what it gives",
    note = "put the state into an `Arc`, say what tells it apart with `scope = …`, or share on purpose with `skip(…)`; or implement `cachekit::http::Scope` for it"
)]
pub trait Scope {
    /// The same for what may share entries, and only for that.
    fn scope(&self) -> ScopeId;
}

/// A [`Scope`] that is the same in every process, as one that shares a backend with others has to be.
#[diagnostic::on_unimplemented(
    message = "processes cannot tell by a `{Self}` whether they mean the same",
    label = "where it is differs from process to process",
    note = "in a backend that processes share, `scope` is a text or a number"
)]
pub trait StableScope: Scope {}

/// What tells a state from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScopeId(Id);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Id {
    Place(u64),
    Number(i128),
    Text(String),
}

impl ScopeId {
    /// Writes it at the end of a text. Places are what most are, and what each hit writes.
    pub(super) fn append_to(&self, text: &mut String) {
        _ = match &self.0 {
            Id::Place(place) => {
                text.push('@');
                write!(text, "{place}")
            }
            _ => write!(text, "{self}"),
        };
    }
}

impl fmt::Display for ScopeId {
    /// No two that differ are written alike.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Id::Place(place) => write!(f, "@{place}"),
            Id::Number(number) => write!(f, "{number}"),
            Id::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl<T: ?Sized + Send + Sync + 'static> Scope for Arc<T> {
    fn scope(&self) -> ScopeId {
        ScopeId(Id::Place(PLACES.number(self)))
    }
}

impl<S: Scope + ?Sized> Scope for &S {
    fn scope(&self) -> ScopeId {
        (**self).scope()
    }
}

impl<S: StableScope + ?Sized> StableScope for &S {}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Scope for $text {
            fn scope(&self) -> ScopeId {
                ScopeId(Id::Text(self.to_string()))
            }
        }
        impl StableScope for $text {}
    )*};
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Scope for $number {
            fn scope(&self) -> ScopeId {
                ScopeId(Id::Number((*self).into()))
            }
        }
        impl StableScope for $number {}
    )*};
}

texts!(str, String);
numbers!(u8, u16, u32, u64, i8, i16, i32, i64);

/// The numbers of the allocations that were met. A number is never given twice, and a `Weak` keeps the place taken for as long as the number stands for it.
#[derive(Default)]
struct Places(RwLock<Known>);

/// Whether what is numbered is still there.
type IsThere = Box<dyn Fn() -> bool + Send + Sync>;

#[derive(Default)]
struct Known {
    /// Ordered: of the few that most applications have, each hit finds one so without a hash.
    by_place: BTreeMap<usize, (u64, IsThere)>,
    next: u64,
}

static PLACES: LazyLock<Places> = LazyLock::new(Places::default);

impl Places {
    fn number<T: ?Sized + Send + Sync + 'static>(&self, shared: &Arc<T>) -> u64 {
        let place = Arc::as_ptr(shared).cast::<()>() as usize;
        let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((number, _)) = known.by_place.get(&place) {
            return *number;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((number, _)) = known.by_place.get(&place) {
            return *number;
        }
        // Those that are gone let go of their memory when another one comes.
        known.by_place.retain(|_, (_, is_there)| is_there());
        let (number, weak): (u64, Weak<T>) = (known.next, Arc::downgrade(shared));
        known.next += 1;
        known.by_place.insert(place, (number, Box::new(move || weak.strong_count() > 0)));
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_has_one_number_for_ever() {
        let places = Places::default();
        let (one, other) = (Arc::new(1_u8), Arc::new(1_u8));
        let first = places.number(&one);
        assert_eq!((places.number(&one.clone()), places.number(&other)), (first, first + 1));
        drop(one);
        let mut met = Vec::new();
        for _ in 0..100 {
            // The allocator likes to give the same place again.
            let next = Arc::new(1_u8);
            met.push(places.number(&next));
        }
        let mut sorted = met.clone();
        sorted.dedup();
        assert_eq!((sorted.len(), met.contains(&first)), (100, false), "{met:?}");
        assert!(places.0.read().unwrap().by_place.len() <= 3, "what is gone is let go of");
        let dynamic: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
        assert_eq!(places.number(&dynamic), places.number(&dynamic));
    }

    #[test]
    fn no_two_scopes_are_written_alike() {
        let all = [Arc::new(()).scope(), 7_u64.scope(), "7".scope(), "@7".scope(), "a\nb".scope(), (-7_i8).scope()];
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        for (at, text) in texts.iter().enumerate() {
            assert!(!text.contains('\n') && texts.iter().skip(at + 1).all(|other| other != text), "{texts:?}");
        }
        assert_eq!((7_u64.scope(), "a".scope()), (7_i8.scope(), "a".to_owned().scope()));
        for scope in &all {
            let mut text = "x".to_owned();
            scope.append_to(&mut text);
            assert_eq!(text, format!("x{scope}"));
        }
    }
}
