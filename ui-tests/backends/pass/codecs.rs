//! Codecs by name, by path, and by the type of the value.
use cachekit::backend::{Backend, MemoryBytes};
use cachekit::codec::{Codec, CodecHint};
use cachekit::{Error, cache};
use std::sync::{Arc, LazyLock};

static BYTES: LazyLock<Arc<MemoryBytes>> = LazyLock::new(|| Arc::new(MemoryBytes::new()));

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct User {
    name: String,
}

/// Neither serde nor cachekit knows it, but its codec does.
#[derive(Debug, Clone, PartialEq)]
struct Colour(u32);

/// Of numbers and colours, as text in front of which `BASE` digits stand.
#[derive(Default)]
struct Text<const BASE: u32>;

impl<const BASE: u32> Codec<Colour> for Text<BASE> {
    const NAME: &'static str = "text";
    fn encode(&self, value: &Colour, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice((value.0 + BASE).to_string().as_bytes());
        Ok(())
    }
    fn decode(&self, bytes: &[u8]) -> Result<Colour, Error> {
        let text = std::str::from_utf8(bytes).map_err(|error| Error::decode("text", error))?;
        text.parse::<u32>().map(|number| Colour(number - BASE)).map_err(|error| Error::decode("text", error))
    }
}

/// Says so itself.
#[derive(Debug, Clone, PartialEq)]
struct Hinted(Colour);

#[derive(Default)]
struct OfHinted;

impl Codec<Hinted> for OfHinted {
    const NAME: &'static str = "hinted";
    fn encode(&self, value: &Hinted, out: &mut Vec<u8>) -> Result<(), Error> {
        Text::<0>.encode(&value.0, out)
    }
    fn decode(&self, bytes: &[u8]) -> Result<Hinted, Error> {
        Text::<0>.decode(bytes).map(Hinted)
    }
}

impl CodecHint for Hinted {
    type Codec = OfHinted;
}

#[cache(backend = BYTES.clone(), codec = "json")]
fn json(id: u64) -> Arc<User> {
    Arc::new(User { name: id.to_string() })
}

#[cache(backend = BYTES, codec = "bincode")]
fn bincode(id: u64) -> Vec<User> {
    vec![User { name: id.to_string() }]
}

#[cache(backend = BYTES, codec = Text<7>)]
fn by_path(id: u32) -> Colour {
    Colour(id)
}

#[cache(backend = BYTES)]
fn by_hint(id: u32) -> Hinted {
    Hinted(Colour(id))
}

#[cache(backend = BYTES)]
fn raw(id: u32) -> String {
    format!("as it is: {id}")
}

type Aliased = Result<User, String>;

#[cache(backend = BYTES, errors = "1m")]
fn whole(id: u32) -> Aliased {
    if id == 0 { Err("nobody".to_owned()) } else { Ok(User { name: id.to_string() }) }
}

/// What the backend holds.
fn stored() -> Vec<Vec<u8>> {
    let mut scan = std::pin::pin!(BYTES.scan(None, None, 100));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match scan.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Ok(page)) => page.entries.iter().map(|entry| entry.bytes.to_vec()).collect(),
        other => panic!("{other:?}"),
    }
}

fn holds(text: &str) -> bool {
    stored().iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

fn main() {
    for _ in 0..2 {
        assert_eq!(json(1).name, "1");
        assert_eq!(bincode(1), [User { name: "1".to_owned() }]);
        assert_eq!((by_path(5), by_hint(5)), (Colour(5), Hinted(Colour(5))));
        assert_eq!(raw(3), "as it is: 3");
        assert_eq!((whole(0), whole(1).is_ok()), (Err("nobody".to_owned()), true));
        cachekit::flush().wait();
    }
    assert_eq!(stored().len(), 7);
    assert!(holds(r#"{"name":"1"}"#) && holds("12") && holds("as it is: 3") && holds(r#"{"Err":"nobody"}"#));
}
