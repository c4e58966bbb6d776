//! Targeted cache control (RFC 9213): dictionaries of structured fields (RFC 9651), which are parsed as a whole or ignored.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The value of a member, as far as cache directives have such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A boolean; a member without a value is true.
    Flag(bool),
    /// An integer.
    Integer(i64),
    /// A string or a token.
    Text(String),
    /// Anything else.
    Other,
}

/// The members of a field; `None` where it is absent, empty or no dictionary.
pub(super) fn dictionary(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<(String, Value)>> {
    // RFC 9651 §4.2: lines are joined before they are parsed.
    let lines: Vec<&[u8]> = fields.get_all(name).iter().map(http::HeaderValue::as_bytes).collect();
    let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().ok()?;
    if members.is_empty() {
        return None;
    }
    Some(members.into_iter().map(|(key, entry)| (String::from(key), value(entry))).collect())
}

fn value(entry: ListEntry) -> Value {
    let ListEntry::Item(item) = entry else { return Value::Other };
    match item.bare_item {
        BareItem::Boolean(flag) => Value::Flag(flag),
        BareItem::Integer(number) => Value::Integer(number.into()),
        BareItem::String(text) => Value::Text(text.into()),
        BareItem::Token(text) => Value::Text(text.into()),
        _ => Value::Other,
    }
}
