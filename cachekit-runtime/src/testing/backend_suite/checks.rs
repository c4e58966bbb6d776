//! The checks that every backend passes.

use super::subject::{BackendSubject, done, fresh_name};
use crate::backend::{Address, Cursor, Fingerprint, Scanned};
use bytes::Bytes;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

const ONE: Fingerprint = Fingerprint(1);
const TWO: Fingerprint = Fingerprint(0xffee_ddcc_bbaa_9988);
const THREE: Fingerprint = Fingerprint(u64::MAX);

/// The checks of [`backend_suite!`](super::backend_suite), for those who write their own tests around them. Each panics where the backend breaks the
/// contract of [`Backend`](crate::backend::Backend).
pub mod backend_checks {
    use super::*;

    /// For `backend_suite!` without `shared`: a backend with shared abilities names them, so that they are tested.
    pub fn has_no_shared_abilities(subject: BackendSubject) {
        let backend = subject.backend();
        assert!(backend.shared().is_none(), "`{}` has shared abilities: give the suite `shared`", backend.name());
    }

    /// Nothing is there before, and the very bytes after.
    pub fn finds_what_was_set(subject: BackendSubject) {
        subject.run(async {
            let address = address("set", "1", ONE);
            subject.announce(address.cache(), &[ONE, TWO]).await;
            assert_eq!(subject.get(&address).await, None);
            subject.set(&address, "first", None).await;
            assert_eq!(subject.get(&address).await, Some(Bytes::from("first")));
            assert_eq!(subject.get(&address.with_fingerprint(TWO)).await, None, "another shape is another entry");
            let neighbour = Address::new(address.cache(), "2", ONE);
            assert_eq!(subject.get(&neighbour).await, None);
        });
    }

    /// Longer, shorter, equal: the last one is what is found.
    pub fn the_last_set_counts(subject: BackendSubject) {
        subject.run(async {
            let address = address("overwrite", "1", ONE);
            for value in ["a", "much longer than before", "short", "short", ""] {
                subject.set(&address, value, None).await;
                assert_eq!(subject.get(&address).await, Some(Bytes::from(value)));
            }
        });
    }

    /// Found as long as the ttl runs, and not after.
    pub fn entries_end_with_their_ttl(subject: BackendSubject) {
        subject.run(async {
            let (address, ttl) = (address("ttl", "1", ONE), subject.short());
            let lasting = Address::new(address.cache(), "2", ONE);
            subject.set(&lasting, "lasting", Some(Duration::from_secs(86_400))).await;
            found_while_it_lasts(&subject, &address, ttl).await;
            let gone = || async { subject.get(&address).await.is_none() };
            subject.pass(ttl, "an entry ends with its ttl", gone).await;
            let several = [lasting.clone(), address.clone()];
            let got = done(subject.backend().get_many(&several).await);
            assert_eq!(got, [Some(Bytes::from("lasting")), None]);
            assert!(!done(subject.backend().remove(&address).await), "what has ended is not there any more");
        });
    }

    /// A later set brings its own ttl: longer, shorter, or none.
    pub fn a_set_replaces_the_end(subject: BackendSubject) {
        subject.run(async {
            let (longer, shorter, none) =
                (address("end", "1", ONE), address("end", "2", ONE), address("end", "3", ONE));
            let ttl = subject.short();
            subject.set(&longer, "first", Some(ttl)).await;
            subject.set(&longer, "second", Some(Duration::from_secs(86_400))).await;
            subject.set(&none, "first", Some(ttl)).await;
            subject.set(&none, "second", None).await;
            subject.set(&shorter, "first", Some(Duration::from_secs(86_400))).await;
            subject.set(&shorter, "second", Some(ttl)).await;
            subject.pass(ttl, "the shorter ttl counts", || async { subject.get(&shorter).await.is_none() }).await;
            assert_eq!(subject.get(&longer).await, Some(Bytes::from("second")));
            assert_eq!(subject.get(&none).await, Some(Bytes::from("second")));
        });
    }

