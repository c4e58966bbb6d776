//! Programs that show cachekit at work and need more than its default features; those that do not stand in `cachekit/examples`.
//!
//! `cargo run --example NAME`, in the folder of the project:
//!
//! - `axum_app`: a small service with cached handlers, a layer, a POST that invalidates, and a page that shows where each response comes from.
//! - `cluster`: four processes in front of a Redis Cluster whose masters are killed and whose slots move.
//! - `ops`: a service under a load of its own, with the page for who operates it.
//! - `shared`: two processes over one Redis that dies on the way, then over one file store.
