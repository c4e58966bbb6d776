//! One direction of one connection.

use super::{Counts, Fault, gate::Gate};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
};

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the client.
    Sent,
    /// To the client.
    Answered,
}

/// Bytes that no answer begins with.
const GARBAGE: &[u8] = b"\x00\xff\x16\x03 HTTP/1.1 418 I'm a teapot\r\n\r\n";

pub(super) fn run(
    mut from: TcpStream,
    mut to: TcpStream,
    direction: Direction,
    gate: &Gate,
    counts: &Counts,
    half_open: &AtomicBool,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => length,
        };
        let count = if direction == Direction::Sent { &counts.sent } else { &counts.answered };
        if direction == Direction::Sent {
            count.fetch_add(length as u64, Ordering::SeqCst);
        }
        match pass(&mut to, &buffer[..length], direction, gate, half_open) {
            Ok(written) if direction == Direction::Answered => {
                count.fetch_add(written as u64, Ordering::SeqCst);
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    // A peer that is gone without a word says no goodbye either.
    if !half_open.load(Ordering::SeqCst) {
        to.shutdown(Shutdown::Both).ok();
        from.shutdown(Shutdown::Both).ok();
    }
}

/// Passes the bytes on, as the fault of the moment has it; how many of them.
fn pass(
    to: &mut TcpStream,
    bytes: &[u8],
    direction: Direction,
    gate: &Gate,
    half_open: &AtomicBool,
) -> io::Result<usize> {
    let mut written = 0;
    let mut delayed = false;
    while written < bytes.len() {
        if half_open.load(Ordering::SeqCst) {
            return Ok(0);
        }
        let fault = gate.now();
        match fault {
            Fault::Stall => gate.while_it_is(Fault::Stall),
            Fault::HalfOpen => half_open.store(true, Ordering::SeqCst),
            Fault::Cut | Fault::Refused => return Err(io::ErrorKind::ConnectionAborted.into()),
            Fault::Delay(time) if direction == Direction::Answered && !delayed => {
                gate.at_most(time, fault);
                delayed = true;
            }
            Fault::Garbage if direction == Direction::Answered => {
                to.write_all(GARBAGE)?;
                return Ok(GARBAGE.len());
            }
            Fault::Trickle(pause) if direction == Direction::Answered => {
                to.write_all(&bytes[written..=written])?;
                written += 1;
                gate.at_most(pause, fault);
            }
            Fault::None | Fault::Delay(_) | Fault::Garbage | Fault::Trickle(_) => {
                to.write_all(&bytes[written..])?;
                written = bytes.len();
            }
        }
    }
    Ok(written)
}