    /// A ttl of zero, and of ages.
    pub fn no_ttl_is_too_short_or_too_long(subject: BackendSubject) {
        subject.run(async {
            let address = address("bounds", "1", ONE);
            for seconds in [86_400 * 365 * 100, u64::MAX / 2_000_000_000, u64::MAX / 2_000, u64::MAX] {
                subject.set(&address, "lasting", Some(Duration::from_secs(seconds))).await;
                assert_eq!(subject.get(&address).await, Some(Bytes::from("lasting")), "after a ttl of {seconds} s");
            }
            subject.set(&address, "lasting", Some(Duration::MAX)).await;
            assert_eq!(subject.get(&address).await, Some(Bytes::from("lasting")));
            subject.set(&address, "over at once", Some(Duration::ZERO)).await;
            let found = subject.get(&address).await;
            assert_eq!(found, None, "a ttl of zero is over at once, and what was there is replaced");
            subject.set(&address, "short", Some(Duration::from_nanos(1))).await;
            let gone = || async { subject.get(&address).await.is_none() };
            subject.pass(Duration::from_millis(1), "a ttl of a nanosecond ends", gone).await;
        });
    }

    /// The entry at the very address, and whether it was there.
    pub fn remove_takes_one_entry(subject: BackendSubject) {
        subject.run(async {
            let address = address("remove", "1", ONE);
            let (shape, neighbour) = (address.with_fingerprint(TWO), Address::new(address.cache(), "2", ONE));
            subject.announce(address.cache(), &[ONE, TWO]).await;
            assert!(!done(subject.backend().remove(&address).await));
            for address in [&address, &shape, &neighbour] {
                subject.set(address, "value", None).await;
            }
            assert!(done(subject.backend().remove(&address).await));
            assert!(!done(subject.backend().remove(&address).await));
            assert_eq!(subject.get(&address).await, None);
            assert!(subject.get(&shape).await.is_some() && subject.get(&neighbour).await.is_some());
        });
    }

