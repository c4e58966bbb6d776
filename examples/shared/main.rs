//! One function, two processes, a real Redis that dies on the way; then a file that outlives its process.
//!
//! `cargo run --example shared`. It starts itself again as the two processes, and a `redis-server` of its own
//! on a free port.

mod server;
mod worker;

use anyhow::{Context, Result, ensure};
use server::Server;
use std::time::{Duration, Instant};
use worker::{Answer, Worker};

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(worker::ARGUMENT) {
        return worker::run();
    }
    let folder = tempfile::tempdir()?;
    let Some(mut server) = Server::start(folder.path())? else {
        println!(
            "This example needs `redis-server`, which is not installed. `apt-get install redis-server` or `brew install redis` does that."
        );
        return Ok(());
    };
    let start = |name| Worker::start(name, server.port(), folder.path());
    let (mut ada, mut bob) = (start("Ada")?, start("Bob")?);

    title("Computed once for both");
    let computed = ada.show("quote Oslo")?;
    ensure!(computed.source == "computed");
    let found = bob.show("quote Oslo")?;
    ensure!(found.source == "Redis" && found.value == computed.value, "it is computed once");
    ensure!(bob.show("quote Oslo")?.source == "memory");
    println!("  Ada invalidates it:     {}", ada.ask("invalidate Oslo")?);
    ensure!(bob.until("quote Oslo", |answer| answer.source == "computed")?.value != computed.value);

    title("Redis is killed, and nobody notices");
    server.kill();
    let mut slowest = Duration::ZERO;
    for city in ["Rome", "Oslo", "Lima", "Cairo", "Quito", "Delhi", "Paris"] {
        for worker in [&mut ada, &mut bob] {
            let answer = worker.call(&format!("quote {city}"))?;
            ensure!(answer.value.starts_with(city), "the value is right");
            slowest = slowest.max(answer.waited);
        }
    }
    println!(
        "  14 calls of both, all of them answered; the longest wait beside the computing was {} ms",
        slowest.as_millis()
    );
    ada.show("quote Rome")?;
    println!("  Ada invalidates it:     {}", ada.ask("invalidate Rome")?);

    title("Redis is back");
    server.restart()?;
    let start = Instant::now();
    // Each time another city: what is in memory asks nobody.
    for number in 1.. {
        ensure!(start.elapsed() < Duration::from_secs(60), "it is in use again");
        let city = format!("quote Town{number}");
        ada.call(&city)?;
        let seen = bob.call(&city)?;
        if seen.source == "Redis" {
            println!("  in use again after {} ms, without anyone's doing", start.elapsed().as_millis());
            seen.show("Bob", &city);
            break;
        }
    }

    title("The same on a file, across a restart");
    let before = ada.show("digest moby-dick")?;
    ensure!(before.source == "computed");
    ada.end()?;
    println!("  Ada has ended, and starts again");
    let mut ada = Worker::start("Ada", server.port(), folder.path())?;
    let after = ada.show("digest moby-dick")?;
    ensure!(after.source == "file" && after.value == before.value, "it is there after a restart");
    ada.end().and(bob.end()).context("the processes end well")
}

fn title(text: &str) {
    println!("\n{text}");
}

impl Worker {
    /// Calls, and prints the answer.
    fn show(&mut self, call: &str) -> Result<Answer> {
        let answer = self.call(call)?;
        answer.show(self.name(), call);
        Ok(answer)
    }

    /// Calls until the answer is as it should be, and prints that one.
    fn until(&mut self, call: &str, is_right: impl Fn(&Answer) -> bool) -> Result<Answer> {
        let start = Instant::now();
        loop {
            let answer = self.call(call)?;
            if is_right(&answer) {
                answer.show(self.name(), call);
                return Ok(answer);
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "{call}: {answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Answer {
    fn show(&self, worker: &str, call: &str) {
        let (value, source, millis) = (&self.value, &self.source, self.took.as_secs_f64() * 1e3);
        println!("  {worker}: {call:18} {value:28} {source:9} {millis:8.2} ms");
    }
}
