//! In debug builds: do the texts of the keys that come along say what their `Eq` says? A type for which they do not would get another key's entries from a
//! backend, or miss its own when it invalidates.

use crate::{
    identity::text::{Disagreement, KeyText},
    key::Key,
    sync::lock,
};
use std::{collections::HashMap, sync::Mutex};

/// The first so many keys are compared with one another.
const MOST: usize = 1_024;

/// The keys that a cache has met, with their texts.
pub(super) struct KeysMet<K> {
    state: Mutex<State<K>>,
}

struct State<K> {
    texts: HashMap<K, String>,
    keys: HashMap<String, K>,
}

impl<K> KeysMet<K> {
    pub(super) fn new() -> Self {
        KeysMet { state: Mutex::new(State { texts: HashMap::new(), keys: HashMap::new() }) }
    }
}

impl<K: Key> KeysMet<K> {
    /// What is wrong with a key and one that came before it. In release builds it looks at nothing.
    pub(super) fn meet(&self, key: &K, text: &KeyText) -> Option<Disagreement> {
        if !cfg!(debug_assertions) {
            return None;
        }
        let text = text.whole();
        let mut state = lock(&self.state);
        if let Some(known) = state.texts.get(key) {
            return (known != text).then(|| Disagreement::TwoTexts(known.clone(), text.to_owned()));
        }
        if state.keys.contains_key(text) {
            return Some(Disagreement::OneText(text.to_owned()));
        }
        if state.keys.len() < MOST {
            state.texts.insert(key.clone(), text.to_owned());
            state.keys.insert(text.to_owned(), key.clone());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &str) -> KeyText {
        KeyText::of(of).unwrap()
    }

    #[test]
    fn one_text_of_two_keys_is_found_and_two_texts_of_one() {
        let met = KeysMet::<u8>::new();
        assert_eq!(
            [met.meet(&1, &text("one")), met.meet(&2, &text("two")), met.meet(&1, &text("one"))],
            [None, None, None]
        );
        assert!(matches!(met.meet(&3, &text("two")), Some(Disagreement::OneText(_))));
        assert!(matches!(met.meet(&1, &text("other")), Some(Disagreement::TwoTexts(..))));
    }
}