    /// An invalidation names one fingerprint and reaches all, of its own ids only.
    pub fn remove_many_reaches_every_fingerprint(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("remove_many");
            let shapes = [Fingerprint(0), ONE, TWO, THREE];
            subject.announce(&cache, &shapes).await;
            // Each of them begins with the next shorter one.
            let arguments = ["", "1", "12", "12:", "12:3"];
            for arguments in arguments {
                for shape in shapes {
                    subject.set(&Address::new(&cache, arguments, shape), "value", None).await;
                }
            }
            let gone = ["1", "12:"].map(|arguments| Address::new(&cache, arguments, Fingerprint(77)));
            done(subject.backend().remove_many(&gone).await);
            for arguments in arguments {
                for shape in shapes {
                    let found = subject.get(&Address::new(&cache, arguments, shape)).await.is_some();
                    assert_eq!(found, !["1", "12:"].contains(&arguments), "`{arguments}` under {shape}");
                }
            }
        });
    }

    /// None, the same one twice, what is not there, and thousands at once.
    pub fn remove_many_takes_any_number(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("remove_any");
            subject.announce(&cache, &[ONE]).await;
            let all: Vec<Address> = (0..3_000).map(|n| Address::new(&cache, &n.to_string(), ONE)).collect();
            done(subject.backend().remove_many(&[]).await);
            for address in all.iter().step_by(10) {
                subject.set(address, "value", None).await;
            }
            let twice = [all[0].clone(), all[0].clone(), all[1].clone()];
            done(subject.backend().remove_many(&twice).await);
            assert_eq!(subject.get(&all[0]).await, None);
            assert!(subject.get(&all[10]).await.is_some());
            done(subject.backend().remove_many(&all).await);
            let left = done(subject.backend().get_many(&all).await);
            assert_eq!(left.iter().flatten().count(), 0);
        });
    }

    /// Also where one name begins with another.
    pub fn clear_reaches_one_cache_only(subject: BackendSubject) {
        subject.run(async {
            let name = fresh_name("clear");
            let others =
                [format!("{name}."), format!("{name};"), format!("{name}9"), format!("{name} "), "x".to_owned()]
                    .map(|other| if other == "x" { format!("x{name}") } else { other });
            let shorter = name[..name.len() - 1].to_owned();
            for cache in others.iter().chain([&name, &shorter]) {
                subject.announce(cache, &[ONE, TWO]).await;
                for arguments in ["", "1", ":", "~"] {
                    subject.set(&Address::new(cache, arguments, ONE), "value", None).await;
                    subject.set(&Address::new(cache, arguments, TWO), "value", None).await;
                }
            }
            done(subject.backend().clear(&fresh_name("never used")).await);
            done(subject.backend().clear(&name).await);
            for arguments in ["", "1", ":", "~"] {
                for shape in [ONE, TWO] {
                    assert_eq!(subject.get(&Address::new(&name, arguments, shape)).await, None, "`{arguments}`");
                    for cache in others.iter().chain([&shorter]) {
                        let found = subject.get(&Address::new(cache, arguments, shape)).await;
                        assert!(found.is_some(), "clearing `{name}` took `{arguments}` of `{cache}`");
                    }
                }
            }
            assert_eq!(all_of(&subject, &name, 100).await, []);
        });
    }

    /// An invalidation is over when it returns.
    pub fn what_is_set_after_an_invalidation_stays(subject: BackendSubject) {
        subject.run(async {
            let address = address("after", "1", ONE);
            subject.announce(address.cache(), &[ONE]).await;
            for round in 0..20 {
                let value = Bytes::from(format!("round {round}"));
                subject.set(&address, value.clone(), None).await;
                if round % 3 == 0 {
                    done(subject.backend().clear(address.cache()).await);
                } else {
                    done(subject.backend().remove_many(std::slice::from_ref(&address)).await);
                }
                assert_eq!(subject.get(&address).await, None, "round {round}");
                // Shared backends may want to hear of the fingerprint again after a clear.
                subject.announce(address.cache(), &[ONE]).await;
                subject.set(&address, value.clone(), None).await;
                assert_eq!(subject.get(&address).await, Some(value), "round {round}");
            }
        });
    }

    /// Also when asked for none, or for one twice.
    pub fn get_many_keeps_the_order_and_the_holes(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("get_many");
            let all: Vec<Address> = (0..700).map(|n| Address::new(&cache, &n.to_string(), ONE)).collect();
            assert_eq!(done(subject.backend().get_many(&[]).await), Vec::<Option<Bytes>>::new());
            for (n, address) in all.iter().enumerate().filter(|(n, _)| n % 3 == 0) {
                subject.set(address, n.to_string(), None).await;
            }
            let asked: Vec<Address> = all.iter().rev().chain(all.iter().take(4)).cloned().collect();
            let expected: Vec<Option<Bytes>> =
                (0..700).rev().chain(0..4).map(|n| (n % 3 == 0).then(|| Bytes::from(n.to_string()))).collect();
            assert_eq!(done(subject.backend().get_many(&asked).await), expected);
        });
    }

    /// From nothing to a mebibyte, byte by byte the same; an empty value is not no value.
    pub fn values_of_all_sizes_come_back(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("sizes");
            let lengths = [0, 1, 23, 24, 25, 255, 256, 4_095, 4_096, 4_097, 65_535, 65_536, 100_000, 1 << 20];
            for length in lengths {
                subject.set(&Address::new(&cache, &length.to_string(), ONE), noise(length), None).await;
            }
            let all: Vec<Address> = lengths.map(|n| Address::new(&cache, &n.to_string(), ONE)).to_vec();
            let found = done(subject.backend().get_many(&all).await);
            for (address, (length, many)) in all.iter().zip(lengths.into_iter().zip(found)) {
                let one = subject.get(address).await;
                assert!(one == Some(noise(length)) && many == one, "{length} bytes are not the same");
            }
        });
    }

    /// Every character that an id may have, alone and in names and arguments of several; none is taken for another.
    pub fn ids_of_all_characters_are_kept_apart(subject: BackendSubject) {
        subject.run(async {
            let name = fresh_name("ids");
            let legal = |c: &char| !c.is_control() && !['{', '}'].contains(c);
            let characters: Vec<char> = ('\u{20}'..'\u{180}')
                .filter(legal)
                .chain(['ß', 'ǆ', '\u{301}', '\u{200b}', '한', '𝄞', '\u{10ffff}'])
                .collect();
            let mut addresses = Vec::new();
            for c in &characters {
                addresses.push(Address::new(&name, &c.to_string(), ONE));
                addresses.push(Address::new(&name, &format!("a{c}{c}z"), ONE));
                if *c != ':' {
                    addresses.push(Address::new(&format!("{name}{c}"), "1", ONE));
                }
            }
            let long = "x".repeat(900);
            addresses.push(Address::new(&name, "", ONE));
            addresses.push(Address::new(&name, &long, ONE));
            addresses.push(Address::new(&name, &format!("{long}x"), ONE));
            // 'ß' and others of the second list are also in the first.
            let addresses: Vec<Address> = addresses.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            for address in &addresses {
                subject.announce(address.cache(), &[ONE]).await;
                subject.set(address, format!("of {address}"), None).await;
            }
            let found = done(subject.backend().get_many(&addresses).await);
            for (address, found) in addresses.iter().zip(found) {
                assert_eq!(found, Some(Bytes::from(format!("of {address}"))));
            }
            let met: BTreeSet<Address> = all_of(&subject, &name, 50).await.into_iter().map(|met| met.address).collect();
            let expected = addresses.iter().filter(|address| address.cache() == name).cloned();
            assert_eq!(met, expected.collect::<BTreeSet<_>>(), "a scan gives the ids as they were given");
            for half in addresses.chunks(addresses.len().div_ceil(2)).take(1) {
                done(subject.backend().remove_many(half).await);
                let left = done(subject.backend().get_many(&addresses).await);
                let gone = left.iter().filter(|left| left.is_none()).count();
                assert_eq!(gone, half.len(), "an invalidation takes its own ids");
            }
        });
    }

    /// Some thousands, all of them found.
    pub fn holds_many_entries(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("many");
            let all: Vec<Address> =
                (0..3_000).map(|n| Address::new(&cache, &format!("{n:x}"), Fingerprint(n % 3))).collect();
            for (n, address) in all.iter().enumerate() {
                subject.set(address, format!("value {n}"), Some(Duration::from_secs(86_400))).await;
            }
            let found = done(subject.backend().get_many(&all).await);
            for (n, found) in found.into_iter().enumerate() {
                assert_eq!(found, Some(Bytes::from(format!("value {n}"))));
            }
        });
    }

    /// Every entry at least once, with its bytes and what is left of its ttl, in pages of any size.
    pub fn a_scan_meets_everything_with_its_ttl(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("scan");
            let shapes = [ONE, TWO, THREE];
            subject.announce(&cache, &shapes).await;
            let start = Instant::now();
            let mut expected = BTreeMap::new();
            for n in 0..90_u64 {
                let address = Address::new(&cache, &(n / 3).to_string(), shapes[n as usize % 3]);
                let ttl = (n % 2 == 0).then(|| Duration::from_secs(1_000 + n));
                subject.set(&address, format!("value {n}"), ttl).await;
                expected.insert(address, (Bytes::from(format!("value {n}")), ttl));
            }
            for at_most in [1, 7, 90, 10_000] {
                let met = all_of(&subject, &cache, at_most).await;
                // Entries are written one after another, and a second is for rounding.
                let passed = start.elapsed() + Duration::from_secs(1);
                for scanned in &met {
                    let Some((bytes, ttl)) = expected.get(&scanned.address) else {
                        panic!("the scan met {}, which nobody set", scanned.address)
                    };
                    assert_eq!(&scanned.bytes, bytes, "{}", scanned.address);
                    match (scanned.ttl, *ttl) {
                        (None, None) => {}
                        (Some(left), Some(ttl)) if left <= ttl && left + passed >= ttl => {}
                        (left, ttl) => panic!("{left:?} is left of a ttl of {ttl:?} after {passed:?}"),
                    }
                }
                let addresses: BTreeSet<&Address> = met.iter().map(|scanned| &scanned.address).collect();
                assert_eq!(addresses.len(), expected.len(), "met in pages of {at_most}");
            }
            if subject.step(Duration::from_secs(1_044)) {
                let met = all_of(&subject, &cache, 7).await;
                assert!(met.iter().all(|met| met.ttl.is_none_or(|left| left > Duration::ZERO)));
                assert_eq!(met.len(), 45 + 22, "what has ended is not met");
            }
        });
    }

    /// One cache and not those whose names begin like it; all caches where none is named.
    pub fn a_scan_of_one_cache_meets_no_other(subject: BackendSubject) {
        subject.run(async {
            let name = fresh_name("scan_one");
            let names = [name.clone(), format!("{name};"), format!("{name}-"), format!("a{name}"), format!("z{name}")];
            for cache in &names {
                subject.announce(cache, &[ONE]).await;
                for n in 0..5 {
                    subject.set(&Address::new(cache, &n.to_string(), ONE), "value", None).await;
                }
            }
            for cache in &names {
                let met = all_of(&subject, cache, 2).await;
                assert!(met.iter().all(|scanned| scanned.address.cache() == cache), "of `{cache}`");
                assert_eq!(met.into_iter().map(|met| met.address).collect::<BTreeSet<_>>().len(), 5, "of `{cache}`");
            }
            assert_eq!(all_of(&subject, &fresh_name("never used"), 2).await, []);
            let mut met = BTreeSet::new();
            let mut from = None;
            loop {
                let page = done(subject.backend().scan(None, from, 50).await);
                met.extend(page.entries.into_iter().map(|scanned| scanned.address));
                let Some(next) = page.next else { break };
                from = Some(next);
            }
            for cache in &names {
                assert_eq!(met.iter().filter(|address| address.cache() == cache).count(), 5, "of all, of `{cache}`");
            }
        });
    }

    /// Entries come and go between pages; those that stay are met.
    pub fn a_scan_goes_on_under_changes(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("scan_changes");
            subject.announce(&cache, &[ONE]).await;
            let all: Vec<Address> = (0..200).map(|n| Address::new(&cache, &format!("{n:03}"), ONE)).collect();
            for address in all.iter().skip(1).step_by(2) {
                subject.set(address, "stays", None).await;
            }
            let (mut met, mut from, mut coming) = (BTreeSet::new(), None, all.iter().step_by(2));
            let mut before: Option<&Address> = None;
            loop {
                let page = done(subject.backend().scan(Some(&cache), from, 9).await);
                met.extend(page.entries.into_iter().map(|scanned| scanned.address));
                if let Some(gone) = before.take() {
                    done(subject.backend().remove_many(std::slice::from_ref(gone)).await);
                }
                if let Some(address) = coming.next() {
                    subject.set(address, "comes and goes", None).await;
                    before = Some(address);
                }
                let Some(next) = page.next else { break };
                from = Some(next);
            }
            for address in all.iter().skip(1).step_by(2) {
                assert!(met.contains(address), "the scan did not meet {address}");
            }
            assert!(met.iter().all(|address| all.contains(address)));
        });
    }

    /// And what was flushed is there.
    pub fn answers_ping_and_flush(subject: BackendSubject) {
        subject.run(async {
            assert!(!subject.backend().name().is_empty());
            done(subject.backend().ping().await);
            done(subject.backend().flush().await);
            let address = address("flush", "1", ONE);
            subject.set(&address, "value", None).await;
            done(subject.backend().flush().await);
            assert_eq!(subject.get(&address).await, Some(Bytes::from("value")));
        });
    }

    /// Eight threads: each finds its own entries, and in what all write and remove never a mixture.
    pub fn concurrent_callers_never_mix_values(subject: BackendSubject) {
        let cache = fresh_name("concurrent");
        subject.run(subject.announce(&cache, &[ONE]));
        let together = Address::new(&cache, "together", ONE);
        thread::scope(|scope| {
            for number in 0..8_u8 {
                let (subject, cache, together) = (&subject, &cache, &together);
                scope.spawn(move || {
                    subject.run(async {
                        for round in 0..40_usize {
                            let own = Address::new(cache, &format!("{number}/{}", round % 4), ONE);
                            let value = Bytes::from(vec![number; 1 + 100 * round]);
                            subject.set(&own, value.clone(), None).await;
                            subject.set(together, value.clone(), None).await;
                            assert_eq!(subject.get(&own).await, Some(value));
                            if let Some(found) = subject.get(together).await {
                                let whole = found.len() % 100 == 1 && found.iter().all(|byte| *byte == found[0]);
                                assert!(whole, "a mixture of values: {found:?}");
                            }
                            if round % 8 == usize::from(number) {
                                done(subject.backend().remove_many(&[together.clone(), own.clone()]).await);
                                assert_eq!(subject.get(&own).await, None);
                            }
                        }
                    });
                });
            }
        });
    }

    /// Polled never, once or twice and dropped: afterwards everything works, and what was begun is done or not, but never half.
    pub fn dropped_futures_leave_it_usable(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("dropped");
            subject.announce(&cache, &[ONE]).await;
            let all: Vec<Address> = (0..20).map(|n| Address::new(&cache, &n.to_string(), ONE)).collect();
            for round in 0..60_u8 {
                let polls = usize::from(round % 3);
                let (address, value) = (&all[usize::from(round) % all.len()], Bytes::from(vec![round; 50_000]));
                let backend = subject.backend();
                poll_and_drop(polls, backend.set(address, value, None)).await;
                poll_and_drop(polls, backend.get(address)).await;
                poll_and_drop(polls, backend.get_many(&all)).await;
                if round % 5 == 0 {
                    poll_and_drop(polls, backend.remove(address)).await;
                    poll_and_drop(polls, backend.remove_many(&all[..3])).await;
                    poll_and_drop(polls, backend.scan(Some(&cache), None, 5)).await;
                    poll_and_drop(polls, backend.flush()).await;
                    poll_and_drop(polls, backend.ping()).await;
                }
                if round % 20 == 19 {
                    poll_and_drop(polls, backend.clear(&cache)).await;
                }
            }
            done(subject.backend().flush().await);
            for found in done(subject.backend().get_many(&all).await).into_iter().flatten() {
                assert!(found.len() == 50_000 && found.iter().all(|byte| *byte == found[0]), "half done");
            }
            done(subject.backend().clear(&cache).await);
            subject.announce(&cache, &[ONE]).await;
            for address in &all {
                assert_eq!(subject.get(address).await, None, "what was dropped before a clear does not come after it");
                subject.set(address, "value", None).await;
                assert_eq!(subject.get(address).await, Some(Bytes::from("value")));
            }
        });
    }

    /// Looks and stores of immediate ones are ready at the first poll.
    pub fn does_what_its_capabilities_say(subject: BackendSubject) {
        subject.run(async {
            if !subject.backend().capabilities().immediate {
                // What waits is woken: the other checks would hang otherwise.
                return done(subject.backend().ping().await);
            }
            let all = [address("immediate", "1", ONE), address("immediate", "2", ONE)];
            let backend = subject.backend();
            done(backend.ping().await);
            at_once("set", backend.set(&all[0], "value".into(), None)).await;
            at_once("get", backend.get(&all[0])).await;
            at_once("get_many", backend.get_many(&all)).await;
            at_once("remove", backend.remove(&all[0])).await;
            at_once("ping", backend.ping()).await;
        });
    }
}

