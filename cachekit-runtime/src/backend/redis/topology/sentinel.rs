//! A master that sentinels name. After "Guidelines for Redis clients with support for Redis Sentinel": they are asked again for each connection, and a
//! connection counts only if its server says itself that it is a master.

use super::{
    dial::{self, Dial},
    masters::{Master, Masters},
    refresher::{Answer, Refresher, await_answer},
};
use crate::{
    Error,
    backend::{
        Failure,
        redis::{
            ask,
            boot::Boot,
            connection::{Connection, Limit},
            connections::{Connections, Target},
            failures,
        },
    },
    sync::lock,
};
use redis::{AsyncConnectionConfig, Client, RedisError, Value, aio::MultiplexedConnection};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};

/// How long a sentinel may take before the next one is asked too.
const HURRY: Duration = Duration::from_millis(100);

/// After how many milliseconds of use the sentinels are asked again.
const INTERVAL: u64 = 1_000;

/// Where a master is: host and port.
type Place = (String, u16);

/// A master that sentinels name.
pub(in crate::backend::redis) struct Sentinel {
    resolver: Arc<Resolver>,
    connections: Arc<Connections>,
    seen: Mutex<Arc<Masters>>,
    refresher: Refresher,
    made: Instant,
    /// When the sentinels were asked last without need, in milliseconds since it was made.
    asked: AtomicU64,
}

impl Sentinel {
    /// `shown` is the URL without its secrets.
    pub(in crate::backend::redis) fn new(dial: Dial, sentinels: Vec<Client>, service: String, shown: String) -> Self {
        let (connect, response, boot) = (dial.connect_timeout, dial.response_timeout, dial.boot.clone());
        let resolver = Arc::new(Resolver {
            dial,
            sentinels,
            service,
            first: AtomicUsize::new(0),
            line: Mutex::new(None),
            found: Mutex::new(Found { epoch: 0, place: None }),
        });
        let connections = Connections::new(Target::Master(resolver.clone()), shown, connect, response, boot);
        Sentinel {
            resolver,
            connections: Arc::new(connections),
            seen: Mutex::new(Arc::new(Masters::unknown())),
            refresher: Refresher::default(),
            made: Instant::now(),
            asked: AtomicU64::new(0),
        }
    }

    /// The connections to the master; while they are used, the sentinels are asked now and then whether it is the master still. Sentinels take their
    /// time to tell one that was well when it was deposed (several seconds): until then it takes whatever it gets, and all of that is lost.
    pub(super) fn connections(&self) -> &Connections {
        let now = u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.asked.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= INTERVAL
            && self.asked.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.start_refresh(Duration::ZERO).ok();
        }
        &self.connections
    }

    fn start_refresh(&self, pause: Duration) -> Result<Option<Answer>, Error> {
        let (resolver, connections) = (self.resolver.clone(), Arc::downgrade(&self.connections));
        self.refresher.start(pause, || async move {
            let before = lock(&resolver.found).epoch;
            resolver.check().await?;
            if lock(&resolver.found).epoch != before
                && let Some(connections) = connections.upgrade()
            {
                connections.give_up();
            }
            Ok(())
        })
    }

    pub(super) fn masters(&self) -> Arc<Masters> {
        let mut seen = lock(&self.seen);
        let found = lock(&self.resolver.found);
        if let Some((host, port)) = found.place.as_ref().filter(|_| seen.epoch != found.epoch)
            && let Ok(client) = self.resolver.dial.client(host, *port)
        {
            let address = dial::address(host, *port).into();
            let master = Master { address, client, connections: self.connections.clone(), judge: Arc::default() };
            *seen = Arc::new(Masters::only(Arc::new(master), found.epoch));
        }
        seen.clone()
    }

    /// Asks the sentinels; what they name counts when it says itself that it is a master.
    pub(super) async fn refresh(&self) -> Result<(), Error> {
        match self.start_refresh(Duration::ZERO)? {
            Some(answer) => await_answer(answer, self.connections.limit()).await,
            None => Ok(()),
        }
    }

    /// The master, found out if it is not known.
    pub(super) async fn known_masters(&self) -> Result<Arc<Masters>, Error> {
        let masters = self.masters();
        if masters.nodes.is_empty() {
            // A connection finds it out.
            self.connections.send(&redis::cmd("PING"), self.connections.limit()).await?;
        }
        Ok(self.masters())
    }
}

impl fmt::Debug for Sentinel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sentinel")
            .field("connections", &self.connections)
            .field("master", &self.masters())
            .finish_non_exhaustive()
    }
}

/// Finds the master.
pub(in crate::backend::redis) struct Resolver {
    /// How masters are reached.
    dial: Dial,
    sentinels: Vec<Client>,
    service: String,
    /// Who is asked first: the last one whose answer was good.
    first: AtomicUsize,
    /// To the one that answered last.
    line: Mutex<Option<Line>>,
    found: Mutex<Found>,
}

struct Found {
    epoch: u64,
    place: Option<Place>,
}

impl Resolver {
    /// Do the sentinels name somebody else by now, who says so too? Then that is the master.
    async fn check(&self) -> Result<(), Error> {
        let named = self.ask_again(self.dial.response_timeout).await?;
        if lock(&self.found).place.as_ref() != Some(&named) {
            self.open(self.dial.connect_timeout, &self.dial.boot).await?;
        }
        Ok(())
    }

