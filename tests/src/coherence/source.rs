//! The truth: a version for each key, which only grows, kept by the parent. The processes ask for it over a socket, so that what they read and raise has one
//! order.

use super::{KEYS, KINDS, Place, history, now};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// Is told of each version that is raised, in the order of the versions.
type Tell = Box<dyn Fn(Place, u64, u64) + Send + Sync>;

/// The versions.
pub(crate) struct Source {
    shared: Arc<Shared>,
    port: u16,
}

struct Shared {
    versions: Mutex<Vec<u64>>,
    /// How often one was read, which is when a function computes.
    reads: AtomicU64,
    tell: Tell,
}

impl Source {
    pub(crate) fn start(tell: Tell) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port for the versions");
        let port = listener.local_addr().expect("its number").port();
        let versions = Mutex::new(vec![1; KINDS.len() * KEYS]);
        let shared = Arc::new(Shared { versions, reads: AtomicU64::new(0), tell });
        let of_all = shared.clone();
        // Ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = of_all.clone();
                thread::spawn(move || serve(&shared, &stream));
            }
        });
        Source { shared, port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn reads(&self) -> u64 {
        self.shared.reads.load(Ordering::Relaxed)
    }
}

/// A line with indices is a line with versions; after `raise` they are new ones.
fn serve(shared: &Shared, stream: &TcpStream) {
    stream.set_nodelay(true).ok();
    for line in BufReader::new(stream).lines() {
        let Ok(line) = line else { return };
        let (what, indices) = line.split_once(' ').unwrap_or_default();
        let places = indices.split(' ').filter_map(|word| history::place(word.parse().ok()?));
        let mut answer = String::new();
        {
            let mut versions = shared.versions.lock().unwrap_or_else(PoisonError::into_inner);
            let at = now();
            for place in places {
                let version = &mut versions[place.index()];
                if what == "raise" {
                    *version += 1;
                    (shared.tell)(place, *version, at);
                } else {
                    shared.reads.fetch_add(1, Ordering::Relaxed);
                }
                answer.push_str(&format!("{version} "));
            }
        }
        if writeln!(&mut &*stream, "{}", answer.trim_end()).is_err() {
            return;
        }
    }
}
