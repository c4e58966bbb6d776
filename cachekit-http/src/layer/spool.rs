//! A body that is read once from the handler and given to several, while it is collected for the store.
//!
//! As long as it is collected nobody waits for anybody: chunks stay until the end, which `max_body` bounds. When it has become too long for the store,
//! chunks go when the slowest reader has them, and the handler's body is read only as fast as that one.

use super::{body::BodyError, sync::lock};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

/// Chunks below this many bytes are put together, up to [`JOINED`] bytes: each by itself would take more than its bytes.
const SMALL: usize = 1 << 10;

const JOINED: usize = 4 << 10;

/// How far the handler may be ahead of the slowest reader of a body that is not collected any more.
const AHEAD: usize = 256 << 10;

#[derive(Debug, Default)]
pub(super) struct Spool(Mutex<State>);

#[derive(Debug)]
struct State {
    chunks: VecDeque<Bytes>,
    /// The next chunk, which small ones are put together in.
    tail: BytesMut,
    /// The number of the first chunk that is still there.
    first: usize,
    /// Bytes that are there.
    bytes: usize,
    is_collecting: bool,
    end: Option<End>,
    seats: Vec<Option<Seat>>,
    writer: Option<Waker>,
}

impl Default for State {
    fn default() -> Self {
        State {
            chunks: VecDeque::new(),
            tail: BytesMut::new(),
            first: 0,
            bytes: 0,
            is_collecting: true,
            end: None,
            seats: Vec::new(),
            writer: None,
        }
    }
}

#[derive(Debug, Default)]
struct Seat {
    /// The number of the chunk that it reads next.
    next: usize,
    /// How many bytes of that it has already.
    offset: usize,
    waker: Option<Waker>,
}

#[derive(Debug, Clone)]
enum End {
    Clean(Option<HeaderMap>),
    Failed(BodyError),
}

/// Whether the handler's body is to be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Yes.
    There,
    /// Nobody reads it any more, and it is not collected either.
    NotNeeded,
}

impl State {
    fn wake_readers(&mut self) -> Vec<Waker> {
        self.seats.iter_mut().flatten().filter_map(|seat| seat.waker.take()).collect()
    }

    fn push(&mut self, chunk: Bytes) {
        self.bytes += chunk.len();
        if chunk.len() < SMALL {
            self.tail.extend_from_slice(&chunk);
        }
        if chunk.len() >= SMALL || self.tail.len() >= JOINED {
            let tail = self.tail.split().freeze();
            self.chunks.extend(Some(tail).filter(|tail| !tail.is_empty()));
        }
        if chunk.len() >= SMALL {
            self.chunks.push_back(chunk);
        }
    }

    /// What a seat has not read yet, which it has then.
    fn read(&mut self, seat: usize) -> Option<Bytes> {
        let seat = self.seats.get_mut(seat)?.as_mut()?;
        loop {
            let Some(chunk) = self.chunks.get(seat.next.saturating_sub(self.first)) else {
                // Others are still added to it, so it is a copy.
                let new = self.tail.get(seat.offset..).filter(|new| !new.is_empty())?;
                seat.offset = self.tail.len();
                return Some(Bytes::copy_from_slice(new));
            };
            let new = chunk.slice(seat.offset.min(chunk.len())..);
            (seat.next, seat.offset) = (seat.next + 1, 0);
            if !new.is_empty() {
                return Some(new);
            }
        }
    }

    /// Lets go of what everybody has.
    fn trim(&mut self) {
        if self.is_collecting {
            return;
        }
        let slowest = self.seats.iter().flatten().map(|seat| seat.next).min().unwrap_or(usize::MAX);
        while self.first < slowest
            && let Some(chunk) = self.chunks.pop_front()
        {
            self.first += 1;
            self.bytes -= chunk.len();
        }
    }
}

impl Spool {
    /// One more reader, from the start; `None`: the start is gone, or it has failed.
    pub(super) fn reader(self: &Arc<Self>) -> Option<Reader> {
        {
            let state = lock(&self.0);
            if !state.is_collecting || matches!(state.end, Some(End::Failed(_))) {
                return None;
            }
        }
        Some(self.seat())
    }

    fn seat(self: &Arc<Self>) -> Reader {
        let mut state = lock(&self.0);
        let free = state.seats.iter().position(Option::is_none);
        let seat = free.unwrap_or_else(|| {
            state.seats.push(None);
            state.seats.len() - 1
        });
        if let Some(place) = state.seats.get_mut(seat) {
            *place = Some(Seat::default());
        }
        Reader { spool: self.clone(), seat, given: 0, is_over: false }
    }

