//! What a type may ask a value with parts for: elements, entries, fields, a variant.

use super::{
    path,
    plan::Plan,
    probe::{Probe, Tag},
    rejection::Rejection,
    run::Place,
};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor, value::StrDeserializer};
use std::{cell::Cell, cell::RefCell, rc::Rc, vec};

/// The elements of a tuple or sequence.
pub(super) struct ItemAccess<'a> {
    owner: &'a Probe,
    place: &'a Place,
    length: usize,
    next: usize,
}

impl<'a> ItemAccess<'a> {
    pub(super) fn new(owner: &'a Probe, place: &'a Place, length: usize) -> Self {
        ItemAccess { owner, place, length, next: 0 }
    }
}

impl<'de> SeqAccess<'de> for ItemAccess<'_> {
    type Error = Rejection;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Rejection> {
        let is_end = self.next >= self.length;
        self.owner.exploration.with(self.place, |plan| match plan {
            Plan::Fixed { reached, .. } if !is_end => *reached = (*reached).max(self.next + 1),
            Plan::Many { is_short, .. } if is_end => *is_short = true,
            _ => {}
        });
        if is_end {
            // Who goes on asking is counted.
            self.owner.exploration.step(self.owner.depth)?;
            return Ok(None);
        }
        let item = self.owner.child(&path::item(self.next));
        self.next += 1;
        seed.deserialize(item).map(Some)
    }
}

/// The entries of a map.
pub(super) struct EntryAccess<'a> {
    pub(super) owner: &'a Probe,
    pub(super) place: &'a Place,
    pub(super) length: usize,
    pub(super) next: usize,
}

impl<'de> MapAccess<'de> for EntryAccess<'_> {
    type Error = Rejection;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Rejection> {
        let is_end = self.next >= self.length;
        self.owner.exploration.with(self.place, |plan| match plan {
            Plan::Many { is_short, .. } if is_end => *is_short = true,
            Plan::Many { has_keys, .. } => *has_keys = true,
            _ => {}
        });
        if is_end {
            self.owner.exploration.step(self.owner.depth)?;
            return Ok(None);
        }
        let key = self.owner.child(&path::key(self.next));
        self.next += 1;
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Rejection> {
        self.owner.exploration.with(self.place, |plan| {
            if let Plan::Many { has_values, .. } = plan {
                *has_values = true;
            }
        });
        seed.deserialize(self.owner.child(&path::value(self.next.saturating_sub(1))))
    }
}

/// A map without entries.
pub(super) struct NoEntries;

impl<'de> MapAccess<'de> for NoEntries {
    type Error = Rejection;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<Option<S::Value>, Rejection> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, _: S) -> Result<S::Value, Rejection> {
        Err(Rejection::ours("a value without a key"))
    }
}

/// The fields of a struct, in the order of this run.
pub(super) struct FieldAccess<'a> {
    pub(super) owner: &'a Probe,
    pub(super) place: &'a Place,
    /// The name of the struct.
    pub(super) name: Option<&'static str>,
    pub(super) names: &'static [&'static str],
    pub(super) order: vec::IntoIter<usize>,
    /// The field that was fed last.
    pub(super) fed: &'a Cell<Option<usize>>,
    /// Its value was asked for.
    pub(super) has_value: &'a Cell<bool>,
    /// The variant that a tag has taken, which leads to the fields after it.
    pub(super) tagged: &'a Rc<RefCell<String>>,
}

impl<'de> MapAccess<'de> for FieldAccess<'_> {
    type Error = Rejection;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Rejection> {
        self.owner.exploration.step(self.owner.depth)?;
        let Some(field) = self.order.next() else { return Ok(None) };
        self.fed.set(Some(field));
        self.has_value.set(false);
        self.owner.exploration.with(self.place, |plan| {
            if let Plan::Fields(fields) = plan
                && let Some(was_fed) = fields.was_fed.get_mut(field)
            {
                *was_fed = true;
            }
        });
        let name = self.names.get(field).copied().unwrap_or_default();
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Rejection> {
        let Some(field) = self.fed.get() else { return Err(Rejection::ours("a value without a key")) };
        self.has_value.set(true);
        let name = self.names.get(field).copied().unwrap_or_default();
        let path = format!("{}{}{}", self.owner.path, self.tagged.borrow(), path::field(name));
        let tag = self.name.map(|name| Tag { name, owner: self.owner.path.clone(), taken: Rc::clone(self.tagged) });
        seed.deserialize(Probe { tag, ..self.owner.at(path) })
    }
}

/// An enum with its variant of this run.
pub(super) struct VariantChoice {
    pub(super) probe: Probe,
    pub(super) name: &'static str,
}

impl<'de> EnumAccess<'de> for VariantChoice {
    type Error = Rejection;
    type Variant = Variant;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Variant), Rejection> {
        let name: StrDeserializer<'_, Rejection> = StrDeserializer::new(self.name);
        Ok((seed.deserialize(name)?, Variant(self.probe)))
    }
}

/// What a variant holds.
pub(super) struct Variant(Probe);

impl<'de> VariantAccess<'de> for Variant {
    type Error = Rejection;

    fn unit_variant(self) -> Result<(), Rejection> {
        self.0.asked("unit")
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Rejection> {
        self.0.newtype_variant(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Rejection> {
        self.0.tuple_variant(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        self.0.struct_variant(names, visitor)
    }
}
