//! What points to a backend is one: so several caches share it.

use super::{Address, Backend, BackendFuture, Capabilities, Cursor, Page, SharedBackend};
use bytes::Bytes;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

macro_rules! forward {
    ($($generics:tt)*) => {
        impl $($generics)* {
            fn name(&self) -> &str {
                (**self).name()
            }
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
                (**self).get(address)
            }
            fn get_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Vec<Option<Bytes>>> {
                (**self).get_many(addresses)
            }
            fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
                (**self).set(address, bytes, ttl)
            }
            fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
                (**self).remove(address)
            }
            fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
                (**self).remove_many(addresses)
            }
            fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
                (**self).clear(cache)
            }
            fn scan<'a>(
                &'a self,
                cache: Option<&'a str>,
                from: Option<Cursor>,
                at_most: usize,
            ) -> BackendFuture<'a, Page> {
                (**self).scan(cache, from, at_most)
            }
            fn ping(&self) -> BackendFuture<'_, ()> {
                (**self).ping()
            }
            fn flush(&self) -> BackendFuture<'_, ()> {
                (**self).flush()
            }
            fn shared(&self) -> Option<&dyn SharedBackend> {
                (**self).shared()
            }
        }
    };
}

forward!(<B: Backend + ?Sized> Backend for Arc<B>);
forward!(<B: Backend + ?Sized> Backend for Box<B>);
forward!(<B: Backend + ?Sized> Backend for &'static B);
forward!(<B: Backend> Backend for LazyLock<B>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backend::{Fingerprint, MemoryBytes},
        background::block_on,
    };

    #[test]
    fn what_points_to_a_backend_is_that_backend() {
        static LAZY: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);
        let shared: Arc<dyn Backend> = Arc::new(&LAZY);
        let boxed: Box<dyn Backend> = Box::new(shared.clone());
        let address = Address::new("a", "1", Fingerprint(1));
        block_on(boxed.set(&address, Bytes::from_static(b"x"), None)).unwrap();
        assert_eq!(block_on(LAZY.get(&address)).unwrap().as_deref(), Some(&b"x"[..]));
        assert_eq!(block_on(Backend::get_many(&shared, std::slice::from_ref(&address))).unwrap().len(), 1);
        assert_eq!((boxed.name(), boxed.capabilities()), (LAZY.name(), LAZY.capabilities()));
        block_on(boxed.remove_many(std::slice::from_ref(&address))).unwrap();
        assert_eq!(block_on(LAZY.get(&address)).unwrap(), None);
    }
}
