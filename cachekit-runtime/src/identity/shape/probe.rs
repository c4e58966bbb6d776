//! The deserializer that a type is run against: it answers every question with a probe and writes down the question.

use super::{
    Opaque,
    access::{EntryAccess, FieldAccess, ItemAccess, NoEntries, VariantChoice},
    path,
    plan::Plan,
    rejection::Rejection,
    run::{Exploration, Place},
};
use serde::de::{DeserializeSeed, Deserializer, Visitor};
use std::{cell::Cell, cell::RefCell, fmt, rc::Rc};

/// One place of a value.
pub(super) struct Probe {
    pub(super) exploration: Rc<Exploration>,
    pub(super) path: String,
    pub(super) depth: usize,
    /// This is a field of that struct.
    pub(super) tag: Option<Tag>,
}

/// A field that may be the tag of an adjacently tagged enum: an enum with the name of the struct that it is in. Its variant says what the fields
/// after it hold, so it belongs to their paths.
#[derive(Clone)]
pub(super) struct Tag {
    pub(super) name: &'static str,
    pub(super) owner: String,
    pub(super) taken: Rc<RefCell<String>>,
}

impl Tag {
    fn is_taken(&self) -> bool {
        !self.taken.borrow().is_empty()
    }
}

/// Texts that types want to be made of: numbers, ids, dates, addresses, codes.
const TEXTS: [&str; 18] = [
    "",
    "0",
    "a",
    "00000000-0000-0000-0000-000000000000",
    "1970-01-01",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "00:00:00",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "10.0.0.0/8",
    "http://a/",
    "a@b.cd",
    "1.0.0",
    "UTC",
    "{}",
];

/// Ids, hashes and addresses have fixed lengths.
const ZEROS: [u8; 64] = [0; 64];
const BYTES: [usize; 9] = [0, 1, 4, 8, 12, 16, 20, 32, 64];

impl Probe {
    pub(super) fn child(&self, segment: &str) -> Probe {
        self.at(format!("{}{segment}", self.path))
    }

    pub(super) fn at(&self, path: String) -> Probe {
        Probe { exploration: Rc::clone(&self.exploration), path, depth: self.depth + 1, tag: None }
    }

    /// Writes down what is asked for here.
    pub(super) fn asked(&self, fact: impl Into<String>) -> Result<(), Rejection> {
        self.exploration.step(self.depth)?;
        self.exploration.note(&self.path, fact);
        Ok(())
    }

    /// A place with a choice, for what `V` makes.
    fn place<V>(&self, plan: impl FnOnce() -> Plan) -> Place {
        self.place_at::<V>(&self.path, plan)
    }

    fn place_at<V>(&self, path: &str, plan: impl FnOnce() -> Plan) -> Place {
        let place = self.exploration.place(path, typeid::of::<V>(), plan);
        self.exploration.visit(&place);
        place
    }

    /// The culprit of a value whose parts all lie below it.
    pub(super) fn whole(&self) -> Option<(usize, String)> {
        Some((0, self.path.clone()))
    }

    /// A simple value, made of one probe after another until one pleases.
    fn leaf<'de, V: Visitor<'de>, P: Copy>(
        self,
        kind: &str,
        probes: &[P],
        visitor: V,
        feed: impl FnOnce(V, P) -> Result<V::Value, Rejection>,
    ) -> Result<V::Value, Rejection> {
        self.asked(kind)?;
        let place = self.place::<V>(|| Plan::one_of(probes.len()));
        let chosen = self.exploration.with(&place, |plan| match plan {
            Plan::OneOf { chosen, .. } => *chosen,
            _ => 0,
        });
        let probe = probes.get(chosen.unwrap_or(0)).or(probes.first());
        match probe {
            Some(probe) => self.exploration.end_leaf(place, feed(visitor, *probe)),
            None => Err(Rejection::ours("no probe")),
        }
    }