fn address(cache: &str, arguments: &str, fingerprint: Fingerprint) -> Address {
    Address::new(&fresh_name(cache), arguments, fingerprint)
}

/// Bytes of no pattern, the same each time.
fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_u32 ^ length as u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect::<Vec<u8>>().into()
}

/// Sets it and sees it found, unless it took longer to look than the ttl.
pub(super) async fn found_while_it_lasts(subject: &BackendSubject, address: &Address, ttl: Duration) {
    let start = Instant::now();
    subject.set(address, "ends", Some(ttl)).await;
    let found = subject.get(address).await;
    // A millisecond, in which servers count.
    if start.elapsed() + Duration::from_millis(1) < ttl {
        assert_eq!(found, Some(Bytes::from("ends")), "it ended before its ttl");
    }
    if subject.step(ttl / 2) {
        assert_eq!(subject.get(address).await, Some(Bytes::from("ends")), "it ended after half of its ttl");
    }
}

/// All entries of a cache, page by page.
pub(super) async fn all_of(subject: &BackendSubject, cache: &str, at_most: usize) -> Vec<Scanned> {
    let mut met = Vec::new();
    let mut from: Option<Cursor> = None;
    loop {
        let page = done(subject.backend().scan(Some(cache), from, at_most).await);
        met.extend(page.entries);
        match page.next {
            Some(next) => from = Some(next),
            None => return met,
        }
    }
}

async fn poll_and_drop<T>(polls: usize, future: impl Future<Output = T> + Send) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let ready = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        if ready {
            return;
        }
    }
}

async fn at_once<T>(what: &str, future: impl Future<Output = Result<T, crate::Error>> + Send) {
    let mut future = pin!(future);
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(result) => _ = done(result),
        Poll::Pending => panic!("`{what}` waits, and the capabilities say that nothing does"),
    }
}