    /// Whether anybody reads it.
    pub(super) fn is_read(&self) -> bool {
        lock(&self.0).seats.iter().any(Option::is_some)
    }
}

/// The one that fills it. Dropped before the end, it fails.
#[derive(Debug)]
pub(super) struct Writer(Arc<Spool>);

impl Writer {
    /// With its first reader.
    pub(super) fn new() -> (Self, Reader) {
        let spool = Arc::<Spool>::default();
        let reader = spool.seat();
        (Writer(spool), reader)
    }

    pub(super) fn spool(&self) -> &Arc<Spool> {
        &self.0
    }

    pub(super) fn push(&self, chunk: Bytes) {
        let wakers = {
            let mut state = lock(&self.0.0);
            state.push(chunk);
            state.wake_readers()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// It is too long for the store.
    pub(super) fn stop_collecting(&self) {
        let mut state = lock(&self.0.0);
        state.is_collecting = false;
        state.trim();
    }

    /// Waits until there is room for more.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<Room> {
        let mut state = lock(&self.0.0);
        if state.is_collecting {
            return Poll::Ready(Room::There);
        }
        if state.seats.iter().all(Option::is_none) {
            return Poll::Ready(Room::NotNeeded);
        }
        // Also where there is room: the last reader may leave while the handler is quiet.
        state.writer = Some(context.waker().clone());
        if state.bytes < AHEAD { Poll::Ready(Room::There) } else { Poll::Pending }
    }

    /// The end, as it should be. All of it, if it was collected; in a buffer of its own, since a chunk may be a small part of a large one.
    pub(super) fn finish(self, trailers: Option<HeaderMap>) -> Option<Bytes> {
        self.end(End::Clean(trailers));
        let state = lock(&self.0.0);
        if !state.is_collecting {
            return None;
        }
        let mut all = Vec::with_capacity(state.bytes);
        state.chunks.iter().for_each(|chunk| all.extend_from_slice(chunk));
        all.extend_from_slice(&state.tail);
        Some(all.into())
    }

    /// The end, too early.
    pub(super) fn fail(self, error: BodyError) {
        self.end(End::Failed(error));
    }

    fn end(&self, end: End) {
        let wakers = {
            let mut state = lock(&self.0.0);
            if state.end.is_some() {
                return;
            }
            state.end = Some(end);
            state.wake_readers()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end(End::Failed(BodyError::Dropped));
    }
}

/// One that reads it.
#[derive(Debug)]
pub(super) struct Reader {
    spool: Arc<Spool>,
    seat: usize,
    given: u64,
    is_over: bool,
}

impl Reader {
    /// How many bytes it has given.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    pub(super) fn poll_frame(&mut self, context: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let mut state = lock(&self.spool.0);
        if let Some(chunk) = state.read(self.seat) {
            state.trim();
            let writer = state.writer.take();
            drop(state);
            if let Some(writer) = writer {
                writer.wake();
            }
            self.given += chunk.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match state.end.clone() {
            Some(end) => {
                self.is_over = true;
                Poll::Ready(match end {
                    End::Clean(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
                    End::Failed(error) => Some(Err(error)),
                })
            }
            None => {
                if let Some(Some(seat)) = state.seats.get_mut(self.seat) {
                    seat.waker = Some(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let writer = {
            let mut state = lock(&self.spool.0);
            if let Some(seat) = state.seats.get_mut(self.seat) {
                *seat = None;
            }
            state.trim();
            state.writer.take()
        };
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut Reader) -> Option<Result<Bytes, ()>> {
        match reader.poll_frame(&Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Ok(frame))) => frame.into_data().ok().map(Ok),
            Poll::Ready(Some(Err(_))) => Some(Err(())),
            _ => None,
        }
    }

    fn room(writer: &Writer) -> Poll<Room> {
        writer.poll_room(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn everybody_gets_everything_and_the_store_too() {
        let (writer, mut early) = Writer::new();
        let spool = writer.spool().clone();
        writer.push(Bytes::from_static(b"ab"));
        assert_eq!(read(&mut early), Some(Ok(Bytes::from_static(b"ab"))));
        assert_eq!(read(&mut early), None);
        let mut late = spool.reader().unwrap();
        writer.push(Bytes::from_static(b"cd"));
        assert_eq!(room(&writer), Poll::Ready(Room::There));
        assert_eq!(writer.finish(None), Some(Bytes::from_static(b"abcd")));
        assert_eq!(read(&mut late), Some(Ok(Bytes::from_static(b"abcd"))));
        assert_eq!(read(&mut early), Some(Ok(Bytes::from_static(b"cd"))));
        assert_eq!((read(&mut early), read(&mut late), late.given()), (None, None, 4));
    }

    #[test]
    fn what_is_too_long_waits_for_the_slowest_and_lets_go() {
        let (writer, mut fast) = Writer::new();
        let spool = writer.spool().clone();
        let mut slow = spool.reader().unwrap();
        writer.push(Bytes::from(vec![0; AHEAD]));
        writer.stop_collecting();
        assert!(spool.reader().is_none(), "the start may be gone");
        assert_eq!(room(&writer), Poll::Pending);
        assert!(read(&mut fast).is_some());
        assert_eq!(room(&writer), Poll::Pending, "the other has not read it");
        assert!(read(&mut slow).is_some());
        assert_eq!(room(&writer), Poll::Ready(Room::There));
        assert_eq!(lock(&spool.0).chunks.len(), 0);
        writer.push(Bytes::from(vec![0; AHEAD]));
        drop(slow);
        assert!(read(&mut fast).is_some());
        drop(fast);
        assert_eq!(room(&writer), Poll::Ready(Room::NotNeeded));
        assert_eq!(writer.finish(None), None);
    }

    #[test]
    fn an_early_end_is_an_error_for_everybody() {
        let (writer, mut reader) = Writer::new();
        let spool = writer.spool().clone();
        writer.push(Bytes::from_static(b"ab"));
        drop(writer);
        assert_eq!(read(&mut reader), Some(Ok(Bytes::from_static(b"ab"))));
        assert_eq!((read(&mut reader), read(&mut reader)), (Some(Err(())), None));
        assert!(spool.reader().is_none());
    }
    #[test]
    fn small_chunks_are_put_together_and_large_ones_are_not_copied_for_readers() {
        let (writer, mut early) = Writer::new();
        let spool = writer.spool().clone();
        let large = Bytes::from(vec![b'l'; SMALL]);
        let mut expected = Vec::new();
        let (mut got, mut late) = (Vec::new(), None);
        for round in 0..3 * JOINED {
            let chunk = match round {
                round if round % JOINED == JOINED / 2 => large.clone(),
                round if round % 7 == 0 => Bytes::new(),
                round => Bytes::from(vec![u8::try_from(round % 251).unwrap()]),
            };
            expected.extend_from_slice(&chunk);
            writer.push(chunk);
            if round % 3 == 0
                && let Some(Ok(chunk)) = read(&mut early)
            {
                got.extend_from_slice(&chunk);
            }
            if round == JOINED {
                late = spool.reader();
            }
        }
        assert!(lock(&spool.0).chunks.len() <= 12, "{}", lock(&spool.0).chunks.len());
        let mut late = late.unwrap();
        assert_eq!(writer.finish(None).unwrap(), expected);
        while let Some(Ok(chunk)) = read(&mut early) {
            got.extend_from_slice(&chunk);
        }
        assert_eq!(got, expected);
        let (mut got, mut large_ones) = (Vec::new(), 0);
        while let Some(Ok(chunk)) = read(&mut late) {
            got.extend_from_slice(&chunk);
            large_ones += usize::from(chunk.as_ptr() == large.as_ptr());
        }
        assert_eq!((got, large_ones), (expected, 3));
    }

    #[test]
    fn what_is_stored_is_in_a_buffer_of_its_own() {
        let buffer = Bytes::from(vec![1; 4096]);
        for lengths in [&[2048][..], &[100], &[100, 2048]] {
            let (writer, reader) = Writer::new();
            lengths.iter().for_each(|length| writer.push(buffer.slice(..*length)));
            let whole = writer.finish(None).unwrap();
            drop(reader);
            assert!(buffer.is_unique() && !whole.is_empty());
        }
    }

    #[test]
    fn who_leaves_wakes_a_writer_that_waits_for_a_quiet_handler() {
        struct Woken(std::sync::atomic::AtomicBool);
        impl std::task::Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
        let (writer, reader) = Writer::new();
        writer.stop_collecting();
        let woken = Arc::new(Woken(false.into()));
        assert_eq!(writer.poll_room(&Context::from_waker(&woken.clone().into())), Poll::Ready(Room::There));
        drop(reader);
        assert!(woken.0.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(room(&writer), Poll::Ready(Room::NotNeeded));
    }
}