    fn items<'de, V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Rejection> {
        let place = self.place::<V>(|| Plan::Fixed { length, reached: 0 });
        let result = visitor.visit_seq(ItemAccess::new(&self, &place, length));
        self.exploration.end(&place, self.whole(), result)
    }

    fn how_many(&self, place: &Place) -> usize {
        let length = self.exploration.with(place, |plan| match plan {
            Plan::Many { length, is_short, .. } => {
                *is_short = false;
                *length
            }
            _ => 0,
        });
        length.unwrap_or(0)
    }

    /// The fields of a struct or of a variant.
    fn fields<'de, V: Visitor<'de>>(
        self,
        owner: Option<&'static str>,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        let place = self.place::<V>(|| Plan::fields(names.len()));
        let tagged = Rc::new(RefCell::new(String::new()));
        let field_path = |field: usize| {
            let name = names.get(field).copied().unwrap_or_default();
            format!("{}{}{}", self.path, tagged.borrow(), path::field(name))
        };
        let Some(order) = self.exploration.order(&place, field_path) else {
            let result = visitor.visit_map(NoEntries);
            let said = result.as_ref().map_or_else(|rejection| rejection.text.as_str(), |_| "a value");
            self.exploration.note(&self.path, format!("without fields: {said}"));
            return result.map_err(|rejection| Rejection { is_noted: true, is_settled: true, ..rejection });
        };
        let (fed, has_value) = (Cell::new(None), Cell::new(false));
        let access = FieldAccess {
            owner: &self,
            place: &place,
            name: owner,
            names,
            order: order.into_iter(),
            fed: &fed,
            has_value: &has_value,
            tagged: &tagged,
        };
        let mut result = visitor.visit_map(access);
        if let (Err(rejection), Some(field), false) = (&mut result, fed.get(), has_value.get())
            && rejection.text.starts_with("twice ")
        {
            (rejection.is_noted, rejection.is_settled) = (true, true);
            self.exploration.note(&self.path, format!("alias {field}"));
            self.exploration.with(&place, |plan| match plan {
                Plan::Fields(fields) if !fields.aliases.contains(&field) => fields.aliases.push(field),
                _ => {}
            });
        }
        let culprit = fed.get().map(|field| (field, field_path(field)));
        self.exploration.end(&place, culprit, result)
    }

    /// Goes into a struct or enum that the visitor `V` makes. `times`: how often the run is inside of it already.
    fn enter<V, R>(
        self,
        fact: String,
        go_on: impl FnOnce(Probe, usize) -> Result<R, Rejection>,
    ) -> Result<R, Rejection> {
        let exploration = Rc::clone(&self.exploration);
        let node = exploration.node(typeid::of::<V>());
        self.asked(format!("is {node}"))?;
        let inside = Probe { tag: self.tag.clone(), ..self.at(path::node(node)) };
        exploration.note(&inside.path, fact);
        let times = exploration.enter(&self.path, node);
        let result = go_on(inside, times);
        exploration.leave();
        result
    }

    fn variant<'de, V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
        times: usize,
    ) -> Result<V::Value, Rejection> {
        let place = match times {
            _ if variants.is_empty() => return Err(Rejection::ours("no variant")),
            0 => self.place::<V>(|| Plan::variants(variants.len())),
            // Inside of itself only a variant that ends is of interest.
            1 => self.place_at::<V>(&format!("{}{}", self.path, path::AGAIN), || Plan::one_of(variants.len())),
            _ => return Err(Rejection::ours("contains itself")),
        };
        let variant_name = |variant: usize| variants.get(variant).copied().unwrap_or_default();
        let tag = self.tag.as_ref().filter(|tag| tag.name == name);
        let chosen = match self.exploration.with(&place, |plan| match plan {
            Plan::OneOf { chosen, .. } => Some(*chosen),
            _ => None,
        }) {
            Some(Some(chosen)) => chosen,
            _ => self.exploration.variant(&place, |variant| {
                let segment = path::variant(variant_name(variant));
                let beside = tag.map(|tag| format!("{}{segment}", tag.owner));
                [format!("{}{segment}", self.path)].into_iter().chain(beside).collect()
            }),
        };
        let segment = path::variant(variant_name(chosen));
        if let Some(tag) = tag {
            tag.taken.borrow_mut().clone_from(&segment);
        }
        let result = visitor.visit_enum(VariantChoice { probe: self.child(&segment), name: variant_name(chosen) });
        // Inside of itself the enum as a whole is always open.
        let culprit = if times == 0 { self.whole() } else { Some((chosen, format!("{}{segment}", self.path))) };
        self.exploration.end(&place, culprit, result)
    }
}

impl Probe {
    pub(super) fn tuple_variant<'de, V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Rejection> {
        self.asked(format!("tuple {length}"))?;
        self.items(length, visitor)
    }

    pub(super) fn struct_variant<'de, V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        self.asked(format!("struct{}", path::list(names)))?;
        self.fields(None, names, visitor)
    }

    pub(super) fn newtype_variant<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Rejection> {
        self.asked("newtype")?;
        seed.deserialize(self.child(path::NEWTYPE))
    }
}

