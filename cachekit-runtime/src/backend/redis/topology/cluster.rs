//! A Redis Cluster: each slot has a master of its own, and may get another one at any moment.
//!
//! What is known of the slots is a hint. A node that is asked for what it does not have says who has it (`MOVED`, `ASK`), and only then is a command
//! sent again: whoever says that has not run it. The map is asked for anew in the background whenever it was found wrong or a node was lost, of any
//! node that was ever seen.

use super::{
    batch::Batch,
    dial::{self, Dial},
    flush::{self, Answered, Flush, Part},
    map::{self, Range},
    masters::{Master, Masters},
    redirect::Redirect,
    refresher::{Refresher, await_answer},
};
use crate::{
    Error,
    backend::{
        Failure, each,
        redis::{ask, connection::Limit, failures, scripts},
    },
    sync::lock,
};
use redis::{Cmd, Pipeline, Value};
use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

/// How often a command is sent on to another node before it is given up.
const REDIRECTS: usize = 5;

/// How long after an answer nobody asks for the map again, unless a call cannot go on without it.
const PAUSE: Duration = Duration::from_millis(100);

/// How many nodes are asked for the map at once.
const ASKED: usize = 8;

/// How many nodes are remembered beside the seeds.
const REMEMBERED: usize = 64;

/// A cluster. Clones share everything.
#[derive(Clone)]
pub(in crate::backend::redis) struct Cluster {
    shared: Arc<Shared>,
}

struct Shared {
    dial: Dial,
    /// What the URL names.
    seeds: Vec<Arc<Master>>,
    known: Mutex<Known>,
    refresher: Refresher,
}

struct Known {
    masters: Arc<Masters>,
    /// All nodes that were seen, replicas too, the latest last.
    nodes: Vec<Arc<Master>>,
}

impl Cluster {
    pub(in crate::backend::redis) fn new(dial: Dial, seeds: &[(String, u16)]) -> Result<Self, Error> {
        let seeds = seeds.iter().map(|(host, port)| dial.master(host, *port)).collect::<Result<Vec<_>, _>>()?;
        let known = Known { masters: Arc::new(Masters::unknown()), nodes: Vec::new() };
        Ok(Cluster {
            shared: Arc::new(Shared { dial, seeds, known: Mutex::new(known), refresher: Refresher::default() }),
        })
    }

    pub(super) fn masters(&self) -> Arc<Masters> {
        lock(&self.shared.known).masters.clone()
    }

    pub(super) fn limit(&self) -> Limit {
        Limit::new(self.shared.dial.response_timeout)
    }

    pub(super) async fn refresh(&self, limit: Limit) -> Result<(), Error> {
        let shared = self.shared.clone();
        match self.shared.refresher.start(Duration::ZERO, || async move { shared.ask().await })? {
            Some(answer) => await_answer(answer, limit).await,
            None => Ok(()),
        }
    }

    fn refresh_soon(&self) {
        let shared = self.shared.clone();
        // Whoever comes next will find the same reason.
        self.shared.refresher.start(PAUSE, || async move { shared.ask().await }).ok();
    }

    /// The masters, found out if they are not known.
    pub(super) async fn known_masters(&self, limit: Limit) -> Result<Arc<Masters>, Error> {
        let masters = self.masters();
        if !masters.nodes.is_empty() {
            return Ok(masters);
        }
        self.refresh(limit).await?;
        Ok(self.masters())
    }

    /// Does the owner of the slot take entries, as far as is known?
    pub(super) fn takes_fills(&self, slot: u16) -> Result<(), Error> {
        let masters = self.masters();
        masters.owner(slot).and_then(|at| masters.nodes.get(at)).map_or(Ok(()), |owner| owner.takes_fills())
    }

    async fn owner(&self, slot: u16, limit: Limit) -> Result<Arc<Master>, Error> {
        let owner = |masters: &Masters| masters.owner(slot).and_then(|at| masters.nodes.get(at)).cloned();
        if let Some(owner) = owner(&self.masters()) {
            return Ok(owner);
        }
        self.refresh(limit).await?;
        owner(&self.masters()).ok_or_else(|| nobody(slot))
    }

    /// `is_large`: the answer is.
    pub(super) async fn send(&self, slot: u16, command: &Cmd, is_large: bool) -> Result<Value, Error> {
        let connections = |node: &Arc<Master>| node.connections.clone();
        let purpose = scripts::purpose(command);
        let send = async |node: &Arc<Master>, limit: Limit| {
            let all = connections(node);
            let chosen = if is_large { all.large() } else { &*all };
            node.judged(purpose, limit, chosen.send(command, limit)).await
        };
        let limit = self.limit();
        let mut node = self.owner(slot, limit).await?;
        let mut answer = send(&node, limit).await;
        for _ in 0..REDIRECTS {
            let Some((target, asking)) = self.redirected(&node, &answer)? else { return answer };
            node = target;
            answer = match asking {
                false => send(&node, limit).await,
                true => {
                    let mut both = Pipeline::with_capacity(2);
                    both.add_command(flush::asking()).add_command(command.clone());
                    let answers = node.judged(purpose, limit, node.connections.send_all(&both, limit)).await;
                    answers.map(|mut answers| answers.pop().unwrap_or_default())
                }
            };
        }
        match self.redirected(&node, &answer)? {
            None => answer,
            Some(_) => Err(too_many()),
        }
    }

