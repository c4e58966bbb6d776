//! The conformance kit of backends, on one that a user would write; and that it finds what such a backend can do wrong.

use cachekit_runtime::backend::FileBackend;
use cachekit_runtime::testing::{BackendSubject, TestClock, backend_checks, backend_suite, shared_backend_checks};
use cachekit_tests::own_backend::{Mistake, OwnBackend};
use std::{sync::Arc, time::SystemTime};

fn subject(mistake: Mistake) -> BackendSubject {
    let clock = TestClock::new();
    let backend = OwnBackend::with_mistake(clock.clock(), mistake);
    BackendSubject::new(backend.clone()).another(backend).advance(move |span| clock.advance(span))
}

backend_suite!(own, || subject(Mistake::None), shared);

backend_suite!(
    on_a_runtime,
    || {
        let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("threads"));
        let driver = Arc::clone(&runtime);
        subject(Mistake::None).driven_by(move |future| driver.block_on(future)).keep(runtime)
    },
    shared
);

backend_suite!(file, || {
    let (clock, folder) = (TestClock::new(), tempfile::tempdir().expect("a folder"));
    let backend = FileBackend::builder(folder.path()).clock(clock.clock()).wall_clock(|| SystemTime::UNIX_EPOCH).open();
    BackendSubject::new(backend).advance(move |span| clock.advance(span)).keep(folder)
});

backend_suite!(file_in_real_time, || {
    let folder = tempfile::tempdir().expect("a folder");
    BackendSubject::new(FileBackend::builder(folder.path().join("made/for/it")).open()).keep(folder)
});

macro_rules! finds {
    ($($name:ident: $module:ident::$check:ident, $mistake:ident, $message:literal;)*) => {
        $(
            #[test]
            #[should_panic(expected = $message)]
            fn $name() {
                $module::$check(subject(Mistake::$mistake));
            }
        )*
    };
}

finds! {
    an_invalidation_of_one_fingerprint:
        backend_checks::remove_many_reaches_every_fingerprint, InvalidatesOneFingerprint, "`1` under 0000000000000000";
    a_clear_by_prefix: backend_checks::clear_reaches_one_cache_only, ClearsByPrefix, "clearing";
    what_is_found_after_its_end: backend_checks::entries_end_with_their_ttl, FindsTheExpired, "ends with its ttl";
    a_scan_without_ends: backend_checks::a_scan_meets_everything_with_its_ttl, ForgetsTheEndInScans, "None is left of";
    a_scan_of_one_page: backend_checks::a_scan_meets_everything_with_its_ttl, ScansOnePageOnly, "met in pages of";
    shared_abilities_that_nobody_tests: backend_checks::has_no_shared_abilities, None, "give the suite `shared`";
    a_store_after_an_invalidation:
        shared_backend_checks::nothing_is_stored_after_an_invalidation, StoresWithoutAWitness, "!done";
    a_store_without_a_witness: shared_backend_checks::only_the_witness_stores, StoresWithoutAWitness, "!done";
    a_store_with_the_ttl_of_the_marker: shared_backend_checks::what_is_stored_ends, KeepsTheMarkersTtl, "ends with its ttl";
    a_generation_that_stays:
        shared_backend_checks::a_generation_is_the_same_for_all_until_a_clear, KeepsTheGeneration, "old generation";
    fingerprints_that_nobody_learns:
        shared_backend_checks::invalidation_reaches_announced_fingerprints_of_others, IgnoresAnnouncements, "by a clear: false";
    a_lease_that_outlives_its_refresh:
        shared_backend_checks::a_lease_is_for_one_until_it_ends, LeasesForAllThatComes, "what has come since";
    a_renewal_by_another: shared_backend_checks::a_renewed_claim_stays, RenewsOthers, "of another";
}
