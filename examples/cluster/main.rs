//! Four processes in front of a real Redis Cluster, while prices change, slots move and masters are killed.
//!
//! `cargo run --example cluster`. It starts the six servers of the cluster and itself as the four processes, shows for half
//! a minute what they find and how stale it is, and ends by itself.

mod servers;
mod shop;
mod table;
mod worker;

use anyhow::{Context, Result, ensure};
use servers::Servers;
use shop::Shop;
use std::{
    thread,
    time::{Duration, Instant},
};
use table::Table;
use worker::{Sum, Worker};

const WORKERS: usize = 4;

/// Between two lines of the table.
const REFRESH: Duration = Duration::from_millis(500);

/// What happens, and after how many seconds.
const EVENTS: [(u64, Event); 6] = [
    (6, Event::MoveSlots),
    (11, Event::Kill(0)),
    (17, Event::Restart(0)),
    (20, Event::Kill(1)),
    (26, Event::Restart(1)),
    (30, Event::End),
];

#[derive(Debug, Clone, Copy)]
enum Event {
    MoveSlots,
    Kill(usize),
    Restart(usize),
    End,
}

fn main() -> Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    if let [word, folder, number] = &*words
        && word == worker::ARGUMENT
    {
        return worker::run(folder.as_ref(), number.parse()?);
    }
    let folder = tempfile::tempdir()?;
    let Some(mut servers) = Servers::start(folder.path())? else {
        println!(
            "This example needs `redis-server` and `redis-cli`, which are not installed. `apt-get install redis-server` or `brew install redis` does that."
        );
        return Ok(());
    };
    let mut shop = Shop::open(folder.path())?;
    let start = |number| Worker::start(number, &servers.url(), folder.path());
    let mut workers = (0..WORKERS).map(start).collect::<Result<Vec<_>>>()?;
    let mut table = Table::new(WORKERS);
    let begin = Instant::now();
    let mut events = EVENTS.iter().peekable();
    let mut shown = Instant::now();
    let (mut moving, mut moved) = (None, 0);
    loop {
        // One price changes, and one of the processes says so to all.
        let product = shop.change()?;
        let number = shop.random(WORKERS);
        workers[number].invalidate(product)?;
        if let Some((_, event)) = events.next_if(|(second, _)| begin.elapsed() >= Duration::from_secs(*second)) {
            match event {
                Event::MoveSlots => {
                    moving = Some(servers.move_slots(8));
                    table.says("slots begin to move to another master".to_owned());
                }
                Event::Kill(node) => {
                    servers.kill(*node);
                    table.says(format!("master {node} is killed: its replica will take over"));
                }
                Event::Restart(node) => {
                    servers.restart(*node)?;
                    table.says(format!("server {node} is back, as a replica"));
                }
                Event::End => break,
            }
        }
        if let Some(mover) = moving.take_if(|mover| mover.is_finished()) {
            moved = mover.join().ok().context("slots move")??;
            table.says(format!("{moved} slots have moved"));
        }
        if shown.elapsed() >= REFRESH {
            shown = Instant::now();
            let sums: Vec<Sum> = workers.iter().map(Worker::sum).collect();
            table.show(begin.elapsed(), &sums);
        }
        thread::sleep(Duration::from_millis(20));
    }
    let sums = workers.into_iter().map(Worker::end).collect::<Result<Vec<_>>>()?;
    summary(&sums, shop.changes(), moved);
    ensure!(sums.iter().all(|sum| sum.memory > 0 && sum.computed > 0), "all of them have worked: {sums:?}");
    Ok(())
}

fn summary(sums: &[Sum], changes: u64, moved: usize) {
    let all = sums.iter().fold(Sum::default(), |all, sum| all.and(sum));
    let percent = |part: u64| part as f64 * 100.0 / all.calls.max(1) as f64;
    println!(
        "\n{} calls of {} processes: {:.1} % from memory, {:.1} % from Redis, {:.1} % computed.",
        all.calls,
        sums.len(),
        percent(all.memory),
        percent(all.redis),
        percent(all.computed)
    );
    println!(
        "{changes} prices changed; {} invalidations reached all processes at once, {} waited until Redis could take them.",
        all.shared, all.queued
    );
    println!(
        "{moved} slots moved and two masters were killed. {} calls were given a price that had just changed, the oldest {} ms after it had.",
        all.stale,
        all.stalest.as_millis()
    );
}
