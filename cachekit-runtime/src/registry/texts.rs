//! Keys and values as text, where serde knows their types: found by method resolution, in generic code too, where only what a where-clause says is seen.

use super::{LONGEST_VALUE, Text, read::Reader};
use crate::identity::text::{KeyText, Tree, Unwritable};
use serde::{Deserialize, Serialize, de::value::Error};
use std::{io, marker::PhantomData};

type KeyWriter<K> = fn(&K) -> Result<KeyText, Unwritable>;
type KeyReader<K> = fn(&Tree) -> Result<K, Unread>;
type ValueWriter<V> = fn(&V) -> Option<Text>;

/// Why a text does not lead to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is none of the type.
    NoKey,
    /// The type borrows what it is read from.
    Borrows,
}

/// How the keys and values of a cache are written, and keys are read.
pub struct Texts<K, V> {
    pub(crate) write_key: Option<KeyWriter<K>>,
    pub(crate) read_key: Option<KeyReader<K>>,
    pub(crate) write_value: Option<ValueWriter<V>>,
}

impl Unread {
    fn of(error: Error) -> Self {
        // So serde's own types say it, and it is not told apart in another way.
        if error.to_string().contains("a borrowed ") { Unread::Borrows } else { Unread::NoKey }
    }
}

impl<K, V> Texts<K, V> {
    /// Nothing has a text.
    pub const NONE: Self = Texts { write_key: None, read_key: None, write_value: None };

    /// As the probes have found.
    #[must_use]
    pub const fn new(
        write_key: Option<KeyWriter<K>>,
        read_key: Option<KeyReader<K>>,
        write_value: Option<ValueWriter<V>>,
    ) -> Self {
        Texts { write_key, read_key, write_value }
    }
}

impl<K: Serialize + Deserialize<'static>, V: Serialize> Texts<K, V> {
    pub(crate) fn all() -> Self {
        let (key, value) = (TextProbe::<K>::NEW, TextProbe::<V>::NEW);
        Texts::new(key.write_key(), key.read_key(), value.write_value())
    }
}

impl<K, V> Clone for Texts<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Texts<K, V> {}

/// Asks of a type what text it has: `(&TextProbe::<T>::NEW).write_key()`.
pub struct TextProbe<T>(PhantomData<fn() -> T>);

impl<T> TextProbe<T> {
    /// The only value.
    pub const NEW: Self = TextProbe(PhantomData);
}

/// Wins where a type is `Serialize`.
pub trait ViaText<T> {
    /// What writes a key.
    fn write_key(&self) -> Option<KeyWriter<T>>;
    /// What writes a value.
    fn write_value(&self) -> Option<ValueWriter<T>>;
}

impl<T: Serialize> ViaText<T> for TextProbe<T> {
    fn write_key(&self) -> Option<KeyWriter<T>> {
        Some(|key| KeyText::of(key))
    }
    fn write_value(&self) -> Option<ValueWriter<T>> {
        Some(|value| json(value))
    }
}

/// Serves the rest.
pub trait ViaNoText<T> {
    /// Nothing.
    fn write_key(&self) -> Option<KeyWriter<T>> {
        None
    }
    /// Nothing.
    fn write_value(&self) -> Option<ValueWriter<T>> {
        None
    }
}

impl<T> ViaNoText<T> for &TextProbe<T> {}

/// Wins where a type is `Deserialize<'static>`. A type that is so for all lifetimes is asked for in vain: method resolution knows no lifetimes, and a type that
/// holds a borrow would be chosen and then be an error. It is read from what lends it nothing, and says so itself.
pub trait ViaRead<T> {
    /// What reads a key.
    fn read_key(&self) -> Option<KeyReader<T>>;
}

impl<T: Deserialize<'static>> ViaRead<T> for TextProbe<T> {
    fn read_key(&self) -> Option<KeyReader<T>> {
        Some(|tree| T::deserialize(Reader(tree)).map_err(Unread::of))
    }
}

