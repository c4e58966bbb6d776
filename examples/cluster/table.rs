//! What the processes have counted since the last line: refreshed in place on a terminal, a line each time elsewhere.

use super::worker::Sum;
use std::{
    io::{IsTerminal, stdout},
    time::Duration,
};

/// How many of the last messages stay below the table.
const MESSAGES: usize = 6;

pub(crate) struct Table {
    last: Vec<Sum>,
    messages: Vec<String>,
    is_terminal: bool,
    /// Lines that stand there, and are written over.
    lines: usize,
}

impl Table {
    pub(crate) fn new(workers: usize) -> Self {
        Table {
            last: vec![Sum::default(); workers],
            messages: Vec::new(),
            is_terminal: stdout().is_terminal(),
            lines: 0,
        }
    }

    /// Something has happened.
    pub(crate) fn says(&mut self, message: String) {
        if !self.is_terminal {
            println!("        {message}");
        }
        self.messages.push(message);
    }

    pub(crate) fn show(&mut self, time: Duration, sums: &[Sum]) {
        let seconds = time.as_secs_f64();
        if self.is_terminal {
            self.write_over(seconds, sums);
        } else {
            let fresh = self.since(sums).fold(Sum::default(), |all, sum| all.and(&sum));
            println!(
                "{seconds:5.1} s  {:6} calls: {:6} memory, {:5} Redis, {:5} computed; {:4} stale, at most {:6.1} ms",
                fresh.calls,
                fresh.memory,
                fresh.redis,
                fresh.computed,
                fresh.stale,
                fresh.recent.as_secs_f64() * 1e3
            );
        }
        self.last = sums.to_vec();
    }

    fn since<'a>(&'a self, sums: &'a [Sum]) -> impl Iterator<Item = Sum> + 'a {
        sums.iter().zip(&self.last).map(|(now, last)| Sum {
            calls: now.calls - last.calls,
            memory: now.memory - last.memory,
            redis: now.redis - last.redis,
            computed: now.computed - last.computed,
            stale: now.stale - last.stale,
            stalest: now.stalest,
            recent: now.recent,
            shared: now.shared - last.shared,
            queued: now.queued - last.queued,
        })
    }

    fn write_over(&mut self, seconds: f64, sums: &[Sum]) {
        let mut lines = vec![format!(
            "{seconds:5.1} s {:>8} {:>8} {:>8} {:>9} {:>7} {:>11} {:>8} {:>8}",
            "calls", "memory", "Redis", "computed", "stale", "stalest", "Shared", "Queued"
        )];
        for (number, sum) in self.since(sums).enumerate() {
            let Sum { calls, memory, redis, computed, stale, recent, shared, queued, .. } = sum;
            lines.push(format!(
                "node {number}  {calls:>8} {memory:>8} {redis:>8} {computed:>9} {stale:>7} {:>8.1} ms {shared:>8} {queued:>8}",
                recent.as_secs_f64() * 1e3
            ));
        }
        let first = self.messages.len().saturating_sub(MESSAGES);
        lines.extend(self.messages[first..].iter().cloned());
        if self.lines > 0 {
            print!("\x1b[{}A", self.lines);
        }
        for line in &lines {
            println!("\x1b[2K{line}");
        }
        self.lines = lines.len();
    }
}
