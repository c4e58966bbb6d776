//! Where the caches of generic code live.
//!
//! A `static` in a generic function, or in a method of a generic impl, is shared by all instantiations. There, one untyped static holds a cache
//! per instantiation, told apart by the type of a closure that is written beside it: that type is unique for each instantiation of everything
//! around it, lifetimes aside.

use crate::{
    cache::{Builder, Cache},
    key::Parts,
    output::{Output, OutputKind, Value},
};
use std::{
    any::{Any, TypeId},
    sync::OnceLock,
};

/// One cache per instantiation of the code around it. Append-only; the first instantiation is found at once.
#[derive(Default)]
pub struct PerType {
    first: OnceLock<Node>,
}

struct Node {
    site: TypeId,
    cache: Box<dyn Any + Send + Sync>,
    next: OnceLock<Box<Node>>,
}

impl PerType {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        PerType { first: OnceLock::new() }
    }

    fn get<T: Any + Send + Sync>(&'static self, site: TypeId, make: impl FnOnce() -> T) -> Option<&'static T> {
        let mut make = Some(make);
        let mut node = |site| {
            let make = make.take();
            let cache: Box<dyn Any + Send + Sync> = match make {
                Some(make) => Box::new(make()),
                None => Box::new(()),
            };
            Node { site, cache, next: OnceLock::new() }
        };
        let mut at = self.first.get_or_init(|| node(site));
        while at.site != site {
            at = at.next.get_or_init(|| Box::new(node(site)));
        }
        at.cache.downcast_ref()
    }
}

/// The cache of this instantiation; `make` is called once for it.
#[inline]
pub fn per_type<S, P, R, M>(
    slot: &'static PerType,
    site: &S,
    _: &P,
    output: Output<R, M>,
    make: impl FnOnce(Builder<P::Key, M::Stored>) -> Cache<P::Key, M::Stored>,
) -> &'static Cache<P::Key, M::Stored>
where
    P: Parts,
    M: OutputKind<R>,
    M::Stored: Value,
{
    per_type_of::<S, P, R, M>(slot, site, output, make)
}

/// As [`per_type`], with the parts named as a type.
pub fn per_type_of<S, P, R, M>(
    slot: &'static PerType,
    _: &S,
    _: Output<R, M>,
    make: impl FnOnce(Builder<P::Key, M::Stored>) -> Cache<P::Key, M::Stored>,
) -> &'static Cache<P::Key, M::Stored>
where
    P: Parts,
    M: OutputKind<R>,
    M::Stored: Value,
{
    let site = typeid::of::<S>();
    match slot.get(site, || make(Builder::default())) {
        Some(cache) => cache,
        // Only where two types of cache claimed one site, which generated code rules out: uncached is right, if slow.
        None => Box::leak(Box::new(Builder::default().capacity(0).build())),
    }
}
