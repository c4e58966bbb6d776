//! The checks of backends that several processes share.

use super::subject::{BackendSubject, done, fresh_name};
use crate::{
    backend::{Address, Claim, Each, Fingerprint, HEAD, News, Storing, Version, Watcher, Witness},
    sync::lock,
};
use bytes::Bytes;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

const ONE: Fingerprint = Fingerprint(1);
const TWO: Fingerprint = Fingerprint(0xffee_ddcc_bbaa_9988);
const LONG: Duration = Duration::from_secs(3_600);

/// The checks of [`backend_suite!`](super::backend_suite) with `shared`. Each panics where the backend breaks the contract of
/// [`SharedBackend`](crate::backend::SharedBackend), or has no shared abilities.
pub mod shared_backend_checks {
    use super::*;

    /// Where nothing is the claim is ours; else it says what is there and changes nothing.
    pub fn a_claim_takes_what_is_free_only(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "claim").await;
            let (ours, other) = (head(1), head(2));
            assert_eq!(done(subject.shared().look(&address).await).bytes, None);
            assert_eq!(done(subject.shared().claim(&address, ours, LONG).await), Claim::Ours);
            assert_eq!(done(subject.other().look(&address).await).bytes, Some(bytes_of(ours, "")));
            let claim = done(subject.other().claim(&address, other, LONG).await);
            assert_eq!(claim, Claim::Theirs(bytes_of(ours, "")));
            let elsewhere = address.with_fingerprint(TWO);
            assert_eq!(done(subject.other().claim(&elsewhere, other, LONG).await), Claim::Ours, "another shape");
            subject.set(&address, bytes_of(other, "value"), None).await;
            let claim = done(subject.shared().claim(&address, ours, LONG).await);
            assert_eq!(claim, Claim::Theirs(bytes_of(other, "value")));
            assert_eq!(subject.get(&address).await, Some(bytes_of(other, "value")));
        });
    }

    /// Looks, claims and stores of several entries do what the single ones do, in the order given.
    pub fn several_at_once_are_as_one_by_one(subject: BackendSubject) {
        subject.run(async {
            let first = announced(&subject, "many").await;
            let shared = subject.shared();
            done(shared.generation(&first, LONG).await);
            let addresses: Vec<Address> =
                (0..600).map(|at| Address::new(first.cache(), &format!("many{at}"), ONE)).collect();
            let is_taken = |at: usize| at.is_multiple_of(3);
            for (at, address) in addresses.iter().enumerate().filter(|(at, _)| is_taken(*at)) {
                subject.set(address, bytes_of(head(1), &at.to_string()), None).await;
            }
            let expected = |at: usize| is_taken(at).then(|| bytes_of(head(1), &at.to_string()));
            for (at, looked) in all_done(subject.other().look_many(&addresses).await).into_iter().enumerate() {
                let alone = done(shared.look(&addresses[at]).await).generation;
                assert_eq!((looked.bytes, looked.generation), (expected(at), alone), "{at}");
                assert!(alone.is_some(), "{at}");
            }
            let claims: Vec<(Address, Witness)> = addresses.iter().map(|address| (address.clone(), head(2))).collect();
            for (at, claim) in all_done(shared.claim_many(&claims, LONG).await).into_iter().enumerate() {
                assert_eq!(claim, expected(at).map_or(Claim::Ours, Claim::Theirs), "{at}");
            }
            let storing = |(at, address): (usize, &Address)| {
                let bytes = at.is_multiple_of(2).then(|| bytes_of(head(3), &at.to_string()));
                Storing::new(address.clone(), head(2), bytes, at.is_multiple_of(4).then_some(LONG))
            };
            let stores: Vec<Storing> = addresses.iter().enumerate().map(storing).collect();
            for (at, stored) in all_done(shared.store_many(&stores).await).into_iter().enumerate() {
                assert_eq!(stored, !is_taken(at), "{at}: only in place of its witness");
            }
            for (at, looked) in all_done(subject.other().look_many(&addresses).await).into_iter().enumerate() {
                let stored = if at.is_multiple_of(2) { Some(bytes_of(head(3), &at.to_string())) } else { None };
                assert_eq!(looked.bytes, if is_taken(at) { expected(at) } else { stored }, "{at}");
            }
            assert_eq!(all_done(shared.look_many(&[]).await), []);
            assert_eq!(all_done(shared.claim_many(&[], LONG).await), []);
            assert!(all_done(shared.store_many(&[]).await).is_empty());
        });
    }

    /// A claim ends with its ttl, and the place is free.
    pub fn a_claim_goes_by_itself(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "lease").await;
            let ttl = subject.short();
            assert_eq!(done(subject.shared().claim(&address, head(1), ttl).await), Claim::Ours);
            let gone = || async { done(subject.shared().look(&address).await).bytes.is_none() };
            subject.pass(ttl, "a claim ends with its ttl", gone).await;
            assert!(!done(subject.shared().renew(&address, head(1), LONG).await), "it is gone");
            let stored = done(subject.shared().store(&address, head(1), Some("value".into()), None).await);
            assert!(!stored && done(subject.shared().look(&address).await).bytes.is_none());
            assert_eq!(done(subject.other().claim(&address, head(2), LONG).await), Claim::Ours);
        });
    }

    /// Whose head is in place renews it, and no other.
    pub fn a_renewed_claim_stays(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "renew").await;
            let beside = Address::new(address.cache(), "beside", ONE);
            let ttl = subject.short();
            assert!(!done(subject.shared().renew(&address, head(1), LONG).await), "nothing is there");
            assert_eq!(done(subject.shared().claim(&address, head(1), ttl).await), Claim::Ours);
            assert!(!done(subject.other().renew(&address, head(2), LONG).await), "of another");
            if done(subject.shared().renew(&address, head(1), LONG).await) {
                assert_eq!(done(subject.shared().claim(&beside, head(3), ttl).await), Claim::Ours);
                let gone = || async { done(subject.shared().look(&beside).await).bytes.is_none() };
                subject.pass(ttl, "a claim ends with its ttl", gone).await;
                assert_eq!(done(subject.shared().look(&address).await).bytes, Some(bytes_of(head(1), "")));
            } else {
                // By the real time it may have been over already, and then it is gone.
                assert_eq!(done(subject.shared().look(&address).await).bytes, None);
                assert!(!subject.step(Duration::ZERO), "the clock stands still, and the claim was not renewed");
            }
        });
    }

    /// A lock in place of a marker: only from what is there.
    pub fn only_who_sees_it_replaces_a_claim(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "replace").await;
            let (marker, lock, late) = (head(1), head(2), head(3));
            assert!(!done(subject.shared().replace(&address, marker, lock, LONG).await), "nothing is there");
            assert_eq!(done(subject.shared().look(&address).await).bytes, None);
            assert_eq!(done(subject.shared().claim(&address, marker, LONG).await), Claim::Ours);
            assert!(done(subject.other().replace(&address, marker, lock, LONG).await));
            assert!(!done(subject.shared().replace(&address, marker, late, LONG).await), "it is not there any more");
            assert_eq!(done(subject.shared().look(&address).await).bytes, Some(bytes_of(lock, "")));
            assert!(!done(subject.shared().store(&address, marker, Some("late".into()), None).await));
            assert!(done(subject.other().store(&address, lock, Some(bytes_of(head(4), "value")), None).await));
            assert!(done(subject.shared().replace(&address, head(4), late, LONG).await), "in place of a value");
            assert_eq!(done(subject.shared().look(&address).await).bytes, Some(bytes_of(late, "")));
        });
    }

    /// With the witness in place it stores or removes; without it nothing changes.
    pub fn only_the_witness_stores(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "witness").await;
            let (first, second) = (bytes_of(head(11), "first"), bytes_of(head(12), "second"));
            assert_eq!(done(subject.shared().claim(&address, head(1), LONG).await), Claim::Ours);
            assert!(!done(subject.other().store(&address, head(2), Some(second.clone()), None).await));
            assert_eq!(done(subject.shared().look(&address).await).bytes, Some(bytes_of(head(1), "")));
            assert!(done(subject.shared().store(&address, head(1), Some(first.clone()), None).await));
            assert_eq!(subject.get(&address).await, Some(first.clone()));
            assert_eq!(done(subject.other().look(&address).await).bytes, Some(first.clone()));
            // A refresh: the head of the value is the witness.
            assert!(!done(subject.other().store(&address, head(1), Some(second.clone()), None).await));
            assert_eq!(subject.get(&address).await, Some(first));
            assert!(done(subject.other().store(&address, head(11), Some(second.clone()), Some(LONG)).await));
            assert!(!done(subject.shared().store(&address, head(11), None, None).await));
            assert_eq!(subject.get(&address).await, Some(second));
            assert!(done(subject.shared().store(&address, head(12), None, None).await));
            assert_eq!(done(subject.shared().look(&address).await).bytes, None, "removed");
            assert!(!done(subject.shared().store(&address, head(12), Some("late".into()), None).await));
            assert_eq!(done(subject.shared().look(&address).await).bytes, None);
        });
    }

    /// A store brings its own ttl, in place of the marker's; none is none.
    pub fn what_is_stored_ends(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "stored").await;
            let lasting = Address::new(address.cache(), "lasting", ONE);
            let ttl = subject.short();
            assert_eq!(done(subject.shared().claim(&address, head(1), LONG).await), Claim::Ours);
            assert_eq!(done(subject.shared().claim(&lasting, head(2), LONG).await), Claim::Ours);
            assert!(done(subject.shared().store(&lasting, head(2), Some(bytes_of(head(3), "x")), None).await));
            assert!(done(subject.shared().store(&address, head(1), Some(bytes_of(head(4), "x")), Some(ttl)).await));
            let gone = || async { subject.get(&address).await.is_none() };
            subject.pass(ttl, "what is stored ends with its ttl", gone).await;
            if subject.step(2 * LONG) {
                assert!(subject.get(&lasting).await.is_some(), "stored without an end, it has the marker's");
            }
        });
    }

    /// By whatever handle, and under whatever fingerprint: the witness is gone, and the store comes too late.
    pub fn nothing_is_stored_after_an_invalidation(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "late").await;
            let value = bytes_of(head(9), "old");
            for round in 0..4 {
                let witness = head(100 + round);
                if round < 2 {
                    // The witness is our marker.
                    assert_eq!(done(subject.shared().claim(&address, witness, LONG).await), Claim::Ours);
                } else {
                    // The witness is the value's head.
                    subject.set(&address, bytes_of(witness, "older"), None).await;
                }
                let named = if round % 2 == 0 { address.clone() } else { address.with_fingerprint(TWO) };
                done(subject.other().remove_many(&[named]).await);
                assert!(!done(subject.shared().store(&address, witness, Some(value.clone()), None).await));
                assert_eq!(done(subject.shared().look(&address).await).bytes, None, "round {round}");
                assert!(!done(subject.shared().renew(&address, witness, LONG).await));
                assert!(!done(subject.shared().replace(&address, witness, head(5), LONG).await));
            }
        });
    }

    /// A clear takes the witness, or makes the generation another, which the envelope does not name.
    pub fn nothing_valid_is_stored_after_a_clear(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "cleared").await;
            let before = done(subject.shared().generation(&address, LONG).await);
            assert_eq!(done(subject.shared().claim(&address, head(1), LONG).await), Claim::Ours);
            done(subject.other().clear(address.cache()).await);
            let value = bytes_of(head(9), "old");
            let stored = done(subject.shared().store(&address, head(1), Some(value), None).await);
            let looked = done(subject.shared().look(&address).await);
            let valid = looked.bytes.is_some() && looked.generation == Some(before);
            assert!(!valid, "what was computed before a clear is valid after it (the store said {stored})");
        });
    }

    /// Made once, seen by all, and after a clear never the same again.
    pub fn a_generation_is_the_same_for_all_until_a_clear(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "generation").await;
            let beside = Address::new(&fresh_name("generation_beside"), "1", ONE);
            let cache = address.cache();
            assert_eq!(done(subject.shared().look(&address).await).generation, None, "nobody has made one");
            let first = done(subject.shared().generation(&address, LONG).await);
            let other = done(subject.shared().generation(&beside, LONG).await);
            assert_eq!(done(subject.other().generation(&address, LONG).await), first);
            assert_eq!(done(subject.other().look(&address).await).generation, Some(first));
            let mut seen = vec![first];
            for _ in 0..5 {
                done(subject.other().clear(cache).await);
                let looked = done(subject.shared().look(&address).await).generation;
                assert!(looked.is_none_or(|generation| !seen.contains(&generation)), "an old generation after a clear");
                let next = done(subject.shared().generation(&address, LONG).await);
                assert!(!seen.contains(&next), "the generation {next} comes again");
                assert_eq!(done(subject.other().look(&address).await).generation, Some(next));
                seen.push(next);
            }
            assert_eq!(done(subject.shared().generation(&beside, LONG).await), other, "of another cache");
        });
    }

    /// One program announces and stores; another that never saw its fingerprint invalidates, by id and by clear.
    pub fn invalidation_reaches_announced_fingerprints_of_others(subject: BackendSubject) {
        subject.run(async {
            let cache = fresh_name("announced");
            let theirs = Address::new(&cache, "1", Fingerprint(0x1111));
            let kept = Address::new(&cache, "2", Fingerprint(0x1111));
            let ours = Address::new(&cache, "1", Fingerprint(0x2222));
            for clears in [false, true] {
                done(subject.shared().announce(&cache, theirs.fingerprint()).await);
                done(subject.other().announce(&cache, ours.fingerprint()).await);
                for address in [&theirs, &kept] {
                    assert_eq!(done(subject.shared().claim(address, head(1), LONG).await), Claim::Ours);
                    let value = bytes_of(head(2), "value");
                    assert!(done(subject.shared().store(address, head(1), Some(value), None).await));
                }
                if clears {
                    done(subject.other().clear(&cache).await);
                } else {
                    done(subject.other().remove_many(std::slice::from_ref(&ours)).await);
                }
                assert_eq!(subject.get(&theirs).await, None, "by a clear: {clears}");
                assert_eq!(subject.get(&kept).await.is_none(), clears);
                done(subject.other().remove_many(std::slice::from_ref(&kept)).await);
            }
        });
    }

    /// A tag has no version until one is made, and then the same for all until it is invalidated.
    pub fn a_tag_has_a_version_until_it_is_invalidated(subject: BackendSubject) {
        subject.run(async {
            let (a, b) = (fresh_name("tag_a"), fresh_name("tag_b"));
            let tags = [a.as_str(), b.as_str()];
            assert_eq!(done(subject.shared().tags(&tags).await), [None, None]);
            let made = done(subject.shared().make_tags(&tags, LONG).await);
            assert_eq!(done(subject.other().make_tags(&tags, LONG).await), made, "another program makes no other");
            let mut seen = made.clone();
            for _ in 0..5 {
                done(subject.other().invalidate_tags(&tags[..1]).await);
                let now = done(subject.shared().tags(&tags).await);
                assert_eq!(now, [None, made.get(1).cloned()], "the other tag stays");
                let next = done(subject.shared().make_tags(&tags[..1], LONG).await);
                assert!(next.iter().all(|version| !seen.contains(version)), "a version comes again");
                seen.extend(next);
            }
        });
    }

    /// A tag that is made stale keeps its hard version, and has each time a later soft one; one that is not there stays away. A backend that knows nothing of it invalidates.
    pub fn a_tag_is_made_stale(subject: BackendSubject) {
        subject.run(async {
            let (a, b) = (fresh_name("soft_a"), fresh_name("soft_b"));
            let tags = [a.as_str(), b.as_str()];
            done(subject.other().soften_tags(&tags).await);
            assert_eq!(done(subject.shared().tags(&tags).await), [None, None]);
            let made = done(subject.shared().make_tags(&tags, LONG).await);
            let mut last = 0;
            for round in 1..=2 * Version::SOFTENED {
                done(subject.other().soften_tags(&tags[..1]).await);
                let now = done(subject.shared().tags(&tags).await);
                assert_eq!(now.get(1).cloned().flatten(), made.get(1).cloned(), "the other tag stays");
                let Some(version) = now.into_iter().next().flatten() else {
                    return assert_eq!(round, 1, "it knows nothing of stale tags");
                };
                assert_eq!(Some(version.hard), made.first().map(|made| made.hard));
                assert_eq!(version.softened.len(), round.min(Version::SOFTENED));
                assert!(version.softened.is_sorted() && version.soft() > last, "{version:?} after {last}");
                last = version.soft();
                assert_eq!(done(subject.other().make_tags(&tags[..1], LONG).await), [version]);
            }
            done(subject.other().invalidate_tags(&tags[..1]).await);
            let next = done(subject.shared().make_tags(&tags[..1], LONG).await);
            assert!(next.iter().all(|next| next.softened.is_empty() && !made.contains(next)));
        });
    }

    /// The lease of what is at an entry is one program's, until it ends.
    pub fn a_lease_is_for_one_until_it_ends(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "lease").await;
            let beside = Address::new(address.cache(), "2", ONE);
            let short = subject.short();
            assert!(done(subject.shared().lease(&address, head(1), LONG).await));
            assert!(!done(subject.other().lease(&address, head(1), LONG).await));
            assert!(done(subject.other().lease(&beside, head(1), short).await), "of another entry");
            let free = || async { done(subject.shared().lease(&beside, head(1), short).await) };
            subject.pass(short, "a lease ends", free).await;
            assert!(!done(subject.other().lease(&address, head(1), LONG).await));
            assert!(done(subject.other().lease(&address, head(2), LONG).await), "of what has come since");
            assert!(!done(subject.shared().lease(&address, head(2), LONG).await));
        });
    }

    /// A head is the beginning of what a look finds, with the same generation.
    pub fn a_look_at_a_head_is_the_beginning_of_a_look(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "head").await;
            assert_eq!(done(subject.shared().look_at_head(&address).await).bytes, None);
            assert_eq!(done(subject.shared().claim(&address, head(1), LONG).await), Claim::Ours);
            done(subject.shared().generation(&address, LONG).await);
            assert!(done(subject.shared().store(&address, head(1), Some(bytes_of(head(2), "value")), None).await));
            let (whole, begin) =
                (done(subject.shared().look(&address).await), done(subject.shared().look_at_head(&address).await));
            assert_eq!(begin.bytes.as_deref(), Some(&head(2).0[..]));
            assert_eq!((whole.generation.is_some(), whole.generation), (true, begin.generation));
        });
    }

    /// Who watches is told of what others invalidate: entries, tags and caches; once it has been told of everything before, by the end of `told`.
    pub fn who_watches_is_told(subject: BackendSubject) {
        subject.run(async {
            let address = announced(&subject, "watched").await;
            assert!(subject.shared().part(address.id()) < subject.shared().parts());
            let told = Arc::new(Told::default());
            let watcher: Arc<dyn Watcher> = told.clone();
            if !subject.shared().watch(&watcher) {
                return;
            }
            let part = subject.shared().part(address.id());
            let begun = || async { told.covers(part) && told.has("Holds") };
            subject.pass(Duration::ZERO, "the watcher is told, and that it was told all", begun).await;
            let tag = fresh_name("watched_tag");
            for round in 0..20 {
                done(subject.other().remove_many(std::slice::from_ref(&address)).await);
                done(subject.other().make_tags(&[&tag], LONG).await);
                done(subject.other().invalidate_tags(&[&tag]).await);
                done(subject.other().generation(&address, LONG).await);
                done(subject.other().invalidate_all(address.cache()).await);
                done(subject.other().signal(&address).await);
                done(subject.shared().told().await);
                let expected = [
                    format!("Entry({:?})", address.id()),
                    format!("Tag({tag:?})"),
                    format!("Cache({:?})", address.cache()),
                ];
                for expected in expected {
                    assert!(told.take(&expected), "round {round}: not told of {expected}");
                }
            }
        });
    }

    /// Many at once: one of them gets it, and one replaces it.
    pub fn one_of_many_claims_wins(subject: BackendSubject) {
        let address = Address::new(&fresh_name("race"), "1", ONE);
        subject.run(subject.announce(address.cache(), &[ONE]));
        for round in 0..10_u64 {
            let (barrier, claims, replaced) = (Barrier::new(6), AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|scope| {
                for number in 0..6_u64 {
                    let (subject, address) = (&subject, &address);
                    let (barrier, claims, replaced) = (&barrier, &claims, &replaced);
                    scope.spawn(move || {
                        let shared = if number % 2 == 0 { subject.shared() } else { subject.other() };
                        let (marker, lock) = (head(1_000 + 10 * round + number), head(2_000 + 10 * round + number));
                        barrier.wait();
                        subject.run(async {
                            if done(shared.claim(address, marker, LONG).await) == Claim::Ours {
                                claims.fetch_add(1, Ordering::Relaxed);
                            }
                        });
                        barrier.wait();
                        let mut seen = marker;
                        subject.run(async {
                            let there = done(shared.look(address).await).bytes.unwrap_or_default();
                            seen = Witness(there.first_chunk().copied().unwrap_or_default());
                        });
                        barrier.wait();
                        subject.run(async {
                            if done(shared.replace(address, seen, lock, LONG).await) {
                                replaced.fetch_add(1, Ordering::Relaxed);
                            }
                        });
                    });
                }
            });
            assert_eq!(claims.into_inner(), 1, "round {round}");
            assert_eq!(replaced.into_inner(), 1, "round {round}");
            subject.run(async { done(subject.backend().remove_many(std::slice::from_ref(&address)).await) });
        }
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Told {
    news: Mutex<Vec<String>>,
    covered: Mutex<BTreeSet<u16>>,
}

impl Watcher for Told {
    fn told(&self, news: News<'_>) {
        if let News::Begins(parts) = news {
            lock(&self.covered).extend((0..=u16::MAX).filter(|part| parts.contains(*part)));
        }
        let text = match news {
            News::Holds(_) => "Holds".to_owned(),
            news => format!("{news:?}"),
        };
        lock(&self.news).push(text);
    }

    fn now(&self) -> u64 {
        1
    }
}

impl Told {
    fn covers(&self, part: u16) -> bool {
        lock(&self.covered).contains(&part)
    }

    fn has(&self, text: &str) -> bool {
        lock(&self.news).iter().any(|news| news == text)
    }

    /// Was it told of this since the last time?
    fn take(&self, text: &str) -> bool {
        let mut news = lock(&self.news);
        let before = news.len();
        news.retain(|news| news != text);
        news.len() < before
    }
}

/// All of them.
fn all_done<T>(answers: Result<Each<T>, crate::Error>) -> Vec<T> {
    done(answers).into_iter().map(done).collect()
}

/// A fresh address whose fingerprints are announced.
async fn announced(subject: &BackendSubject, cache: &str) -> Address {
    let address = Address::new(&fresh_name(cache), "1", ONE);
    subject.announce(address.cache(), &[ONE, TWO]).await;
    address
}

/// A head like no other of this number.
fn head(number: u64) -> Witness {
    let mut head = [0x43; HEAD];
    head[HEAD - 8..].copy_from_slice(&number.to_be_bytes());
    Witness(head)
}

/// What begins with that head.
fn bytes_of(head: Witness, rest: &str) -> Bytes {
    [&head.0, rest.as_bytes()].concat().into()
}
