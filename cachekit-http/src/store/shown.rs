//! What operators see of what is stored.

use super::Stored;
use http::HeaderMap;
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeStruct},
};
use std::{borrow::Cow, fmt};

/// What it is, with nothing of what it says: `200, 5120 bytes`.
impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stored::Response(entry) => write!(f, "{}, {} bytes", entry.head.status.as_u16(), entry.body.len()),
            Stored::Recipe(recipe) => {
                let names: Vec<&str> = recipe.names.iter().map(http::HeaderName::as_str).collect();
                write!(f, "varies by {}", names.join(", "))
            }
        }
    }
}

/// For people: all of it, bytes that are no text replaced. Nothing is read from this.
impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Stored::Response(entry) => {
                let mut response = serializer.serialize_struct("Response", 3)?;
                response.serialize_field("status", &entry.head.status.as_u16())?;
                response.serialize_field("fields", &Fields(&entry.head.fields))?;
                response.serialize_field("body", &text(&entry.body))?;
                response.end()
            }
            Stored::Recipe(recipe) => {
                let mut varies = serializer.serialize_struct("Recipe", 1)?;
                let names: Vec<&str> = recipe.names.iter().map(http::HeaderName::as_str).collect();
                varies.serialize_field("varies_by", &names)?;
                varies.end()
            }
        }
    }
}

struct Fields<'a>(&'a HeaderMap);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            fields.serialize_entry(name.as_str(), &text(value.as_bytes()))?;
        }
        fields.end()
    }
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
