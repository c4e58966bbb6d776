//! Reads the text of a key back into a [`Tree`].

use super::{
    escape,
    tree::{Content, NAMELESS, Tree},
    write::DEPTH,
};

/// The tree that a text says; `None` for what is no text of a key, or only [the hash of one](super::is_hashed). Never panics.
#[must_use]
pub fn parse(text: &str) -> Option<Tree> {
    if super::is_hashed(text) {
        return None;
    }
    if text.is_empty() {
        return Some(Tree::Tuple(Vec::new()));
    }
    let mut reader = Reader { rest: text, depth: 0 };
    let first = reader.value()?;
    if reader.rest.is_empty() {
        return Some(first);
    }
    let mut parts = vec![first];
    while !reader.rest.is_empty() {
        reader.eat(",")?;
        parts.push(reader.value()?);
    }
    Some(Tree::Tuple(parts))
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

/// What stands between parentheses.
enum Inside {
    /// Values; a comma after the only one.
    Values(Vec<Tree>, bool),
    Fields(Vec<(String, Tree)>),
}

impl<'a> Reader<'a> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn try_eat(&mut self, token: &str) -> bool {
        self.eat(token).is_some()
    }

    /// Up to the first character of another kind.
    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        self.take_while(is_word)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let value = if self.depth > DEPTH { None } else { read(self) };
        self.depth -= 1;
        value
    }

    fn value(&mut self) -> Option<Tree> {
        match self.rest.chars().next()? {
            '"' => self.quoted('"').map(Tree::Text),
            '\'' => {
                let text = self.quoted('\'')?;
                let mut chars = text.chars();
                let c = chars.next()?;
                chars.next().is_none().then_some(Tree::Char(c))
            }
            '[' => self.sequence_or_map(),
            '(' => match self.parentheses()? {
                Inside::Values(values, has_comma) => (has_comma == (values.len() == 1)).then_some(Tree::Tuple(values)),
                Inside::Fields(fields) => Some(Tree::Fields(fields)),
            },
            '0'..='9' | '-' => {
                let number = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
                is_number(number).then(|| Tree::Number(number.to_owned()))
            }
            _ if self.rest.starts_with("x\"") => {
                self.eat("x")?;
                bytes(&self.quoted('"')?).map(Tree::Bytes)
            }
            _ => self.named(),
        }
    }

    /// A word that stands for a value, or a variant.
    fn named(&mut self) -> Option<Tree> {
        match self.word() {
            "" => None,
            "true" => Some(Tree::Bool(true)),
            "false" => Some(Tree::Bool(false)),
            "none" => Some(Tree::None),
            number @ ("nan" | "inf") => Some(Tree::Number(number.to_owned())),
            "some" => match self.parentheses()? {
                Inside::Values(values, false) => Some(Tree::Some(Box::new(only(values)?))),
                _ => None,
            },
            name => {
                let content = if self.rest.starts_with('(') { content(self.parentheses()?) } else { Content::Unit };
                Some(Tree::Variant(unescape(name)?, content))
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut quote_text = [0; 4];
        let quote_text = quote.encode_utf8(&mut quote_text);
        self.eat(quote_text)?;
        let inside = self.take_while(|c| c != quote);
        self.eat(quote_text)?;
        escape::unescape(inside)
    }

    fn sequence_or_map(&mut self) -> Option<Tree> {
        self.eat("[")?;
        if self.try_eat("]") {
            return Some(Tree::Sequence(Vec::new()));
        }
        if self.try_eat(":]") {
            return Some(Tree::Map(Vec::new()));
        }
        self.deeper(|reader| {
            let first = reader.value()?;
            if !reader.try_eat(":") {
                let mut values = vec![first];
                while !reader.try_eat("]") {
                    reader.eat(",")?;
                    values.push(reader.value()?);
                }
                return Some(Tree::Sequence(values));
            }
            let mut entries = vec![(first, reader.value()?)];
            while !reader.try_eat("]") {
                reader.eat(",")?;
                let key = reader.value()?;
                reader.eat(":")?;
                entries.push((key, reader.value()?));
            }
            Some(Tree::Map(entries))
        })
    }

    fn parentheses(&mut self) -> Option<Inside> {
        self.eat("(")?;
        if self.try_eat(")") {
            return Some(Inside::Values(Vec::new(), false));
        }
        if self.try_eat("=)") {
            return Some(Inside::Fields(Vec::new()));
        }
        self.deeper(|reader| if reader.is_field() { reader.fields() } else { reader.values() })
    }

    fn is_field(&self) -> bool {
        self.rest.trim_start_matches(is_word).starts_with('=')
    }

    fn fields(&mut self) -> Option<Inside> {
        let mut fields = Vec::new();
        loop {
            let name = unescape(self.word())?;
            self.eat("=")?;
            fields.push((name, self.value()?));
            if self.try_eat(")") {
                return Some(Inside::Fields(fields));
            }
            self.eat(",")?;
        }
    }

    fn values(&mut self) -> Option<Inside> {
        let mut values = vec![self.value()?];
        if self.try_eat(",)") {
            return Some(Inside::Values(values, true));
        }
        while !self.try_eat(")") {
            self.eat(",")?;
            values.push(self.value()?);
        }
        Some(Inside::Values(values, false))
    }
}

fn content(inside: Inside) -> Content {
    match inside {
        Inside::Fields(fields) => Content::Fields(fields),
        Inside::Values(values, has_comma) => match <[Tree; 1]>::try_from(values) {
            Ok([value]) if !has_comma => Content::Newtype(Box::new(value)),
            Ok(values) => Content::Tuple(values.into()),
            Err(values) => Content::Tuple(values),
        },
    }
}

fn only(values: Vec<Tree>) -> Option<Tree> {
    let [value] = <[Tree; 1]>::try_from(values).ok()?;
    Some(value)
}

fn is_word(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '%')
}

fn unescape(name: &str) -> Option<String> {
    match name {
        "" => None,
        NAMELESS => Some(String::new()),
        name => escape::unescape(name),
    }
}

fn is_number(text: &str) -> bool {
    text == "-inf" || (text.ends_with(|c: char| c.is_ascii_digit()) && text.parse::<f64>().is_ok())
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
