//! What another function caches is removed after the body, if that succeeded.
use cachekit::{cache, invalidate};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}

#[cache]
fn user(id: u64, name: &str) -> u64 {
    let _ = name;
    computed() + id
}

struct Repo;

impl Repo {
    #[cache(skip(self))]
    async fn find(&self, id: u64) -> u64 {
        computed() + id
    }
}

#[cache(tags = ["team:{id}"])]
fn team(id: u64) -> u64 {
    computed() + id
}

struct User {
    id: u64,
    name: String,
}

#[invalidate(user(new.id, &new.name), Repo::find(new.id), tags = ["team:{team}"])]
fn rename(new: User, team: u64, fail: bool) -> Result<u64, String> {
    let User { id, name } = new;
    drop(name);
    if fail { Err("no".into()) } else { Ok(id + team) }
}

#[invalidate(|value| user(*value, "a"))]
async fn created(id: u64) -> Result<u64, String> {
    if id == 0 {
        return Err("zero".into());
    }
    let id: u64 = id.to_string().parse().map_err(|_| String::new())?;
    Ok(id)
}

#[invalidate(user(id, "a"), when = "always")]
fn always(id: u64) -> Result<(), ()> {
    let _ = id;
    Err(())
}

#[invalidate(user(id, "a"), when = "before")]
fn before(id: u64) -> Option<u64> {
    user::get(id, "a")
}

#[invalidate(user(*x, "a"))]
fn unit((x, _): (u64, u8)) {
    let _ = x;
}

fn main() {
    let all = || (user(1, "a"), block_on(Repo.find(1)), team(7));
    let first = all();
    assert_eq!(first, all());
    let new = || User { id: 1, name: "a".into() };
    assert_eq!(rename(new(), 7, true), Err("no".into()));
    assert_eq!(first, all());
    assert_eq!(rename(new(), 7, false), Ok(8));
    let second = all();
    assert!(first.0 != second.0 && first.1 != second.1 && first.2 != second.2);
    assert!(block_on(created(0)).is_err());
    assert_eq!(user::get(1, "a"), Some(second.0));
    assert_eq!(block_on(created(1)), Ok(1));
    assert_eq!(user::get(1, "a"), None);
    all();
    assert_eq!(always(1), Err(()));
    assert_eq!(user::get(1, "a"), None);
    all();
    assert_eq!(before(1), None);
    all();
    unit((1, 2));
    assert_eq!(user::get(1, "a"), None);
}
