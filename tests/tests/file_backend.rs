//! The file backend across restarts, beside another process, and where the disk, the folder, the file or the clock are not as they should be.

use bytes::Bytes;
use cachekit_runtime::{
    Error,
    backend::{Address, Backend, Failure, FileBackend, FileBuilder, Fingerprint},
    testing::TestClock,
};
use cachekit_tests::drive::drive;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn address(arguments: &str) -> Address {
    Address::new("cache", arguments, Fingerprint(1))
}

fn set(backend: &FileBackend, arguments: &str, bytes: impl Into<Bytes>, ttl: Option<Duration>) {
    drive(backend.set(&address(arguments), bytes.into(), ttl)).expect("stored");
}

fn get(backend: &FileBackend, arguments: &str) -> Option<Bytes> {
    drive(backend.get(&address(arguments))).expect("looked")
}

/// Polls a real disk or process until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not happen: {what}");
        thread::yield_now();
    }
}

/// Time that only the test moves: the monotonic clock, and the one on the wall in milliseconds.
#[derive(Clone)]
struct Time {
    clock: TestClock,
    wall: Arc<AtomicU64>,
}

impl Time {
    fn at(millis: u64) -> Self {
        Time { clock: TestClock::new(), wall: Arc::new(AtomicU64::new(millis)) }
    }

    fn builder(&self, folder: &Path) -> FileBuilder {
        let wall = Arc::clone(&self.wall);
        let now = move || SystemTime::UNIX_EPOCH + Duration::from_millis(wall.load(Ordering::Relaxed));
        FileBackend::builder(folder).clock(self.clock.clock()).wall_clock(now)
    }

    /// Both clocks go on.
    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.wall.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }

    fn show(&self, millis: u64) {
        self.wall.store(millis, Ordering::Relaxed);
    }
}

/// The process of the tests, and what it says.
struct Process {
    child: Child,
    says: BufReader<ChildStdout>,
    hears: ChildStdin,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the process starts");
        let says = BufReader::new(child.stdout.take().expect("its output"));
        let hears = child.stdin.take().expect("its input");
        Process { child, says, hears }
    }

    fn with(words: [&str; 1], folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_file_process"));
        command.args(words).arg(folder);
        Self::start(command)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).expect("it says something");
        line.trim().to_owned()
    }

    fn tell(&mut self) {
        self.hears.write_all(b"go on\n").expect("it listens");
    }

    fn end(mut self) {
        drop(self.hears);
        assert!(self.child.wait().expect("it ends").success());
    }
}

#[test]
fn what_was_flushed_or_closed_is_there_after_a_restart() {
    let folder = folder();
    let backend = FileBackend::builder(folder.path()).open();
    set(&backend, "1", "one", None);
    set(&backend, "2", "two", Some(Duration::from_secs(3_600)));
    set(&backend, "3", "three", None);
    drive(backend.remove_many(&[address("3")])).expect("invalidated");
    set(&backend, "4", "closed before it was written", None);
    drop(backend);
    let backend = FileBackend::builder(folder.path()).open();
    assert_eq!(get(&backend, "1"), Some("one".into()));
    assert_eq!(get(&backend, "2"), Some("two".into()));
    assert_eq!(get(&backend, "3"), None);
    assert_eq!(get(&backend, "4"), Some("closed before it was written".into()));
}

