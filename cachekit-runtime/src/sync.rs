//! Locks that a panic in user code does not poison.
//!
//! A panicking `Hash`, `Eq`, `Clone` or `Drop` must leave the cache usable, and every critical section of this crate keeps its data valid at
//! each point where user code runs, so the poison flag of `std` carries no information here.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
