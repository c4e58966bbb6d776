//! A session with one master: from its connection to its end.

use super::{
    BEAT, Control, Heard, PATIENCE,
    news::{End, Reader},
    too_late, within,
};
use crate::{
    Error,
    backend::{
        Failure, News,
        redis::{
            ask,
            boot::{Boot, Verdict},
            failures,
            server_clock::Asked,
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

/// After so many beats a session begins anew that is not sure to hear everything.
const ANEW: u64 = 2;

/// A channel that nobody uses.
const QUIET: &str = "ck:quiet";

/// Session after session, while somebody watches. Aborted when the master is none any more.
pub(super) async fn attend(control: Weak<Control>, master: Arc<Master>) {
    let mut pause = PAUSES.0;
    loop {
        let Some(strong) = control.upgrade() else { return };
        if let Err(error) = strong.session(&master, &mut pause).await {
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
    async fn session(self: &Arc<Self>, master: &Arc<Master>, pause: &mut Duration) -> Result<(), Error> {
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
        let refused = answered(in_time(connection.send_packed_command(&track)).await?);
        let is_tracked = refused.is_ok();
        if let Err(error) = refused {
            self.warn_once(&error);
            // If this is refused too, what is in memory is compared once a second all the same.
            if let Err(error) = in_time(connection.subscribe(self.layout.news())).await {
                tracing::debug!(master = &*master.address, %error, "no channel tells of changes");
            }
        }
        // Without it the server bounds its output by less, and that is all.
        if let Err(error) = in_time(connection.subscribe(QUIET)).await {
            tracing::debug!(master = &*master.address, %error, "no channel bounds what is pushed");
        }
        let boot = Boot::new(&self.layout, self.topology.is_sharded());
        let verdict = timeout(PATIENCE, boot.check(&mut connection)).await.map_err(|_| too_late(PATIENCE))?;
        let verdict = verdict.inspect_err(|error| {
            tracing::debug!(master = &*master.address, %error, "whether it is another start of the server is not known");
        });
        let verdict = verdict.ok();
        if self.is_another(&master.address, verdict.as_ref().map(Verdict::run)) {
            self.tell(News::Replaced);
        }
        // Before what is covered is told: what changes meanwhile is recovered from.
        let mut epoch = self.topology.masters().epoch;
        let mut beat = Beat::now(self, 0);
        self.ask(&mut connection, master, &boot, verdict.as_ref(), beat).await?;
        let heard = Heard {
            address: master.address.clone(),
            connection: connection.clone(),
            is_tracked,
            session: Arc::default(),
        };
        self.cover(&heard, beat.since);
        *pause = PAUSES.0;
        loop {
            if timeout_at(beat.at + BEAT, end.wait()).await.is_ok() {
                return Err(failures::error(Failure::Unreachable, "the connection is closed"));
            }
            if !self.is_watched() {
                return Ok(());
            }
            // Given up meanwhile, by a `sync` that had no answer in time.
            if self.covered_ranges(&master.address).is_none() {
                return Err(too_late(PATIENCE));
            }
            beat = Beat::now(self, beat.number + 1);
            self.ask(&mut connection, master, &boot, verdict.as_ref(), beat).await?;
            let masters = self.topology.masters();
            if masters.epoch != epoch && !crate::far::without_slots() {
                epoch = masters.epoch;
                self.recover(&heard, beat.since);
            }
            if !is_tracked && beat.number.is_multiple_of(ANEW) {
                self.cover(&heard, beat.since);
            }
            self.confirm(&master.address, beat.since);
        }
    }

    /// Something, whose answer comes after all that was pushed before.
    async fn ask(
        &self,
        connection: &mut MultiplexedConnection,
        master: &Master,
        boot: &Boot,
        verdict: Option<&Verdict>,
        beat: Beat,
    ) -> Result<(), Error> {
        let mut questions = Pipeline::with_capacity(3);
        // A user may be refused what the boot key takes.
        match verdict {
            Some(verdict) => questions.cmd("GET").arg(verdict.key()).cmd("TIME"),
            None => questions.cmd("PING"),
        };
        // Once a second: the other of the two looks at the map.
        let asks_cluster = self.topology.is_sharded() && beat.number.is_multiple_of(2);
        if asks_cluster {
            questions.cmd("CLUSTER").arg("INFO");
        }
        let asked = Asked::now();
        let answers = in_time(connection.send_packed_commands(&questions, 0, questions.len())).await?;
        let answered_at = asked.answered();
        if let Some(time) = answers.get(1).filter(|_| verdict.is_some()) {
            master.learn_clock(answered_at.estimate(time));
        }
        if asks_cluster && !ask::text(answers.last().cloned().unwrap_or_default())?.contains("cluster_state:ok") {
            return Err(failures::error(Failure::Busy, "the cluster is down"));
        }
        if verdict.is_some() && boot.is_old(answers.first(), answers.get(1)) {
            // Otherwise the next session would take a failover for a restart.
            let checked = timeout(PATIENCE, boot.check(connection)).await.map_err(|_| too_late(PATIENCE))?;
            if let Ok(now) = checked
                && master.is_of_another_lineage(now.number())
            {
                master.give_up();
            }
        }
        answers.into_iter().next().map_or(Ok(()), answered)
    }

    /// The slots of the master have changed: what it has taken over is told about from now on, and what it has given away by whoever has it.
    fn recover(&self, heard: &Heard, since: u64) {
        let now = self.topology.masters().ranges_of(&heard.address);
        let before = self.covered_ranges(&heard.address);
        if before.as_ref() != Some(&now) {
            self.lose(&heard.address);
            self.cover(heard, since);
        }
    }
}

/// When something was asked, by the clock of the watchers and by the runtime's.
#[derive(Debug, Clone, Copy)]
struct Beat {
    since: u64,
    at: Instant,
    number: u64,
}

impl Beat {
    fn now(control: &Control, number: u64) -> Self {
        Beat { since: control.now(), at: Instant::now(), number }
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, Error> {
    within(PATIENCE, asked).await
}

fn answered(answer: Value) -> Result<(), Error> {
    match answer {
        Value::ServerError(said) => Err(failures::from_redis(&said.into())),
        _ => Ok(()),
    }
}
