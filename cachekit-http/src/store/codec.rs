//! Entries as bytes. Whoever can write to a backend can write anything: what is read is checked as if it came from the network.

use super::{Entry, Recipe, Stored};
use crate::{
    fields::remove_hop_by_hop,
    policy::{Head, Source, Terms, vary::Selection},
};
use bytes::Bytes;
use cachekit_runtime::{
    Error,
    codec::Codec,
    identity::{self, Identity},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The format of entries in backends: numbers in little endian, texts with their length before them, the body at the end.
#[derive(Debug, Clone, Copy, Default)]
pub struct EntryCodec;

const NAME: &str = "http-entry-1";
const RESPONSE: u8 = 1;
const RECIPE: u8 = 2;

/// Why bytes are no entry.
#[derive(Debug, thiserror::Error)]
enum Malformed {
    #[error("it ends too early")]
    Short,
    #[error("neither a response nor a recipe")]
    Kind,
    #[error("no status of a response")]
    Status,
    #[error("no name of a field")]
    Name,
    #[error("no value of a field")]
    Value,
    #[error("a text that is none")]
    Text,
    #[error("a time that no clock shows")]
    Time,
}

impl Codec<Arc<Stored>> for EntryCodec {
    const NAME: &'static str = NAME;

    fn identity(version: Option<u64>, tag_templates: &[&str]) -> Identity {
        identity::raw("http entry", NAME, version, tag_templates)
    }

    fn encode(&self, stored: &Arc<Stored>, out: &mut Vec<u8>) -> Result<(), Error> {
        match &**stored {
            Stored::Response(entry) => write_entry(entry, out),
            Stored::Recipe(recipe) => {
                out.push(RECIPE);
                write_time(recipe.kept_for, out);
                write_time(recipe.kept_until.duration_since(UNIX_EPOCH).unwrap_or_default(), out);
                write_count(recipe.names.len(), out);
                recipe.names.iter().for_each(|name| write_text(name.as_str().as_bytes(), out));
            }
        }
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Arc<Stored>, Error> {
        read(&mut Reader(bytes)).map(Arc::new).map_err(|error| Error::decode(NAME, error))
    }
}

fn write_entry(entry: &Entry, out: &mut Vec<u8>) {
    let Entry { head, body, tags, kept_for, .. } = entry;
    out.push(RESPONSE);
    out.extend_from_slice(&head.status.as_u16().to_le_bytes());
    for time in [
        head.requested.duration_since(UNIX_EPOCH).unwrap_or_default(),
        head.received.duration_since(UNIX_EPOCH).unwrap_or_default(),
        head.initial_age,
        head.terms.lifetime,
        head.terms.stale_while_revalidate,
        head.terms.stale_if_error,
        head.terms.stale_if_disconnected,
        *kept_for,
    ] {
        write_time(time, out);
    }
    let source = match head.terms.source {
        Source::Explicit => 0,
        Source::Ttl => 1,
        Source::Heuristic => 2,
        Source::None => 3,
    };
    out.extend_from_slice(&[source, u8::from(head.terms.needs_validation), u8::from(head.terms.is_for_all)]);
    write_count(head.selection.fields().count(), out);
    for (name, value) in head.selection.fields() {
        write_text(name.as_str().as_bytes(), out);
        out.push(u8::from(value.is_some()));
        write_text(value.unwrap_or_default().as_bytes(), out);
    }
    write_count(head.unvalidated.len(), out);
    head.unvalidated.iter().for_each(|name| write_text(name.as_str().as_bytes(), out));
    write_count(tags.len(), out);
    tags.iter().for_each(|tag| write_text(tag.as_bytes(), out));
    write_count(head.fields.len(), out);
    for (name, value) in &head.fields {
        write_text(name.as_str().as_bytes(), out);
        write_text(value.as_bytes(), out);
    }
    out.extend_from_slice(body);
}

/// Milliseconds; a longer time is the longest.
fn write_time(time: Duration, out: &mut Vec<u8>) {
    out.extend_from_slice(&u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_le_bytes());
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_count(text.len(), out);
    out.extend_from_slice(text);
}

/// What is left of the bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Short)
    }

    fn time(&mut self) -> Result<Duration, Malformed> {
        Ok(Duration::from_millis(u64::from_le_bytes(self.array()?)))
    }

    /// Nothing is allocated on the word of a count: each item takes bytes that are there.
    fn count(&mut self) -> Result<usize, Malformed> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.count()?;
        self.take(length)
    }

    fn string(&mut self) -> Result<String, Malformed> {
        str::from_utf8(self.text()?).map(str::to_owned).map_err(|_| Malformed::Text)
    }

    fn name(&mut self) -> Result<HeaderName, Malformed> {
        HeaderName::from_bytes(self.text()?).map_err(|_| Malformed::Name)
    }

    fn names(&mut self) -> Result<Vec<HeaderName>, Malformed> {
        (0..self.count()?).map(|_| self.name()).collect()
    }
}

fn read(bytes: &mut Reader<'_>) -> Result<Stored, Malformed> {
    match bytes.array()? {
        [RESPONSE] => read_entry(bytes).map(|entry| Stored::Response(Arc::new(entry))),
        [RECIPE] => {
            let kept_for = bytes.time()?;
            let kept_until = UNIX_EPOCH.checked_add(bytes.time()?).ok_or(Malformed::Time)?;
            Ok(Stored::Recipe(Recipe { names: bytes.names()?, kept_for, kept_until }))
        }
        _ => Err(Malformed::Kind),
    }
}

