//! Which fault it is now, and waiting for another.

use super::Fault;
use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

/// Which fault it is now.
#[derive(Debug)]
pub(super) struct Gate {
    fault: Mutex<Fault>,
    changed: Condvar,
}

impl Default for Gate {
    fn default() -> Self {
        Gate { fault: Mutex::new(Fault::None), changed: Condvar::new() }
    }
}

impl Gate {
    pub(super) fn now(&self) -> Fault {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the one before.
    pub(super) fn set(&self, fault: Fault) -> Fault {
        let before = std::mem::replace(&mut *self.fault.lock().unwrap_or_else(PoisonError::into_inner), fault);
        self.changed.notify_all();
        before
    }

    /// Waits while it is this fault.
    pub(super) fn while_it_is(&self, fault: Fault) {
        let now = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(now, |now| *now == fault));
    }

    /// Waits so long, or until it is another fault.
    pub(super) fn at_most(&self, time: Duration, fault: Fault) {
        let now = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_timeout_while(now, time, |now| *now == fault));
    }
}
