//! Which variant of a response a request selects (RFC 9111 §4.1).

use crate::fields::{
    list::members,
    preferences::{self, Preference},
};
use http::{HeaderMap, HeaderName, header};
use std::fmt::Write as _;

/// How the value of a request field is written for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normaliser {
    /// Lines joined, no white space around commas. That changes the meaning of no list, and is what every field gets.
    Combined,
    /// A list of preferences: in lower case, by weight. The order of members of one weight is not significant (RFC 9110 §12.5.3, §12.5.4).
    Preferences,
    /// As before, but members of one weight in their order. For handlers that take it for a preference, against the RFC.
    Ordered,
    /// The first of these that the client accepts, else nothing. For handlers that choose in this order.
    FirstOf(Vec<String>),
}

/// The normalisers by field, and whether languages are selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalisers {
    by_field: Vec<(HeaderName, Normaliser)>,
    selects_language: bool,
}

impl Default for Normalisers {
    /// `Accept-Encoding` and `Accept-Language` as [preferences](Normaliser::Preferences).
    fn default() -> Self {
        let of = |name| (name, Normaliser::Preferences);
        Normalisers {
            by_field: vec![of(header::ACCEPT_ENCODING), of(header::ACCEPT_LANGUAGE)],
            selects_language: false,
        }
    }
}

/// The request fields that a response depends on, with what they were, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Vec<(HeaderName, Option<String>)>);

impl Selection {
    /// Of these names and normalised values; `None`: the request did not have the field.
    #[must_use]
    pub fn new(fields: Vec<(HeaderName, Option<String>)>) -> Self {
        Selection(fields)
    }

    /// Its names and values.
    pub fn fields(&self) -> impl Iterator<Item = (&HeaderName, Option<&str>)> {
        self.0.iter().map(|(name, value)| (name, value.as_deref()))
    }

    /// The names alone.
    #[must_use]
    pub fn names(&self) -> Vec<HeaderName> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Whether the response depends on nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a part of a key. Different selections are written differently.
    #[must_use]
    pub fn to_key(&self) -> String {
        let mut key = String::new();
        for (name, value) in &self.0 {
            // A name has no `=`, and an escaped value no line feed.
            let _ = match value {
                Some(value) => write!(key, "\n{name}={value}"),
                None => write!(key, "\n{name}"),
            };
        }
        key
    }

    /// The same, but selected by the language of the response; `None` where that is not what it depends on, or not known.
    fn by_language(&self, language: &str) -> Option<Selection> {
        let mut selection = self.clone();
        let (_, value) = selection.0.iter_mut().find(|(name, _)| *name == header::ACCEPT_LANGUAGE)?;
        *value = Some(format!("={}", escape(language.as_bytes())));
        Some(selection)
    }
}

impl Normalisers {
    /// Sets that of a field.
    pub fn set(&mut self, field: HeaderName, normaliser: Normaliser) {
        self.by_field.retain(|(known, _)| *known != field);
        self.by_field.push((field, normaliser));
    }

    /// Lets a response in the one language that a client prefers to all others answer, whatever else the client and the stored request had in
    /// `Accept-Language`.
    pub fn select_language(&mut self, selects: bool) {
        self.selects_language = selects;
    }

    /// What a request selects by these fields.
    #[must_use]
    pub fn select(&self, names: &[HeaderName], request: &HeaderMap) -> Selection {
        Selection(names.iter().map(|name| (name.clone(), self.value(name, request))).collect())
    }

    /// A second selection under which a response is found: by its language.
    #[must_use]
    pub fn by_language_of(&self, selection: &Selection, response: &HeaderMap) -> Option<Selection> {
        let mut languages = members(response, &header::CONTENT_LANGUAGE).filter(|_| self.selects_language);
        let (language, None) = (languages.next()?, languages.next()) else { return None };
        selection.by_language(&str::from_utf8(language).ok()?.to_ascii_lowercase())
    }

    /// The second selection of a request: by the language that it prefers to all others.
    #[must_use]
    pub fn by_preferred_language(&self, selection: &Selection, request: &HeaderMap) -> Option<Selection> {
        let preferences = preferences::of(request, &header::ACCEPT_LANGUAGE).filter(|_| self.selects_language)?;
        let mut preferred = preferences.iter();
        let first = preferred.next().filter(|first| first.weight > 0 && first.name != "*")?;
        let is_alone = preferred.next().is_none_or(|second| second.weight < first.weight);
        if is_alone { selection.by_language(&first.name) } else { None }
    }

    /// The normalised value of a field; `None` where the request does not have it.
    fn value(&self, name: &HeaderName, request: &HeaderMap) -> Option<String> {
        if !request.contains_key(name) {
            return None;
        }
        let normaliser = self.by_field.iter().find(|(known, _)| known == name).map(|(_, normaliser)| normaliser);
        let value = match normaliser.unwrap_or(&Normaliser::Combined) {
            Normaliser::Combined => members(request, name).collect::<Vec<_>>().join(&b","[..]),
            Normaliser::Ordered => written(preferences::of(request, name)?),
            Normaliser::Preferences => {
                let mut preferences = preferences::of(request, name)?;
                preferences.sort_by(|one, two| two.weight.cmp(&one.weight).then_with(|| one.name.cmp(&two.name)));
                written(preferences)
            }
            Normaliser::FirstOf(offered) => {
                let preferences = preferences::of(request, name)?;
                let weight =
                    |wanted: &str| preferences.iter().find(|known| known.name == wanted).map(|known| known.weight);
                let accepts = |name: &&String| weight(name).or_else(|| weight("*")).is_some_and(|weight| weight > 0);
                offered.iter().find(accepts).cloned().unwrap_or_default().into_bytes()
            }
        };
        Some(escape(&value))
    }
}