fn read_entry(bytes: &mut Reader<'_>) -> Result<Entry, Malformed> {
    let status = StatusCode::from_u16(u16::from_le_bytes(bytes.array()?)).map_err(|_| Malformed::Status)?;
    if status.is_informational() || matches!(status, StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT) {
        return Err(Malformed::Status);
    }
    let requested: SystemTime = UNIX_EPOCH.checked_add(bytes.time()?).ok_or(Malformed::Time)?;
    let received: SystemTime = UNIX_EPOCH.checked_add(bytes.time()?).ok_or(Malformed::Time)?;
    let initial_age = bytes.time()?;
    let (lifetime, stale_while_revalidate) = (bytes.time()?, bytes.time()?);
    let (stale_if_error, stale_if_disconnected, kept_for) = (bytes.time()?, bytes.time()?, bytes.time()?);
    let [source, needs_validation, is_for_all] = bytes.array()?;
    let source = match source {
        0 => Source::Explicit,
        1 => Source::Ttl,
        2 => Source::Heuristic,
        _ => Source::None,
    };
    let mut selection = Vec::new();
    for _ in 0..bytes.count()? {
        let name = bytes.name()?;
        let [is_there] = bytes.array()?;
        let value = bytes.string()?;
        selection.push((name, (is_there != 0).then_some(value)));
    }
    let unvalidated = bytes.names()?;
    let tags = (0..bytes.count()?).map(|_| bytes.string()).collect::<Result<_, _>>()?;
    let mut fields = HeaderMap::new();
    for _ in 0..bytes.count()? {
        let name = bytes.name()?;
        let value = HeaderValue::from_bytes(bytes.text()?).map_err(|_| Malformed::Value)?;
        fields.try_append(name, value).map_err(|_| Malformed::Value)?;
    }
    remove_hop_by_hop(&mut fields);
    fields.remove(http::header::CONTENT_LENGTH);
    let terms = Terms {
        lifetime,
        source,
        stale_while_revalidate,
        stale_if_error,
        stale_if_disconnected,
        // What is not clearly allowed is not.
        needs_validation: needs_validation != 0,
        is_for_all: is_for_all == 1,
    };
    let selection = Selection::new(selection);
    let head = Head { status, fields, unvalidated, terms, requested, received, initial_age, selection };
    Ok(Entry::new(head, Bytes::copy_from_slice(bytes.0), tags, kept_for))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Entry {
        let mut fields = HeaderMap::new();
        fields.append("x-a", HeaderValue::from_bytes(b"1\xff").unwrap());
        fields.append("x-a", HeaderValue::from_static("2"));
        fields.append("date", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        let seconds = Duration::from_secs;
        Entry::new(
            Head {
                status: StatusCode::NOT_FOUND,
                fields,
                unvalidated: vec![HeaderName::from_static("x-b")],
                terms: Terms {
                    lifetime: seconds(1),
                    source: Source::Heuristic,
                    stale_while_revalidate: seconds(2),
                    stale_if_error: seconds(3),
                    stale_if_disconnected: seconds(4),
                    needs_validation: true,
                    is_for_all: true,
                },
                requested: UNIX_EPOCH + seconds(999_999_999),
                received: UNIX_EPOCH + seconds(1_000_000_000),
                initial_age: seconds(5),
                selection: Selection::new(vec![
                    (HeaderName::from_static("accept"), None),
                    (HeaderName::from_static("foo"), Some("a".to_owned())),
                ]),
            },
            Bytes::from_static(b"body"),
            vec!["team:7".to_owned()],
            seconds(6),
        )
    }

    fn bytes_of(entry: Entry) -> Vec<u8> {
        let mut bytes = Vec::new();
        EntryCodec.encode(&Arc::new(Stored::Response(Arc::new(entry))), &mut bytes).unwrap();
        bytes
    }

    fn entry_of(bytes: &[u8]) -> Option<Entry> {
        match &*EntryCodec.decode(bytes).ok()? {
            Stored::Response(entry) => Some((**entry).clone()),
            Stored::Recipe(_) => None,
        }
    }

    #[test]
    fn entries_come_back() {
        assert_eq!(entry_of(&bytes_of(sample())), Some(sample()));
        let recipe = Recipe {
            names: vec![HeaderName::from_static("foo")],
            kept_for: Duration::from_secs(9),
            kept_until: UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        };
        let mut bytes = Vec::new();
        EntryCodec.encode(&Arc::new(Stored::Recipe(recipe.clone())), &mut bytes).unwrap();
        let stored = EntryCodec.decode(&bytes).unwrap();
        assert!(matches!(&*stored, Stored::Recipe(back) if *back == recipe));
    }

    #[test]
    fn fields_cannot_be_injected() {
        let bytes = bytes_of(sample());
        let at = bytes.windows(3).position(|window| window == b"x-a").unwrap();
        for (what, put) in [(at, b"x\ra"), (at, b"x:a"), (at + 3 + 4, b"\r\nx")] {
            let mut evil = bytes.clone();
            evil[what..what + put.len()].copy_from_slice(put);
            assert_eq!(entry_of(&evil), None, "{put:?}");
        }
    }

    #[test]
    fn fields_of_a_connection_do_not_come_back() {
        let mut entry = sample();
        entry.head.fields.append("connection", HeaderValue::from_static("x-a"));
        entry.head.fields.append("transfer-encoding", HeaderValue::from_static("chunked"));
        entry.head.fields.append("content-length", HeaderValue::from_static("9"));
        let back = entry_of(&bytes_of(entry)).unwrap();
        assert_eq!(back.head.fields.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["date"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_entry_or_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0u8..4) {
            if let Some(first) = bytes.first_mut() {
                *first = kind;
            }
            let _ = entry_of(&bytes);
        }

        #[test]
        fn a_changed_byte_does_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = bytes_of(sample());
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = entry_of(&bytes);
            let _ = entry_of(&bytes[..cut.index(bytes.len())]);
        }
    }
}
