//! A session with one master: from its connection to its end.

use super::{
    BEAT, Control, PATIENCE,
    news::{End, Reader},
};
use crate::{
    Error,
    backend::{
        Failure, News,
        redis::{
            boot::{Boot, Verdict},
            failures,
            topology::Master,
        },
    },
};
use redis::{AsyncConnectionConfig, Pipeline, RedisError, Value, aio::MultiplexedConnection};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::time::{Instant, timeout, timeout_at};

/// Between the end of a session and the next attempt, doubling.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// A channel that nobody uses.
const QUIET: &str = "ck:quiet";

/// Session after session, while somebody watches. Aborted when the master is none any more.
pub(super) async fn attend(control: Weak<Control>, master: Arc<Master>) {
    let mut pause = PAUSES.0;
    let mut last_run = None;
    loop {
        let Some(strong) = control.upgrade() else { return };
        if let Err(error) = strong.session(&master, &mut last_run, &mut pause).await {
            tracing::debug!(master = &*master.address, %error, "changes by other processes are not heard");
        }
        strong.lose(&master.address);
        if !strong.is_watched() {
            return;
        }
        drop(strong);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

impl Control {
    /// Returns when it is over, with the reason.
    async fn session(
        self: &Arc<Self>,
        master: &Arc<Master>,
        last_run: &mut Option<String>,
        pause: &mut Duration,
    ) -> Result<(), Error> {
        let end = Arc::new(End::default());
        let reader = Reader { control: Arc::downgrade(self), end: end.clone() };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(None)
            .set_push_sender(reader);
        let opening = master.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = in_time(opening).await?;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(self.layout.signals());
        answered(in_time(connection.send_packed_command(&track)).await?)?;
        in_time(connection.subscribe(QUIET)).await?;
        let boot = Boot::new(&self.layout, self.topology.is_sharded());
        let verdict = timeout(PATIENCE, boot.check(&mut connection)).await.map_err(|_| too_late())?;
        let run = verdict.as_ref().map(Verdict::run).ok().map(str::to_owned);
        let key = verdict.as_ref().map_or_else(|_| self.layout.boot(None), |verdict| verdict.key().to_owned());
        if last_run.is_some() && *last_run != run {
            self.tell(News::Replaced);
        }
        *last_run = run;
        let mut beat = Beat { since: self.now(), at: Instant::now() };
        self.ask(&mut connection, &boot, &key).await?;
        self.cover(&master.address, &connection, beat.since);
        *pause = PAUSES.0;
        let mut epoch = self.topology.masters().epoch;
        loop {
            if timeout_at(beat.at + BEAT, end.wait()).await.is_ok() {
                return Err(failures::error(Failure::Unreachable, "the connection is closed"));
            }
            if !self.is_watched() {
                return Ok(());
            }
            beat = Beat { since: self.now(), at: Instant::now() };
            self.ask(&mut connection, &boot, &key).await?;
            let masters = self.topology.masters();
            if masters.epoch != epoch {
                epoch = masters.epoch;
                self.recover(&master.address, &connection, beat.since);
            }
            self.confirm(&master.address, beat.since);
        }
    }

    /// Something, whose answer comes after all that was pushed before.
    async fn ask(&self, connection: &mut MultiplexedConnection, boot: &Boot, key: &str) -> Result<(), Error> {
        let mut questions = Pipeline::with_capacity(3);
        questions.cmd("GET").arg(key);
        questions.cmd("TIME");
        if self.topology.is_sharded() {
            questions.cmd("CLUSTER").arg("INFO");
        }
        let answers = in_time(connection.send_packed_commands(&questions, 0, questions.len())).await?;
        let mut answers = answers.into_iter();
        let (stamp, time, cluster) = (answers.next(), answers.next(), answers.next());
        if let Some(Value::BulkString(info)) = cluster
            && !String::from_utf8_lossy(&info).contains("cluster_state:ok")
        {
            return Err(failures::error(Failure::Busy, "the cluster is down"));
        }
        if boot.is_old(stamp.as_ref(), time.as_ref()) {
            // Otherwise the next session would take a failover for a restart.
            let _ = boot.check(connection).await;
        }
        time.map_or(Ok(()), answered)
    }

    /// The slots of the master have changed: what it has taken over is told about from now on, and what it has given away by whoever has it.
    fn recover(&self, address: &Arc<str>, connection: &MultiplexedConnection, since: u64) {
        let now = self.topology.masters().ranges_of(address);
        let before = self.covered_ranges(address);
        if before.as_ref() != Some(&now) {
            if let Some(before) = before {
                self.tell(News::Ends(crate::backend::Parts::Some(&before)));
            }
            self.cover(address, connection, since);
        }
    }
}

/// When something was asked, by the clock of the watchers and by the runtime's.
#[derive(Debug, Clone, Copy)]
struct Beat {
    since: u64,
    at: Instant,
}

async fn in_time<T>(asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, Error> {
    match timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|said| failures::from_redis(&said)),
        Err(_) => Err(too_late()),
    }
}

fn too_late() -> Error {
    failures::error(Failure::Timeout, format_args!("within {PATIENCE:?}"))
}

fn answered(answer: Value) -> Result<(), Error> {
    match answer {
        Value::ServerError(said) => Err(failures::from_redis(&said.into())),
        _ => Ok(()),
    }
}
