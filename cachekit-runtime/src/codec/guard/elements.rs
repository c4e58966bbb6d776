//! Elements of sequences and maps on the way in.

use super::{de::Place, error::Short};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess};
use std::cell::Cell;

/// An access to elements, and where it stands.
pub(super) struct Elements<'b, A> {
    inner: A,
    place: Place<'b>,
    /// How many elements the collection may have set memory aside for, and has not got.
    foretold: Cell<usize>,
}

impl<'b, A> Elements<'b, A> {
    pub(super) fn new(inner: A, place: Place<'b>) -> Self {
        Elements { inner, place, foretold: Cell::new(0) }
    }

    /// After one was read.
    #[inline]
    fn pay<T, E: Error>(&self) -> Result<(), E> {
        if self.place.many {
            if !self.place.budget.charge_element(size_of::<T>()) {
                return Err(self.place.exceeded());
            }
            if let Some(left) = self.foretold.get().checked_sub(1) {
                self.foretold.set(left);
                self.place.budget.fulfil();
            }
        }
        Ok(())
    }

    #[inline]
    fn foretell(&self, hint: Option<usize>) -> Option<usize> {
        // The length of a struct or tuple is not the input's word.
        if !self.place.many {
            return hint;
        }
        let believed = self.place.budget.believe(hint?);
        self.foretold.set(self.foretold.get().saturating_add(believed));
        Some(believed)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = Short<A::Error>;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Short<A::Error>> {
        let element = self.inner.next_element_seed(self.place.seed(seed)).map_err(Short)?;
        if element.is_some() {
            self.pay::<S::Value, Self::Error>()?;
        }
        Ok(element)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.foretell(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Elements<'_, A> {
    type Error = Short<A::Error>;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Short<A::Error>> {
        let key = self.inner.next_key_seed(self.place.seed(seed)).map_err(Short)?;
        if key.is_some() {
            self.pay::<S::Value, Self::Error>()?;
        }
        Ok(key)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Short<A::Error>> {
        let value = self.inner.next_value_seed(self.place.seed(seed)).map_err(Short)?;
        self.pay::<S::Value, Self::Error>()?;
        Ok(value)
    }

    // The maps of std ask for entries, which they keep as pairs.
    #[inline]
    fn next_entry_seed<K: DeserializeSeed<'de>, V: DeserializeSeed<'de>>(
        &mut self,
        key: K,
        value: V,
    ) -> Result<Option<(K::Value, V::Value)>, Short<A::Error>> {
        let entry = self.inner.next_entry_seed(self.place.seed(key), self.place.seed(value)).map_err(Short)?;
        if entry.is_some() {
            self.pay::<(K::Value, V::Value), Self::Error>()?;
        }
        Ok(entry)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.foretell(self.inner.size_hint())
    }
}