#[test]
fn a_backend_that_is_not_used_touches_nothing() {
    let folder = folder();
    let backend = FileBackend::builder(folder.path().join("cache")).open();
    assert!(format!("{backend:?}").contains("cache"));
    drop(backend);
    assert!(!folder.path().join("cache").exists());
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let parent = folder();
    let folder = parent.path().join("a/b");
    let backend = FileBackend::builder(&folder).open();
    set(&backend, "1", "one", None);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&parent.path().join("a"))), (0o700, 0o700));
    let files: Vec<_> = fs::read_dir(&folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_second_process_hears_who_owns_the_store_and_takes_over() {
    let folder = folder();
    let mut owner = Process::with(["hold"], folder.path());
    assert_eq!(owner.line(), "open");
    let backend = FileBackend::builder(folder.path()).open();
    let ours = Address::new("cache0", "1", Fingerprint(1));
    let error = drive(backend.get(&ours)).expect_err("it is in use");
    assert!(matches!(&error, Error::Backend { failure: Failure::Busy, .. }), "{error}");
    let text = error.to_string();
    let pid = format!("process {} (", owner.child.id());
    assert!(text.contains(&pid) && text.contains("file_process") && text.contains("Unix time"), "{text}");
    assert!(text.contains(&folder.path().display().to_string()), "{text}");
    for result in [drive(backend.set(&ours, "x".into(), None)), drive(backend.ping()), drive(backend.flush())] {
        assert_eq!(result, Err(error.clone()));
    }
    // Said to the caller, and done when the store is ours.
    assert_eq!(drive(backend.remove_many(std::slice::from_ref(&ours))), Err(error));
    owner.end();
    until("the store is ours", || drive(backend.ping()).is_ok());
    assert_eq!(drive(backend.get(&ours)), Ok(None), "it was invalidated while the other had the store");
    drive(backend.set(&ours, "ours".into(), None)).expect("stored");
    drop(backend);
    let backend = FileBackend::builder(folder.path()).open();
    assert_eq!(drive(backend.get(&ours)), Ok(Some("ours".into())));
}

#[test]
fn a_second_handle_of_this_process_is_told_so() {
    let folder = folder();
    let first = FileBackend::builder(folder.path()).open();
    drive(first.ping()).expect("it opens");
    let second = FileBackend::builder(folder.path()).open();
    let error = drive(second.ping()).expect_err("it is in use");
    assert!(error.to_string().contains("this very process"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_read_and_takes_entries_again() {
    let folder = folder();
    // A limit of the size of files stands for the disk: writes fail as on a full one, and it can be raised while the process runs.
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -S -f 6000; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_file_process"),
        "fill",
    ]);
    command.arg(folder.path());
    let mut process = Process::start(command);
    let line = process.line();
    assert!(line.starts_with("full the backend `file`: takes no entries: "), "{line}");
    let raised = Command::new("prlimit").args(["--pid", &process.child.id().to_string(), "--fsize=unlimited"]).status();
    let raised = raised.expect("`prlimit` of util-linux: apt-get install util-linux");
    assert!(raised.success());
    process.tell();
    assert_eq!(process.line(), "recovered");
    process.end();
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_used_is_said_and_used_later() {
    use std::os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    };
    let parent = folder();
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    // Its own copy, since another user may not come to where it was built.
    let program = parent.path().join("file_process");
    fs::copy(env!("CARGO_BIN_EXE_file_process"), &program).expect("a copy");
    allow(parent.path(), 0o755);
    let folder = parent.path().join("cache");
    fs::create_dir(&folder).expect("a folder");
    let mut command = Command::new(&program);
    command.arg("denied").arg(&folder);
    let root = fs::metadata(&folder).expect("it is there").uid() == 0;
    if root {
        // The superuser may do everything, so it has to be someone else.
        command.uid(65_534).gid(65_534);
    }
    allow(&folder, 0o555);
    let mut process = Process::start(command);
    let line = process.line();
    assert!(line.starts_with("denied the backend `file`: misconfigured: "), "{line}");
    assert!(line.contains(&folder.display().to_string()) && line.contains("denied (os error"), "{line}");
    allow(&folder, if root { 0o777 } else { 0o700 });
    process.tell();
    assert_eq!(process.line(), "recovered");
    process.end();
}

#[test]
fn a_file_in_place_of_the_folder_is_said() {
    let parent = folder();
    let path = parent.path().join("cache");
    fs::write(&path, "a file").expect("written");
    let backend = FileBackend::builder(&path).open();
    let error = drive(backend.get(&address("1"))).expect_err("no folder");
    assert!(matches!(&error, Error::Backend { failure: Failure::Misconfigured, .. }), "{error}");
    fs::remove_file(&path).expect("removed");
    until("the folder can be made", || drive(backend.ping()).is_ok());
    set(&backend, "1", "one", None);
}

#[test]
fn garbage_is_moved_aside() {
    for (length, what) in [(1, "a byte"), (300, "less than a header"), (4_096, "a page"), (3 << 20, "much")] {
        let folder = folder();
        let garbage: Vec<u8> = (0..length).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        fs::write(folder.path().join("entries.redb"), &garbage).expect("written");
        let backend = FileBackend::builder(folder.path()).open();
        assert_eq!(get(&backend, "1"), None, "{what}");
        set(&backend, "1", "one", None);
        drop(backend);
        assert_eq!(fs::read(folder.path().join("damaged.redb")).ok(), Some(garbage), "{what}");
        let backend = FileBackend::builder(folder.path()).open();
        assert_eq!(get(&backend, "1"), Some("one".into()), "{what}");
    }
}

#[test]
fn no_damage_of_the_file_stops_it_or_makes_a_value_longer() {
    let folder = folder();
    let path = folder.path().join("entries.redb");
    let value = |n: u32| Bytes::from(vec![n as u8; 500 + n as usize * 37]);
    let mut damaged = 0;
    for seed in 0..40_u64 {
        let backend = FileBackend::builder(folder.path()).open();
        for n in 0..100_u32 {
            set(&backend, &n.to_string(), value(n), None);
        }
        drop(backend);
        // Some places of the file, beginning with its headers, become others.
        let mut bytes = fs::read(&path).expect("the store");
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..20 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let bound = if seed % 4 == 0 { 512 } else { bytes.len() as u64 };
            let at = (state % bound) as usize;
            bytes[at] ^= (state >> 56) as u8 | 1;
        }
        if seed % 5 == 4 {
            bytes.truncate(bytes.len() / 2);
        }
        fs::write(&path, &bytes).expect("written");
        let backend = FileBackend::builder(folder.path()).open();
        for n in 0..100_u32 {
            match drive(backend.get(&address(&n.to_string()))) {
                // What is wrong inside of an envelope is found by its checksum.
                Ok(None) => damaged += 1,
                Ok(Some(found)) => assert_eq!(found.len(), value(n).len(), "seed {seed}"),
                Err(_) => damaged += 1,
            }
        }
        // Whatever was found, it works again.
        until("it works again", || {
            drive(async {
                backend.set(&address("again"), "x".into(), None).await?;
                backend.flush().await?;
                backend.clear("cache").await
            })
            .is_ok()
        });
        assert_eq!(get(&backend, "again"), None);
    }
    println!("{damaged} of 4000 entries were lost");
    assert!(damaged > 0, "nothing was damaged");
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let folder = folder();
    let backend = FileBackend::builder(folder.path()).open();
    set(&backend, "1", "one", None);
    drop(backend);
    let path = folder.path().join("entries.redb");
    let format = |number: u64| {
        let database = redb::Database::open(&path).expect("the store");
        let transaction = database.begin_write().expect("ours");
        let facts = redb::TableDefinition::<&str, u64>::new("facts");
        transaction.open_table(facts).expect("the facts").insert("format", number).expect("written");
        transaction.commit().expect("written");
    };
    format(2);
    let backend = FileBackend::builder(folder.path()).open();
    let error = drive(backend.get(&address("1"))).expect_err("of a later version");
    assert!(matches!(&error, Error::Backend { failure: Failure::Misconfigured, .. }), "{error}");
    assert!(error.to_string().contains("format 2"), "{error}");
    drop(backend);
    format(1);
    let backend = FileBackend::builder(folder.path()).open();
    assert_eq!(get(&backend, "1"), Some("one".into()), "nothing was changed");
}

#[test]
fn a_database_of_something_else_is_moved_aside() {
    let folder = folder();
    let database = redb::Database::create(folder.path().join("entries.redb")).expect("a database");
    let transaction = database.begin_write().expect("ours");
    let table = redb::TableDefinition::<u64, u64>::new("theirs");
    transaction.open_table(table).expect("a table").insert(1, 2).expect("written");
    transaction.commit().expect("written");
    drop(database);
    let backend = FileBackend::builder(folder.path()).open();
    set(&backend, "1", "one", None);
    assert!(folder.path().join("damaged.redb").exists());
}

#[test]
fn what_was_not_used_for_the_longest_time_makes_room() {
    let (folder, time) = (folder(), Time::at(1_000_000));
    let backend = time.builder(folder.path()).max_bytes(100_000).open();
    let kept = |backend: &FileBackend| -> Vec<u32> {
        (0..20).filter(|n| matches!(drive(backend.get(&address(&n.to_string()))), Ok(Some(_)))).collect()
    };
    for n in 0..9 {
        set(&backend, &n.to_string(), vec![1; 10_000], None);
        time.pass(120);
    }
    drive(backend.flush()).expect("written");
    // By reading alone: the eldest and another one become the newest.
    assert!(get(&backend, "0").is_some() && get(&backend, "3").is_some());
    time.pass(120);
    for n in 9..14 {
        set(&backend, &n.to_string(), vec![1; 10_000], None);
        drive(backend.flush()).expect("written");
        time.pass(1);
    }
    assert_eq!(kept(&backend), [0, 3, 7, 8, 9, 10, 11, 12, 13]);
    drop(backend);
    // The uses outlive the process, and a smaller bound holds at once.
    let backend = time.builder(folder.path()).max_bytes(45_000).open();
    set(&backend, "14", vec![1; 10_000], None);
    drive(backend.flush()).expect("written");
    assert_eq!(kept(&backend).len(), 4);
    assert!(kept(&backend).contains(&14));
    drop(backend);
    // Also where the clock is behind what has been noted.
    let backend = Time::at(1_000).builder(folder.path()).max_bytes(45_000).open();
    set(&backend, "15", vec![1; 10_000], None);
    drive(backend.flush()).expect("written");
    assert!(kept(&backend).contains(&15));
    set(&backend, "14", vec![1; 60_000], None);
    drive(backend.flush()).expect("written");
    assert!(!kept(&backend).contains(&14), "larger than the bound, and what it replaces is gone");
}

#[test]
fn the_bound_holds_under_a_load_and_the_file_stays_small() {
    let folder = folder();
    let backend = FileBackend::builder(folder.path()).max_bytes(2 << 20).open();
    for n in 0..10_000_u32 {
        set(&backend, &(n % 3_000).to_string(), vec![n as u8; 500 + (n as usize * 7) % 3_000], None);
        if n % 500 == 0 {
            drive(backend.flush()).expect("written");
        }
    }
    drive(backend.flush()).expect("written");
    let mut held = 0;
    let mut from = None;
    loop {
        let page = drive(backend.scan(None, from, 100)).expect("scanned");
        held += page.entries.iter().map(|scanned| scanned.bytes.len() + 2 * scanned.address.id().len()).sum::<usize>();
        let Some(next) = page.next else { break };
        from = Some(next);
    }
    let file = fs::metadata(folder.path().join("entries.redb")).expect("the store").len();
    println!("{held} bytes held, a file of {file}, a bound of {}", 2 << 20);
    assert!(held < 2 << 20 && held > 1_500_000, "{held}");
    assert!(file < 12 << 20, "{file}");
}

#[test]
fn what_has_ended_is_swept() {
    let (folder, time) = (folder(), Time::at(1_000_000));
    let backend = time.builder(folder.path()).sweep_every(Duration::from_millis(1)).open();
    for n in 0..500 {
        set(&backend, &n.to_string(), vec![1; 1_000], Some(Duration::from_secs(60)));
    }
    set(&backend, "stays", "x", None);
    drive(backend.flush()).expect("written");
    time.clock.advance(Duration::from_secs(60));
    assert_eq!(get(&backend, "1"), None);
    let entries = || {
        // Sweeps between: a scan waits for what is being written.
        drive(backend.flush()).expect("written");
        let copy = tempfile::tempdir().expect("a folder");
        let path = copy.path().join("copy.redb");
        fs::copy(folder.path().join("entries.redb"), &path).expect("copied");
        let Ok(database) = redb::Database::open(&path) else { return u64::MAX };
        use redb::{ReadableDatabase, ReadableTableMetadata};
        let table = redb::TableDefinition::<&[u8], &[u8]>::new("entries");
        database.begin_read().expect("read").open_table(table).expect("the entries").len().expect("read")
    };
    until("the sweep takes what has ended", || entries() == 1);
    assert!(get(&backend, "stays").is_some());
}

#[test]
fn a_wall_clock_that_steps_while_open_resurrects_nothing() {
    let (folder, time) = (folder(), Time::at(1_000_000_000));
    let backend = time.builder(folder.path()).open();
    set(&backend, "1", "one", Some(Duration::from_secs(100)));
    time.show(1);
    time.clock.advance(Duration::from_secs(99));
    assert!(get(&backend, "1").is_some(), "a step back does not end it");
    time.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&backend, "1"), None, "and it ends when its time is over");
    set(&backend, "2", "two", Some(Duration::from_secs(100)));
    time.show(1_000_000_000 + 100_000 + 100_000);
    assert_eq!(get(&backend, "2"), None, "a step forward is followed, as after a sleep of the machine");
    time.show(1_000_000_000);
    assert_eq!((get(&backend, "1"), get(&backend, "2")), (None, None), "and what it ended does not come back");
}