    /// A connection to the master.
    pub(in crate::backend::redis) async fn open(&self, timeout: Duration, boot: &Boot) -> Result<Connection, Error> {
        let (host, port) = self.ask(timeout).await?;
        let address = dial::address(&host, port);
        let said = |error: Error| match error {
            Error::Backend { backend, failure, message } => {
                Error::Backend { backend, failure, message: format!("{address}, whom the sentinels name: {message}") }
            }
            other => other,
        };
        let client = self.dial.client(&host, port)?;
        let opened = async {
            let connection =
                Connection::open(&client, timeout, boot).await.map_err(|said| failures::from_redis(&said))?;
            let role = connection.send(&redis::cmd("ROLE"), Limit::new(timeout)).await?;
            let role = ask::bytes(ask::list(role)?.into_iter().next().unwrap_or_default())?.unwrap_or_default();
            match &role[..] {
                b"master" => Ok(connection),
                _ => Err(failures::error(Failure::Busy, "it is no master (any more, or yet)")),
            }
        };
        let opened = opened.await.map_err(said);
        match &opened {
            Ok(_) => {
                let mut found = lock(&self.found);
                if found.place.as_ref() != Some(&(host.clone(), port)) {
                    *found = Found { epoch: found.epoch + 1, place: Some((host, port)) };
                }
            }
            // Perhaps another one knows more.
            Err(_) => {
                self.first.fetch_add(1, Ordering::Relaxed);
            }
        }
        opened
    }

    /// Asks the one that answered last, on the connection that is there, else all.
    async fn ask_again(&self, time: Duration) -> Result<Place, Error> {
        let line = lock(&self.line).take();
        if let Some((at, mut connection)) = line
            && at == self.first.load(Ordering::Relaxed)
            && let Ok(Ok(place)) = timeout(time, ask_on(&mut connection, &self.service)).await
        {
            *lock(&self.line) = Some((at, connection));
            return Ok(place);
        }
        self.ask(time).await
    }

    /// Asks the sentinels in turn, the next one when the last has failed or is slow.
    async fn ask(&self, time: Duration) -> Result<Place, Error> {
        let first = self.first.load(Ordering::Relaxed);
        let mut asked = JoinSet::new();
        let mut last = failures::error(Failure::Unreachable, "there are no sentinels");
        let all = self.sentinels.len();
        for turn in 0..all {
            let at = first.wrapping_add(turn) % all;
            let Some(client) = self.sentinels.get(at).cloned() else { continue };
            let service = self.service.clone();
            asked.spawn(async move { (at, ask_one(&client, &service, time).await) });
            let is_last = turn + 1 == all;
            loop {
                let joined = match is_last {
                    true => asked.join_next().await,
                    false => match timeout(HURRY, asked.join_next()).await {
                        Ok(joined) => joined,
                        Err(_) => break,
                    },
                };
                match joined {
                    Some(Ok((at, Ok((connection, place))))) => {
                        self.first.store(at, Ordering::Relaxed);
                        *lock(&self.line) = Some((at, connection));
                        return Ok(place);
                    }
                    Some(Ok((_, Err(error)))) => last = error,
                    Some(Err(_)) => {}
                    None => break,
                }
            }
        }
        Err(last)
    }
}

/// A connection to a sentinel, and which one it is.
type Line = (usize, MultiplexedConnection);

async fn connect(client: &Client, time: Duration) -> Result<MultiplexedConnection, RedisError> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(time)).set_response_timeout(Some(time));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// Connects to a sentinel and asks it.
async fn ask_one(client: &Client, service: &str, time: Duration) -> Result<(MultiplexedConnection, Place), Error> {
    let asked = async {
        let mut connection = connect(client, time).await.map_err(|said| failures::from_redis(&said))?;
        let place = ask_on(&mut connection, service).await?;
        Ok((connection, place))
    };
    let address = client.get_connection_info().addr().to_string();
    asked.await.map_err(|error| match error {
        Error::Backend { backend, failure, message } => {
            Error::Backend { backend, failure, message: format!("the sentinel {address}: {message}") }
        }
        other => other,
    })
}

/// Whom does it name?
async fn ask_on(connection: &mut MultiplexedConnection, service: &str) -> Result<Place, Error> {
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let answer = connection.send_packed_command(&question).await.map_err(|said| failures::from_redis(&said))?;
    if answer == Value::Nil {
        let message =
            format!("it knows no master `{service}`; what it calls it has to stand after the hosts of the URL");
        return Err(failures::error(Failure::Misconfigured, message));
    }
    let mut parts = ask::list(answer)?.into_iter();
    let mut part = || ask::bytes(parts.next().unwrap_or_default()).map(|part| part.unwrap_or_default());
    let (host, port) = (part()?, part()?);
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned).filter(|text| !text.is_empty());
    match (text(&host), text(&port).and_then(|port| port.parse().ok())) {
        (Some(host), Some(port)) => Ok((host, port)),
        _ => Err(failures::senseless("a master without a host or without a port")),
    }
}