macro_rules! leaves {
    ($($method:ident $visit:ident $kind:literal [$($probe:expr),*];)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
            self.leaf($kind, &[$($probe),*], visitor, |visitor, probe| visitor.$visit(probe))
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Rejection;

    fn is_human_readable(&self) -> bool {
        self.exploration.is_human_readable()
    }

    leaves! {
        deserialize_bool visit_bool "bool" [false, true];
        deserialize_i8 visit_i8 "i8" [0, 1];
        deserialize_i16 visit_i16 "i16" [0, 1];
        deserialize_i32 visit_i32 "i32" [0, 1];
        deserialize_i64 visit_i64 "i64" [0, 1];
        deserialize_i128 visit_i128 "i128" [0, 1];
        deserialize_u8 visit_u8 "u8" [0, 1];
        deserialize_u16 visit_u16 "u16" [0, 1];
        deserialize_u32 visit_u32 "u32" [0, 1];
        deserialize_u64 visit_u64 "u64" [0, 1];
        deserialize_u128 visit_u128 "u128" [0, 1];
        deserialize_f32 visit_f32 "f32" [0.0, 1.0];
        deserialize_f64 visit_f64 "f64" [0.0, 1.0];
        deserialize_char visit_char "char" ['a', '0'];
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.leaf("str", &TEXTS, visitor, |visitor, text| visitor.visit_str(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.leaf("identifier", &TEXTS, visitor, |visitor, text| visitor.visit_str(text))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.leaf("bytes", &BYTES, visitor, |visitor, length| visitor.visit_bytes(ZEROS.get(..length).unwrap_or(&[])))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.leaf("unit", &[()], visitor, |visitor, ()| visitor.visit_unit())
    }

    /// The type leaves it to the data what comes: its shape cannot be traced from here on.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        struct Expecting<'a, V>(&'a V);
        impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.expecting(f)
            }
        }
        let kind = format!("any {}", Expecting(&visitor));
        // What serde asks of the content of an adjacently tagged variant without any.
        let is_unit = kind.starts_with("any unit variant ") && self.tag.as_ref().is_some_and(Tag::is_taken);
        if !is_unit {
            self.exploration.set_opaque(Opaque::AsksForAny);
        }
        self.leaf(&kind, &[0, 1, 2], visitor, |visitor, kind| match kind {
            0 => visitor.visit_unit(),
            1 => visitor.visit_map(NoEntries),
            _ => visitor.visit_str(""),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.leaf("ignored", &[()], visitor, |visitor, ()| visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Rejection> {
        self.leaf(&path::named("unit struct", name), &[()], visitor, |visitor, ()| visitor.visit_unit())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        self.asked(path::named("newtype struct", name))?;
        visitor.visit_newtype_struct(self.child(path::NEWTYPE))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.asked("option")?;
        let place = self.place::<V>(|| Plan::Optional { is_some: true });
        let is_some = self.exploration.with(&place, |plan| matches!(plan, Plan::Optional { is_some: true }));
        let result =
            if is_some == Some(true) { visitor.visit_some(self.child(path::SOME)) } else { visitor.visit_none() };
        self.exploration.end(&place, self.whole(), result)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.asked("seq")?;
        let place = self.place::<V>(Plan::many);
        let length = self.how_many(&place);
        let result = visitor.visit_seq(ItemAccess::new(&self, &place, length));
        self.exploration.end(&place, self.whole(), result)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Rejection> {
        self.asked("map")?;
        let place = self.place::<V>(Plan::many);
        let length = self.how_many(&place);
        let result = visitor.visit_map(EntryAccess { owner: &self, place: &place, length, next: 0 });
        self.exploration.end(&place, self.whole(), result)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Rejection> {
        self.asked(format!("tuple {length}"))?;
        self.items(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        self.asked(format!("{} {length}", path::named("tuple struct", name)))?;
        self.items(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        let fact = format!("{}{}", path::named("struct", name), path::list(fields));
        self.enter::<V, _>(fact, |inside, times| match times {
            0 => inside.fields(Some(name), fields, visitor),
            _ => Err(Rejection::ours("contains itself")),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Rejection> {
        let fact = format!("{}{}", path::named("enum", name), path::list(variants));
        self.enter::<V, _>(fact, |inside, times| inside.variant(name, variants, visitor, times))
    }
}
