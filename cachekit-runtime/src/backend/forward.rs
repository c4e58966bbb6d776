//! Pointers to backends are backends.

use super::{Address, Backend, BackendFuture, Capabilities, Cursor, Page, SharedBackend};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<B: Backend + ?Sized> Backend for $pointer {
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
            fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
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
    )*};
}

forward!(Arc<B>, &'static B);
