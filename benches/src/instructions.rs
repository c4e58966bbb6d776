//! Instructions per call, which no neighbour on the machine disturbs: callgrind runs this very program with one contestant.

use crate::contestant::WARM_UP;
use std::{io, process::Command};

/// Calls of the shorter run; the longer one makes ten times as many, and the difference leaves out all that is not a call.
const CALLS: usize = 8_000;

/// Of the contestant with this number; `None` where valgrind does not run. `flags` are what the process is given besides.
#[must_use]
pub fn per_call(number: usize, flags: &[String]) -> Option<f64> {
    let (short, long) = (total(number, flags, CALLS).ok()??, total(number, flags, 10 * CALLS).ok()??);
    let calls = 9 * (CALLS + CALLS / WARM_UP);
    Some((long as f64 - short as f64) / calls as f64)
}

fn total(number: usize, flags: &[String], calls: usize) -> io::Result<Option<u64>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(flags)
        .args(["--once", &number.to_string(), &calls.to_string()])
        .output()?;
    Ok(collected(&String::from_utf8_lossy(&output.stderr)))
}

/// `==1== Collected : 123456`
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")).and_then(|(_, count)| count.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found() {
        assert_eq!(collected("==1== Events    : Ir\n==1== Collected : 123456\n"), Some(123_456));
        assert_eq!(collected("valgrind: command line error"), None);
    }
}
