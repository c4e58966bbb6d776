//! The conformance kit of backends: what every [`Backend`](crate::backend::Backend) has to do, as tests.

mod checks;
mod shared;
mod subject;

pub use checks::backend_checks;
pub use shared::shared_backend_checks;
pub use subject::{BackendSubject, SubjectFuture};

/// Emits a module of tests that check a [`Backend`](crate::backend::Backend): entries, their ends, invalidation under every fingerprint, clearing of one
/// cache and no other, scans, concurrent callers, dropped futures, and with `shared` at the end also the abilities of a
/// [`SharedBackend`](crate::backend::SharedBackend).
///
/// `backend_suite!(make)` emits `mod backend_suite`; `backend_suite!(mine_suite, make)` names the module, for the second in one place. `make` is an
/// expression that is called without arguments once a test and returns a [`BackendSubject`]: the backend, and what the tests have to know of it.
/// The subjects may all stand for one server: each test uses names of caches of its own.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::backend::MemoryBytes;
/// use cachekit::testing::{BackendSubject, TestClock, backend_suite};
///
/// backend_suite!(|| {
///     let clock = TestClock::new();
///     BackendSubject::new(MemoryBytes::new().with_clock(clock.clock())).advance(move |span| clock.advance(span))
/// });
/// # fn main() {}
/// ```
#[doc(inline)]
pub use crate::__backend_suite as backend_suite;

