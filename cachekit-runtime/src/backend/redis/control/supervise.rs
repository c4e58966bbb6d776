//! Which sessions there are: one for each master that is known.

use super::{Control, session};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::task::JoinHandle;

/// How often the masters are asked for. Ownership of slots moves without a word.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn run(control: Weak<Control>) {
    let mut sessions: HashMap<Arc<str>, JoinHandle<()>> = HashMap::new();
    loop {
        let Some(strong) = control.upgrade() else { break };
        if !sessions.is_empty() && crate::far::without_slots() {
            drop(strong);
            tokio::time::sleep(LOOK).await;
            continue;
        }
        if let Err(error) = strong.topology.refresh().await {
            tracing::debug!(%error, "the masters are not known");
        }
        let masters = strong.topology.masters();
        sessions.retain(|address, session| {
            let is_master = masters.nodes.iter().any(|master| master.address == *address);
            if !is_master {
                session.abort();
                strong.lose(address);
                strong.forget(address);
            }
            // One that has ended found nobody who watched.
            is_master && !(session.is_finished() && strong.is_watched())
        });
        for master in &masters.nodes {
            sessions
                .entry(master.address.clone())
                .or_insert_with(|| tokio::spawn(session::attend(control.clone(), master.clone())));
        }
        drop(strong);
        tokio::time::sleep(LOOK).await;
    }
    sessions.into_values().for_each(|session| session.abort());
}