#[test]
fn a_wall_clock_that_is_behind_at_the_opening_ends_what_could_be_too_old() {
    let folder = folder();
    let time = Time::at(1_000_000_000);
    let backend = time.builder(folder.path()).open();
    set(&backend, "ends", "x", Some(Duration::from_secs(3_600)));
    set(&backend, "stays", "x", None);
    drop(backend);
    // A little behind: the time of the store goes on.
    let time = Time::at(1_000_000_000 - 9_000);
    let backend = time.builder(folder.path()).open();
    assert!(get(&backend, "ends").is_some());
    time.clock.advance(Duration::from_secs(3_600));
    assert_eq!(get(&backend, "ends"), None, "not a second longer");
    set(&backend, "ends", "x", Some(Duration::from_secs(3_600)));
    drop(backend);
    let time = Time::at(500_000_000);
    let backend = time.builder(folder.path()).open();
    assert_eq!(get(&backend, "ends"), None, "nobody knows how old it is");
    assert!(get(&backend, "stays").is_some());
    set(&backend, "ends", "x", Some(Duration::from_secs(3_600)));
    drop(backend);
    let time = Time::at(500_000_000);
    assert!(get(&time.builder(folder.path()).open(), "ends").is_some(), "once, and not at every opening");
}

#[test]
fn a_dropped_invalidation_is_done_nevertheless() {
    let folder = folder();
    let backend = FileBackend::builder(folder.path()).open();
    for round in 0..50 {
        set(&backend, "1", format!("round {round}"), None);
        let all = [address("1")];
        let mut invalidation = backend.remove_many(&all);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(invalidation.as_mut().poll(&mut context).is_pending(), "it waits for the disk");
        drop(invalidation);
        assert_eq!(get(&backend, "1"), None, "round {round}");
    }
    drop(backend);
    assert_eq!(get(&FileBackend::builder(folder.path()).open(), "1"), None);
}

#[test]
fn callers_see_their_own_changes_whatever_is_being_written() {
    let folder = folder();
    let backend = FileBackend::builder(folder.path()).open();
    thread::scope(|scope| {
        for caller in 0..4_u32 {
            let backend = &backend;
            scope.spawn(move || {
                for round in 0..300_u32 {
                    let key = format!("{caller}/{}", round % 7);
                    set(backend, &key, format!("round {round}"), None);
                    if round % 3 == caller % 3 {
                        // Until it is in the table.
                        drive(backend.scan(Some("other"), None, 1)).expect("scanned");
                    }
                    assert_eq!(get(backend, &key), Some(format!("round {round}").into()));
                    if round % 5 == 0 {
                        assert_eq!(drive(backend.remove(&address(&key))), Ok(true));
                        assert_eq!(drive(backend.remove(&address(&key))), Ok(false));
                        assert_eq!(get(backend, &key), None);
                    }
                }
            });
        }
    });
}