    /// Each command's own answer: that one node fails does not take the others' answers away.
    pub(super) async fn send_each(&self, batch: Batch) -> Vec<Result<Value, Error>> {
        // Not to the last moment of those who wait as long as a response may take: they would lose what the other nodes have answered.
        let limit = Limit::new(self.shared.dial.response_timeout * 4 / 5);
        let mut answers: Vec<_> = (0..batch.len()).map(|_| Err(too_many())).collect();
        let mut waiting = Vec::with_capacity(batch.len());
        let mut masters = self.masters();
        let mut refreshed = Ok(());
        for (at, (slot, command)) in batch.into_commands().into_iter().enumerate() {
            let mut owner = masters.owner(slot);
            if owner.is_none() && refreshed.is_ok() && masters.epoch == self.masters().epoch {
                refreshed = self.refresh(limit).await;
                masters = self.masters();
                owner = masters.owner(slot);
            }
            match (owner.and_then(|owner| masters.nodes.get(owner)), &refreshed) {
                (Some(node), _) => waiting.push(Part { at, command, node: node.clone(), asking: false }),
                (None, Err(error)) => set(&mut answers, at, Err(error.clone())),
                (None, Ok(())) => set(&mut answers, at, Err(nobody(slot))),
            }
        }
        for _ in 0..=REDIRECTS {
            if waiting.is_empty() {
                break;
            }
            let flushes = Flush::by_node(std::mem::take(&mut waiting));
            let done = each(flushes.into_iter().map(|flush| Box::pin(flush.send(limit))).collect()).await;
            for Answered { at, answer, node, command } in done.into_iter().flatten() {
                match (self.redirected(&node, &answer), command) {
                    (Ok(Some((node, asking))), Some(command)) => waiting.push(Part { at, command, node, asking }),
                    (Ok(_), _) => set(&mut answers, at, answer),
                    (Err(error), _) => set(&mut answers, at, Err(error)),
                }
            }
        }
        // What waits still has the answer that it began with.
        answers
    }

    /// Is the map still right?
    pub(super) fn notice(&self, node: &Arc<Master>, answer: &Result<Value, Error>) {
        self.redirected(node, answer).ok();
    }

    /// Notices what an answer says of the cluster. To whom does the command have to go instead, and has it to be announced there?
    fn redirected(
        &self,
        node: &Arc<Master>,
        answer: &Result<Value, Error>,
    ) -> Result<Option<(Arc<Master>, bool)>, Error> {
        let said = match answer {
            Ok(Value::ServerError(said)) => said,
            Ok(_) => return Ok(None),
            Err(error) => {
                if let Error::Backend { failure: Failure::Unreachable | Failure::Timeout, .. } = error {
                    self.refresh_soon();
                }
                return Ok(None);
            }
        };
        let (asked, _) = dial::place(node.client.get_connection_info());
        match Redirect::read(said, &asked) {
            Some(Redirect::Moved { slot, host, port }) => {
                let target = self.shared.moved(slot, &host, port)?;
                self.refresh_soon();
                Ok(Some((target, false)))
            }
            Some(Redirect::Ask { host, port }) => Ok(Some((self.shared.node(&host, port)?, true))),
            None => {
                if said.code() == "CLUSTERDOWN" {
                    self.refresh_soon();
                }
                Ok(None)
            }
        }
    }
}

impl Shared {
    /// The node there, which may be one that nobody has heard of before.
    fn node(&self, host: &str, port: u16) -> Result<Arc<Master>, Error> {
        lock(&self.known).node(&self.dial, &self.seeds, host, port)
    }

    /// What a node has said of a single slot.
    fn moved(&self, slot: u16, host: &str, port: u16) -> Result<Arc<Master>, Error> {
        let mut known = lock(&self.known);
        let node = known.node(&self.dial, &self.seeds, host, port)?;
        if let Some(masters) = known.masters.with_owner(slot, &node) {
            known.replace(masters);
        }
        Ok(node)
    }