fn written(preferences: Vec<Preference>) -> Vec<u8> {
    let one = |preference: Preference| match preference.weight {
        1000 => preference.name,
        // No name has two semicolons outside of quotes, so a weight is no parameter.
        weight => format!("{};;q={weight}", preference.name),
    };
    preferences.into_iter().map(one).collect::<Vec<_>>().join(",").into_bytes()
}

/// Bytes as text without white space other than blanks: the value comes from a client, and becomes a part of a key. A first `=` is escaped too: it
/// marks what was selected otherwise.
fn escape(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for (at, byte) in value.iter().enumerate() {
        if (b' '..=b'~').contains(byte) && *byte != b'%' && !(at == 0 && *byte == b'=') {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn request(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn key(normalisers: &Normalisers, lines: &[(&'static str, &'static str)]) -> String {
        let names = ["accept-language", "foo"].map(HeaderName::from_static);
        normalisers.select(&names, &request(lines)).to_key()
    }

    #[test]
    fn lists_are_equal_however_they_are_written() {
        // RFC 9111 §4.1: white space, and lines that are combined.
        let plain = Normalisers::default();
        let one = key(&plain, &[("foo", "1, 2")]);
        assert_eq!(one, "\naccept-language\nfoo=1,2");
        assert_eq!(one, key(&plain, &[("foo", "1"), ("foo", "2")]));
        assert_eq!(one, key(&plain, &[("foo", " 1,2 ")]));
        assert_ne!(one, key(&plain, &[("foo", "2, 1")]));
        assert_ne!(key(&plain, &[("foo", "")]), key(&plain, &[]), "an empty field is not an absent one");
        assert_ne!(key(&plain, &[("foo", "a")]), key(&plain, &[("foo", "A")]));
    }

    #[test]
    fn languages_are_equal_in_any_case_and_by_weight() {
        let mut normalisers = Normalisers::default();
        let one = key(&normalisers, &[("accept-language", "en, de;q=0.5")]);
        assert_eq!(one, key(&normalisers, &[("accept-language", " eN ;q=1.0,   De; q=0.500")]));
        assert_eq!(one, key(&normalisers, &[("accept-language", "de;q=0.5, en")]));
        let (there, back) = ([("accept-language", "en, de")], [("accept-language", "de, en")]);
        assert_eq!(key(&normalisers, &there), key(&normalisers, &back));
        normalisers.set(header::ACCEPT_LANGUAGE, Normaliser::Ordered);
        assert_ne!(key(&normalisers, &there), key(&normalisers, &back));
        normalisers.set(HeaderName::from_static("foo"), Normaliser::Preferences);
        assert_ne!(key(&normalisers, &[("foo", "a;q=1;q=500")]), key(&normalisers, &[("foo", "a;q=0.5")]));
    }

    #[test]
    fn the_first_that_is_offered_and_accepted_selects() {
        let mut normalisers = Normalisers::default();
        let offered = ["br", "gzip"].map(str::to_owned).to_vec();
        normalisers.set(header::ACCEPT_ENCODING, Normaliser::FirstOf(offered));
        for (line, expected) in [
            ("gzip, deflate, br", "br"),
            ("gzip;q=1, br;q=0", "gzip"),
            ("*", "br"),
            ("*;q=0", ""),
            ("identity", ""),
            ("br;q=0, *", "gzip"),
        ] {
            let selection = normalisers.select(&[header::ACCEPT_ENCODING], &request(&[("accept-encoding", line)]));
            assert_eq!(selection.to_key(), format!("\naccept-encoding={expected}"), "{line}");
        }
    }

    #[test]
    fn a_language_that_is_preferred_to_all_others_selects_a_response_in_it() {
        let mut normalisers = Normalisers::default();
        normalisers.select_language(true);
        let names = [header::ACCEPT_LANGUAGE];
        let stored = normalisers.select(&names, &request(&[("accept-language", "en, de")]));
        let stored = normalisers.by_language_of(&stored, &request(&[("content-language", "DE")])).unwrap();
        let asked = |line| {
            let request = request(&[("accept-language", line)]);
            normalisers.by_preferred_language(&normalisers.select(&names, &request), &request)
        };
        assert_eq!(asked("fr;q=0.5, de;q=1.0"), Some(stored));
        assert_eq!(asked("fr, de"), None, "two are preferred");
        assert_eq!(asked("*"), None);
        assert_ne!(asked("fr"), asked("de"));
    }

    #[test]
    fn no_value_can_pretend_to_be_another_field() {
        let names = ["a", "b"].map(HeaderName::from_static);
        let mut evil = HeaderMap::new();
        evil.insert("a", HeaderValue::from_bytes(b"1\tb=2%0a\xff").unwrap());
        evil.insert("b", HeaderValue::from_static("=de"));
        let key = Normalisers::default().select(&names, &evil).to_key();
        assert_eq!(key, "\na=1%09b=2%250a%ff\nb=%3dde");
    }
}
