//! One of the processes: an annotated function, tasks that call it, and a count of what they were given.

use super::shop::{self, PRODUCTS};
use anyhow::{Context, Result, ensure};
use cachekit::{Delivery, Tier, cache};
use serde::{Deserialize, Serialize};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// What makes this program such a process.
pub(crate) const ARGUMENT: &str = "worker";

const TASKS: usize = 4;

static SHOP: OnceLock<PathBuf> = OnceLock::new();

#[derive(Clone, Serialize, Deserialize)]
struct Price {
    cents: u64,
    version: u64,
}

/// In the memory of each process, and in the cluster that all of them share. What one process invalidates the others hear.
#[cache(backend = ["memory", "redis"], codec = "postcard", ttl = "1m", timeout = "100ms")]
async fn price(product: usize) -> Price {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let version = SHOP.get().and_then(|folder| shop::read(folder, product).ok()).map_or(0, |version| version.number);
    Price { cents: 100 + version, version }
}

/// What a process has counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sum {
    pub(crate) calls: u64,
    pub(crate) memory: u64,
    pub(crate) redis: u64,
    pub(crate) computed: u64,
    /// Calls that were given a price which was no more the last one when they began.
    pub(crate) stale: u64,
    /// The longest time since then.
    pub(crate) stalest: Duration,
    /// The same of the calls that were counted lately.
    pub(crate) recent: Duration,
    /// Invalidations, by what they returned.
    pub(crate) shared: u64,
    pub(crate) queued: u64,
}

impl Sum {
    pub(crate) fn and(mut self, other: &Sum) -> Sum {
        self.calls += other.calls;
        self.memory += other.memory;
        self.redis += other.redis;
        self.computed += other.computed;
        self.stale += other.stale;
        self.stalest = self.stalest.max(other.stalest);
        self.recent = self.recent.max(other.recent);
        self.shared += other.shared;
        self.queued += other.queued;
        self
    }

    /// Begins anew with what is lately.
    fn line(&mut self) -> String {
        let recent = std::mem::take(&mut self.recent).as_micros();
        let Sum { calls, memory, redis, computed, stale, stalest, shared, queued, .. } = self;
        format!("{calls} {memory} {redis} {computed} {stale} {} {recent} {shared} {queued}", stalest.as_micros())
    }

    fn read(line: &str) -> Option<Sum> {
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [calls, memory, redis, computed, stale, stalest, recent, shared, queued] = *numbers else { return None };
        let (stalest, recent) = (Duration::from_micros(stalest), Duration::from_micros(recent));
        Some(Sum { calls, memory, redis, computed, stale, stalest, recent, shared, queued })
    }
}

/// The other end: calls all the time, invalidates what it reads on its input, and writes what it has counted.
#[tokio::main]
pub(crate) async fn run(folder: &Path, number: usize) -> Result<()> {
    SHOP.set(folder.join("shop")).ok().context("once")?;
    let sum = Arc::new(Mutex::new(Sum::default()));
    for task in 0..TASKS {
        tokio::spawn(call(sum.clone(), number * TASKS + task));
    }
    let told = sum.clone();
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let tell = tokio::spawn(async move {
        loop {
            println!("{}", lock(&told).line());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    while let Some(line) = receive.recv().await {
        let (product, sum) = (line.parse()?, sum.clone());
        // The next one does not wait for it.
        tokio::spawn(async move {
            let delivery = price::invalidate(product).await;
            let mut sum = lock(&sum);
            if delivery == Delivery::Shared { sum.shared += 1 } else { sum.queued += 1 }
        });
    }
    tell.abort();
    println!("{}", lock(&sum).line());
    Ok(())
}

fn lock(sum: &Mutex<Sum>) -> MutexGuard<'_, Sum> {
    sum.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn call(sum: Arc<Mutex<Sum>>, mut number: usize) {
    loop {
        number = (number * 31 + 17) % 9_973;
        let product = number % PRODUCTS;
        // As of before the call.
        let last = SHOP.get().and_then(|folder| shop::read(folder, product).ok());
        let start = shop::now();
        let (price, outcome) = price::traced(product).await;
        {
            let mut sum = lock(&sum);
            sum.calls += 1;
            match outcome.tier {
                Some(Tier::Memory) => sum.memory += 1,
                Some(_) => sum.redis += 1,
                None => sum.computed += 1,
            }
            if let Some(last) = last.filter(|last| price.version < last.number) {
                sum.stale += 1;
                let stale = start.saturating_sub(last.since);
                (sum.stalest, sum.recent) = (sum.stalest.max(stale), sum.recent.max(stale));
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// This end of such a process.
pub(crate) struct Worker {
    child: Child,
    input: ChildStdin,
    sum: Arc<Mutex<Sum>>,
    reading: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start(number: usize, url: &str, folder: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ARGUMENT).arg(folder).arg(number.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.env("CACHEKIT_REDIS_URL", url).spawn()?;
        let input = child.stdin.take().context("its input")?;
        let output = child.stdout.take().context("its output")?;
        let sum = Arc::new(Mutex::new(Sum::default()));
        let read = sum.clone();
        let reading = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(mut sum) = Sum::read(&line) {
                    let mut last = lock(&read);
                    sum.recent = sum.recent.max(last.recent);
                    *last = sum;
                }
            }
        });
        Ok(Worker { child, input, sum, reading })
    }

    pub(crate) fn invalidate(&mut self, product: usize) -> Result<()> {
        Ok(writeln!(self.input, "{product}")?)
    }

    /// What it has counted up to now; what is lately is what has come since this was asked last.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = lock(&self.sum);
        let now = sum.clone();
        sum.recent = Duration::ZERO;
        now
    }

    /// Ends it. What it has counted?
    pub(crate) fn end(self) -> Result<Sum> {
        let Worker { mut child, input, sum, reading } = self;
        drop(input);
        ensure!(child.wait()?.success(), "a process has failed");
        reading.join().ok().context("its output")?;
        Ok(lock(&sum).clone())
    }
}