    /// Asks the masters, and if none of them answers all others.
    async fn ask(&self) -> Result<(), Error> {
        let (masters, others) = {
            let known = lock(&self.known);
            let masters = known.masters.nodes.clone();
            let is_other = |node: &&Arc<Master>| !masters.iter().any(|master| master.address == node.address);
            let others: Vec<_> = known.nodes.iter().rev().chain(&self.seeds).filter(is_other).cloned().collect();
            (masters, others)
        };
        let mut last = None;
        let mut best: Option<Answer> = None;
        for mut nodes in [masters, others] {
            // Not always the same ones.
            let turn = RandomState::new().hash_one(0) as usize;
            let middle = turn % nodes.len().max(1);
            nodes.rotate_left(middle);
            for some in nodes.chunks(ASKED) {
                let mut asked = JoinSet::new();
                for node in some {
                    asked.spawn(ask_node(node.clone()));
                }
                while let Some(answer) = asked.join_next().await {
                    match answer {
                        Ok(Ok(answer)) if answer.is_well => return self.adopt(answer.ranges),
                        Ok(Ok(answer)) if best.as_ref().is_none_or(|best| best.epoch < answer.epoch) => {
                            best = Some(answer)
                        }
                        Ok(Ok(_)) | Err(_) => {}
                        Ok(Err(error)) => last = Some(worse(last, error)),
                    }
                }
            }
        }
        match (best, last) {
            // A cluster that is down still has an order.
            (Some(answer), _) => self.adopt(answer.ranges),
            (None, Some(error)) => Err(error),
            (None, None) => Err(failures::error(Failure::Unreachable, "no node of the cluster is known")),
        }
    }

    fn adopt(&self, ranges: Vec<Range>) -> Result<(), Error> {
        let mut known = lock(&self.known);
        let mut owned = Vec::with_capacity(ranges.len());
        for range in ranges {
            for (at, named) in range.nodes.iter().enumerate() {
                let node = known.node(&self.dial, &self.seeds, &named.host, named.port)?;
                if at == 0 {
                    owned.push((range.first, range.last, node));
                }
            }
        }
        if let Some(masters) = known.masters.with_owners(owned) {
            known.replace(masters);
        }
        Ok(())
    }
}

impl Known {
    /// A node that was none of the masters, perhaps a replica, was connected to before it had the data that it has now: it is connected to anew, so that
    /// all processes know it by the same lineage.
    fn replace(&mut self, masters: Masters) {
        let last = std::mem::replace(&mut self.masters, Arc::new(masters));
        let is_new = |node: &&Arc<Master>| !last.nodes.iter().any(|known| known.address == node.address);
        if !last.nodes.is_empty() {
            self.masters.nodes.iter().filter(is_new).for_each(|node| node.connections.give_up());
        }
    }

    fn node(&mut self, dial: &Dial, seeds: &[Arc<Master>], host: &str, port: u16) -> Result<Arc<Master>, Error> {
        let address = dial::address(host, port);
        let all = || seeds.iter().chain(&self.masters.nodes).chain(&self.nodes);
        let node = match all().find(|node| *node.address == *address) {
            Some(node) => node.clone(),
            None => dial.master(host, port)?,
        };
        // The latest last; the first to be forgotten are those of whom nobody has spoken for long.
        self.nodes.retain(|known| known.address != node.address);
        self.nodes.push(node.clone());
        if self.nodes.len() > REMEMBERED {
            self.nodes.remove(0);
        }
        Ok(node)
    }
}

/// What a node says of the cluster.
struct Answer {
    ranges: Vec<Range>,
    /// It sees a cluster that works.
    is_well: bool,
    epoch: u64,
}

async fn ask_node(node: Arc<Master>) -> Result<Answer, Error> {
    let mut both = Pipeline::with_capacity(2);
    both.cmd("CLUSTER").arg("SLOTS");
    both.cmd("CLUSTER").arg("INFO");
    let limit = node.connections.limit();
    let mut answers = node.connections.send_all(&both, limit).await?.into_iter();
    let (asked, _) = dial::place(node.client.get_connection_info());
    let slots = answers.next().unwrap_or_default();
    if let Value::ServerError(said) = &slots
        && said.details().is_some_and(|details| details.contains("cluster support disabled"))
    {
        let message = format!("{} is no node of a cluster: write `redis://…` for a single server", node.address);
        return Err(failures::error(Failure::Misconfigured, message));
    }
    let ranges = map::read(slots, &asked)?;
    let info = ask::text(answers.next().unwrap_or_default())?;
    let figure = |name: &str| info.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
    Ok(Answer {
        ranges,
        is_well: figure("cluster_state") == Some("ok"),
        epoch: figure("cluster_current_epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or_default(),
    })
}

/// Which of two errors says more: what cannot get better by itself.
fn worse(last: Option<Error>, error: Error) -> Error {
    match last {
        Some(last @ Error::Backend { failure: Failure::Misconfigured, .. }) => last,
        _ => error,
    }
}

fn set(answers: &mut [Result<Value, Error>], at: usize, answer: Result<Value, Error>) {
    if let Some(place) = answers.get_mut(at) {
        *place = answer;
    }
}

fn nobody(slot: u16) -> Error {
    failures::error(Failure::Busy, format_args!("no node of the cluster serves slot {slot}"))
}

fn too_many() -> Error {
    failures::error(
        Failure::Busy,
        format_args!("sent on to another node more than {REDIRECTS} times: slots are moving"),
    )
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("seeds", &self.shared.seeds)
            .field("masters", &self.masters())
            .finish_non_exhaustive()
    }
}
