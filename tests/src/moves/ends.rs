//! What is moved, and what is there before and after.

use super::Problem;
use crate::redis_server::RedisServer;
use cachekit_runtime::{Cache, Place, backend::redis::Settings, flush};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, thread, time::Duration};

/// Threads that fill and read.
const THREADS: u64 = 8;

/// So many keys in one request.
const AT_ONCE: usize = 500;

/// One of so many has a tag: those are stored one by one.
const TAGGED: u64 = 10;

/// The value of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    visits: Vec<u32>,
}

impl User {
    fn of(id: u64) -> Self {
        let visits = (0..id % 8).map(|visit| (id * 31 + visit) as u32).collect();
        User { id, name: format!("the user with the number {id}"), visits }
    }
}

/// The cache of a program, with times that differ.
fn users(url: &str) -> Result<Cache<u64, User>, Problem> {
    let patient = Duration::from_secs(60);
    let backend = Settings::new(url).response_timeout(patient).open()?;
    let users = Cache::builder().name("app::user").ttl(Duration::from_secs(86_400)).jitter(Duration::from_secs(3_600));
    Ok(users.timeout(patient).backends([Place::own(backend)]).build())
}

fn in_parts(entries: u64, work: impl Fn(&[u64]) -> Result<(), Problem> + Sync) -> Result<(), Problem> {
    let part = |part: u64| {
        let ids: Vec<u64> = (part..entries).step_by(THREADS as usize).collect();
        ids.chunks(AT_ONCE).try_for_each(&work)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|at| scope.spawn(move || part(at))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
    })
}

/// Fills the cache as a program does.
pub(super) fn fill(url: &str, entries: u64) -> Result<(), Problem> {
    let users = users(url)?;
    in_parts(entries, |ids| {
        let (tagged, plain): (Vec<u64>, Vec<u64>) = ids.iter().partition(|id| *id % TAGGED == 0);
        users.get_or_compute_many(&plain, |missing| missing.iter().map(|id| Some(User::of(*id))).collect::<Vec<_>>());
        for id in tagged {
            let team = format!("team:{}", id % 1_000);
            users.call(&id).tags([team.as_str()]).get_or_compute(|| User::of(id));
        }
        Ok(())
    })?;
    flush().wait();
    Ok(())
}

/// How many values a program does not get as they were.
pub(super) fn changed(url: &str, entries: u64) -> Result<usize, Problem> {
    let users = users(url)?;
    let changed = std::sync::atomic::AtomicUsize::new(0);
    in_parts(entries, |ids| {
        let found = users.get_many(ids);
        let wrong = ids.iter().zip(found).filter(|(id, user)| user.as_ref() != Some(&User::of(**id))).count();
        changed.fetch_add(wrong, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    })?;
    Ok(changed.into_inner())
}

/// The keys of entries in a server, and when the time of each is over, in milliseconds since 1970.
pub(super) struct End(HashMap<String, u64>);

/// A step of a walk: the cursor, then keys of entries and their times by turns.
const WALK: &str = "local step = redis.call('SCAN', ARGV[1], 'COUNT', 5000)
local found = {step[1]}
for _, key in ipairs(step[2]) do
  if string.find(key, ':d:', 1, true) then
    found[#found + 1] = key
    found[#found + 1] = redis.call('PEXPIRETIME', key)
  end
end
return found";

impl End {
    /// As the server says itself.
    pub(super) fn of(server: &RedisServer) -> Result<Self, Problem> {
        let (mut all, mut cursor) = (HashMap::new(), "0".to_owned());
        loop {
            let text = server.cli(&["EVAL", WALK, "0", &cursor]);
            let mut lines = text.lines();
            cursor = lines.next().ok_or("a walk has no cursor")?.to_owned();
            while let (Some(key), Some(time)) = (lines.next(), lines.next()) {
                // -1: it has none, which no entry here has.
                all.insert(key.to_owned(), time.parse().map_err(|_| format!("{key} has the time {time}"))?);
            }
            if cursor == "0" {
                return Ok(End(all));
            }
        }
    }

    pub(super) fn missing_in(&self, other: &End) -> usize {
        self.0.keys().filter(|key| !other.0.contains_key(*key)).count()
    }

    /// By how many milliseconds times differ at most.
    pub(super) fn most_shifted(&self, other: &End) -> u64 {
        self.0.iter().filter_map(|(key, time)| Some(other.0.get(key)?.abs_diff(*time))).max().unwrap_or(0)
    }
}