#[doc(hidden)]
#[macro_export]
macro_rules! __backend_suite {
    ($make:expr $(,)?) => {
        $crate::testing::backend_suite!(backend_suite, $make);
    };
    ($module:ident, $make:expr $(,)?) => {
        $crate::__backend_suite!(@tests $module, $make, {
            #[test]
            fn has_no_shared_abilities_that_nobody_tests() {
                $crate::testing::backend_checks::has_no_shared_abilities(__subject());
            }
        });
    };
    ($module:ident, $make:expr, shared $(,)?) => {
        $crate::__backend_suite!(@tests $module, $make, {
            #[test]
            fn a_claim_takes_what_is_free_only() {
                $crate::testing::shared_backend_checks::a_claim_takes_what_is_free_only(__subject());
            }
            #[test]
            fn several_at_once_are_as_one_by_one() {
                $crate::testing::shared_backend_checks::several_at_once_are_as_one_by_one(__subject());
            }
            #[test]
            fn a_claim_goes_by_itself() {
                $crate::testing::shared_backend_checks::a_claim_goes_by_itself(__subject());
            }
            #[test]
            fn a_renewed_claim_stays() {
                $crate::testing::shared_backend_checks::a_renewed_claim_stays(__subject());
            }
            #[test]
            fn only_who_sees_it_replaces_a_claim() {
                $crate::testing::shared_backend_checks::only_who_sees_it_replaces_a_claim(__subject());
            }
            #[test]
            fn only_the_witness_stores() {
                $crate::testing::shared_backend_checks::only_the_witness_stores(__subject());
            }
            #[test]
            fn what_is_stored_ends() {
                $crate::testing::shared_backend_checks::what_is_stored_ends(__subject());
            }
            #[test]
            fn nothing_is_stored_after_an_invalidation() {
                $crate::testing::shared_backend_checks::nothing_is_stored_after_an_invalidation(__subject());
            }
            #[test]
            fn nothing_valid_is_stored_after_a_clear() {
                $crate::testing::shared_backend_checks::nothing_valid_is_stored_after_a_clear(__subject());
            }
            #[test]
            fn a_generation_is_the_same_for_all_until_a_clear() {
                $crate::testing::shared_backend_checks::a_generation_is_the_same_for_all_until_a_clear(__subject());
            }
            #[test]
            fn invalidation_reaches_announced_fingerprints_of_others() {
                $crate::testing::shared_backend_checks::invalidation_reaches_announced_fingerprints_of_others(__subject());
            }
            #[test]
            fn a_tag_is_made_stale() {
                $crate::testing::shared_backend_checks::a_tag_is_made_stale(__subject());
            }

            #[test]
            fn a_tag_has_a_version_until_it_is_invalidated() {
                $crate::testing::shared_backend_checks::a_tag_has_a_version_until_it_is_invalidated(__subject());
            }
            #[test]
            fn a_lease_is_for_one_until_it_ends() {
                $crate::testing::shared_backend_checks::a_lease_is_for_one_until_it_ends(__subject());
            }
            #[test]
            fn a_look_at_a_head_is_the_beginning_of_a_look() {
                $crate::testing::shared_backend_checks::a_look_at_a_head_is_the_beginning_of_a_look(__subject());
            }
            #[test]
            fn who_watches_is_told() {
                $crate::testing::shared_backend_checks::who_watches_is_told(__subject());
            }
            #[test]
            fn one_of_many_claims_wins() {
                $crate::testing::shared_backend_checks::one_of_many_claims_wins(__subject());
            }
        });
    };
    (@tests $module:ident, $make:expr, { $($further:item)* }) => {
        mod $module {
            #[allow(unused_imports)] // what makes the subject may be given by an absolute path
            use super::*;

            fn __subject() -> $crate::testing::BackendSubject {
                ($make)()
            }

            $($further)*

            #[test]
            fn finds_what_was_set() {
                $crate::testing::backend_checks::finds_what_was_set(__subject());
            }
            #[test]
            fn the_last_set_counts() {
                $crate::testing::backend_checks::the_last_set_counts(__subject());
            }
            #[test]
            fn entries_end_with_their_ttl() {
                $crate::testing::backend_checks::entries_end_with_their_ttl(__subject());
            }
            #[test]
            fn a_set_replaces_the_end() {
                $crate::testing::backend_checks::a_set_replaces_the_end(__subject());
            }
            #[test]
            fn no_ttl_is_too_short_or_too_long() {
                $crate::testing::backend_checks::no_ttl_is_too_short_or_too_long(__subject());
            }
            #[test]
            fn remove_takes_one_entry() {
                $crate::testing::backend_checks::remove_takes_one_entry(__subject());
            }
            #[test]
            fn remove_many_reaches_every_fingerprint() {
                $crate::testing::backend_checks::remove_many_reaches_every_fingerprint(__subject());
            }
            #[test]
            fn remove_many_takes_any_number() {
                $crate::testing::backend_checks::remove_many_takes_any_number(__subject());
            }
            #[test]
            fn clear_reaches_one_cache_only() {
                $crate::testing::backend_checks::clear_reaches_one_cache_only(__subject());
            }
            #[test]
            fn what_is_set_after_an_invalidation_stays() {
                $crate::testing::backend_checks::what_is_set_after_an_invalidation_stays(__subject());
            }
            #[test]
            fn get_many_keeps_the_order_and_the_holes() {
                $crate::testing::backend_checks::get_many_keeps_the_order_and_the_holes(__subject());
            }
            #[test]
            fn values_of_all_sizes_come_back() {
                $crate::testing::backend_checks::values_of_all_sizes_come_back(__subject());
            }
            #[test]
            fn ids_of_all_characters_are_kept_apart() {
                $crate::testing::backend_checks::ids_of_all_characters_are_kept_apart(__subject());
            }
            #[test]
            fn holds_many_entries() {
                $crate::testing::backend_checks::holds_many_entries(__subject());
            }
            #[test]
            fn a_scan_meets_everything_with_its_ttl() {
                $crate::testing::backend_checks::a_scan_meets_everything_with_its_ttl(__subject());
            }
            #[test]
            fn a_scan_of_one_cache_meets_no_other() {
                $crate::testing::backend_checks::a_scan_of_one_cache_meets_no_other(__subject());
            }
            #[test]
            fn a_scan_goes_on_under_changes() {
                $crate::testing::backend_checks::a_scan_goes_on_under_changes(__subject());
            }
            #[test]
            fn answers_ping_and_flush() {
                $crate::testing::backend_checks::answers_ping_and_flush(__subject());
            }
            #[test]
            fn concurrent_callers_never_mix_values() {
                $crate::testing::backend_checks::concurrent_callers_never_mix_values(__subject());
            }
            #[test]
            fn dropped_futures_leave_it_usable() {
                $crate::testing::backend_checks::dropped_futures_leave_it_usable(__subject());
            }
            #[test]
            fn does_what_its_capabilities_say() {
                $crate::testing::backend_checks::does_what_its_capabilities_say(__subject());
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{backend::MemoryBytes, testing::TestClock};

    backend_suite!(memory_bytes, || {
        let clock = TestClock::new();
        BackendSubject::new(MemoryBytes::new().with_clock(clock.clock())).advance(move |span| clock.advance(span))
    });

    backend_suite!(memory_bytes_in_real_time, || BackendSubject::new(MemoryBytes::new()));
}
