//! A TCP proxy that misbehaves as it is told, between a client and a real server.
//!
//! What it does can be switched while connections are open; it counts what passes.

mod gate;
mod pump;

use crate::eventually;
use gate::Gate;
use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// What a proxy does with the connections through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: all passes.
    None,
    /// Answers come so much later.
    Delay(Duration),
    /// Nothing passes in either direction. What was sent passes when the fault is over.
    Stall,
    /// Open connections are closed, and so are new ones.
    Cut,
    /// Instead of answers come bytes that are no answers.
    Garbage,
    /// What was sent is swallowed, and no answer comes: the peer is gone without a word. Connections that have met this fault stay so after it.
    HalfOpen,
    /// Open connections are closed, and nobody listens any more.
    Refused,
    /// Answers come byte by byte, with this pause between them.
    Trickle(Duration),
}

/// What has passed a proxy.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    accepted: AtomicU64,
    sent: AtomicU64,
    answered: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    gate: Gate,
    counts: Counts,
    open: Mutex<Vec<[TcpStream; 2]>>,
    closing: AtomicBool,
}

/// A proxy on a port of its own. Dropping it closes everything.
#[derive(Debug)]
pub struct FaultProxy {
    shared: Arc<Shared>,
    port: u16,
    listening: Mutex<Option<JoinHandle<()>>>,
}

impl FaultProxy {
    /// In front of a port on 127.0.0.1.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port for the proxy");
        let own = listener.local_addr().expect("its number").port();
        let shared = Arc::new(Shared {
            upstream: ([127, 0, 0, 1], port).into(),
            gate: Gate::default(),
            counts: Counts::default(),
            open: Mutex::default(),
            closing: AtomicBool::new(false),
        });
        let listening = Mutex::new(Some(listen(listener, shared.clone())));
        FaultProxy { shared, port: own, listening }
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on, this fault, on open connections too.
    ///
    /// # Panics
    /// If the port was taken while nobody listened, or connections are still accepted a minute after that.
    pub fn set(&self, fault: Fault) {
        let before = self.shared.gate.set(fault);
        if matches!(fault, Fault::Cut | Fault::Refused) {
            self.shared.close_all();
        }
        match (before, fault) {
            (Fault::Refused, Fault::Refused) => {}
            (_, Fault::Refused) => {
                self.stop_listening();
                // A process that is being started has the socket too until it executes.
                eventually("a refusal", || TcpStream::connect(("127.0.0.1", self.port)).is_err());
            }
            (Fault::Refused, _) => {
                let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port of before");
                *self.listening.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(listen(listener, self.shared.clone()));
            }
            _ => {}
        }
    }

    /// How many connections it has accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.counts.accepted.load(Ordering::SeqCst)
    }

    /// How many bytes clients have sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.counts.sent.load(Ordering::SeqCst)
    }

    /// How many bytes of answers clients were given.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.counts.answered.load(Ordering::SeqCst)
    }

    fn stop_listening(&self) {
        let thread = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.shared.closing.store(true, Ordering::SeqCst);
            // It waits for a connection, so it gets one.
            TcpStream::connect(("127.0.0.1", self.port)).ok();
            thread.join().ok();
            self.shared.closing.store(false, Ordering::SeqCst);
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.gate.set(Fault::Cut);
        self.stop_listening();
        self.shared.close_all();
    }
}

impl Shared {
    fn close_all(&self) {
        for [client, server] in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            client.shutdown(std::net::Shutdown::Both).ok();
            server.shutdown(std::net::Shutdown::Both).ok();
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.upstream)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let half_open = Arc::new(AtomicBool::new(false));
        for (from, to, direction) in
            [(&client, &server, pump::Direction::Sent), (&server, &client, pump::Direction::Answered)]
        {
            let (from, to, shared, half_open) = (from.try_clone()?, to.try_clone()?, self.clone(), half_open.clone());
            thread::spawn(move || pump::run(from, to, direction, &shared.gate, &shared.counts, &half_open));
        }
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push([client, server]);
        // It may have been cut between the look at the fault and the push.
        if matches!(self.gate.now(), Fault::Cut | Fault::Refused) {
            self.close_all();
        }
        Ok(())
    }
}

fn listen(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if shared.closing.load(Ordering::SeqCst) {
                return;
            }
            shared.counts.accepted.fetch_add(1, Ordering::SeqCst);
            if shared.gate.now() != Fault::Cut {
                shared.connect(client).ok();
            }
        }
    })
}