/// Serves the rest.
pub trait ViaUnread<T> {
    /// Nothing.
    fn read_key(&self) -> Option<KeyReader<T>> {
        None
    }
}

impl<T> ViaUnread<T> for &TextProbe<T> {}

/// `k::texts!(K, V)`: the [`Texts`] of a cache.
#[doc(hidden)]
#[macro_export]
macro_rules! __cachekit_texts {
    ($key:ty, $value:ty) => {{
        use $crate::private::{ViaNoText as _, ViaRead as _, ViaText as _, ViaUnread as _};
        let (key, value) = ($crate::private::TextProbe::<$key>::NEW, $crate::private::TextProbe::<$value>::NEW);
        $crate::private::Texts::<$key, $value>::new((&key).write_key(), (&key).read_key(), (&value).write_value())
    }};
}

/// `None`: it cannot be written.
fn json<T: Serialize>(value: &T) -> Option<Text> {
    let mut beginning = Beginning { bytes: Vec::new(), is_cut: false };
    let written = serde_json::to_writer(&mut beginning, value);
    let Beginning { mut bytes, is_cut } = beginning;
    if written.is_err() && !is_cut {
        return None;
    }
    if let Err(error) = std::str::from_utf8(&bytes) {
        bytes.truncate(error.valid_up_to());
    }
    Some(Text { text: String::from_utf8(bytes).ok()?, is_cut })
}

/// Takes so much and no more, so that a large value costs no more than its beginning.
struct Beginning {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl io::Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = LONGEST_VALUE - self.bytes.len();
        if bytes.len() > room {
            self.is_cut = true;
            self.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[expect(unused_imports, reason = "of each pair of traits one is in use")]
mod tests {
    use super::*;

    macro_rules! texts {
        ($key:ty, $value:ty) => {
            $crate::__cachekit_texts!($key, $value)
        };
    }

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Lent<'a>(&'a str);

    struct Plain;

    fn has<K, V>(texts: Texts<K, V>) -> (bool, bool, bool) {
        (texts.write_key.is_some(), texts.read_key.is_some(), texts.write_value.is_some())
    }

    #[test]
    fn a_type_says_what_text_it_has() {
        assert_eq!(has(texts!(u64, String)), (true, true, true));
        assert_eq!(has(texts!(Plain, Vec<u8>)), (false, false, true));
        assert_eq!(has(texts!((u64, Plain), Plain)), (false, false, false));
    }

    #[test]
    fn a_generic_function_sees_what_its_where_clause_says() {
        fn all<T: Serialize + for<'a> Deserialize<'a>>() -> (bool, bool, bool) {
            has(texts!(Vec<T>, T))
        }
        fn nothing<T>() -> (bool, bool, bool) {
            has(texts!(Vec<T>, T))
        }
        assert_eq!((all::<u64>(), nothing::<u64>()), ((true, true, true), (false, false, false)));
    }

    #[test]
    fn a_key_that_holds_a_borrow_is_written_and_not_read() {
        type Alias = &'static str;
        let texts = texts!((Alias, Lent<'static>), ());
        let text = texts.write_key.map(|write| write(&("a", Lent("b"))).unwrap().into_whole());
        assert_eq!(text.as_deref(), Some("\"a\",\"b\""));
        let tree = crate::identity::text::parse("\"a\",\"b\"").unwrap();
        assert_eq!(texts.read_key.map(|read| read(&tree)), Some(Err(Unread::Borrows)));
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let cut = json(&"é".repeat(LONGEST_VALUE)).unwrap();
        assert!(cut.is_cut && cut.text.len() <= LONGEST_VALUE && cut.text.starts_with("\"éé"));
        assert_eq!(json(&[1, 2]), Some(Text { text: "[1,2]".to_owned(), is_cut: false }));
        assert_eq!(json(&std::collections::HashMap::from([((1, 2), 3)])), None, "JSON has no such keys");
    }
}
