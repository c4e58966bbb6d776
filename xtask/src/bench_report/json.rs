//! Reading JSON, as far as the results of the benchmarks need it.

use std::iter::Peekable;
use std::str::Chars;

use crate::Result;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn parse(text: &str) -> Result<Value> {
        let mut reader = Reader { rest: text.chars().peekable() };
        let value = reader.value()?;
        reader.blanks();
        match reader.rest.next() {
            None => Ok(value),
            Some(other) => Err(format!("`{other}` after the end of the JSON value")),
        }
    }

    /// The member of this name; [`Value::Null`] where there is none.
    pub(crate) fn get(&self, name: &str) -> &Value {
        let Value::Object(members) = self else { return &Value::Null };
        members.iter().find(|(other, _)| other == name).map_or(&Value::Null, |(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        if let Value::Text(text) = self { text } else { "" }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        if let Value::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn is_true(&self) -> bool {
        *self == Value::Bool(true)
    }

    pub(crate) fn list(&self) -> &[Value] {
        if let Value::List(list) = self { list } else { &[] }
    }

    pub(crate) fn members(&self) -> &[(String, Value)] {
        if let Value::Object(members) = self { members } else { &[] }
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value> {
        self.blanks();
        match self.rest.peek() {
            Some('{') => self.object(),
            Some('[') => self.list(),
            Some('"') => self.text().map(Value::Text),
            Some(_) => self.word(),
            None => Err("the JSON ends too early".to_owned()),
        }
    }

    fn blanks(&mut self) {
        while self.rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
    }

    /// Takes this character, after blanks, if it comes next.
    fn comes(&mut self, expected: char) -> bool {
        self.blanks();
        self.rest.next_if_eq(&expected).is_some()
    }

    fn expect(&mut self, expected: char) -> Result {
        if self.comes(expected) {
            return Ok(());
        }
        let found = self.rest.peek().map_or("the end".to_owned(), |c| format!("`{c}`"));
        Err(format!("`{expected}` expected in the JSON, {found} found"))
    }

    fn object(&mut self) -> Result<Value> {
        self.expect('{')?;
        let mut members = Vec::new();
        if self.comes('}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.blanks();
            let name = self.text()?;
            self.expect(':')?;
            members.push((name, self.value()?));
            if !self.comes(',') {
                self.expect('}')?;
                return Ok(Value::Object(members));
            }
        }
    }

    fn list(&mut self) -> Result<Value> {
        self.expect('[')?;
        let mut values = Vec::new();
        if self.comes(']') {
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value()?);
            if !self.comes(',') {
                self.expect(']')?;
                return Ok(Value::List(values));
            }
        }
    }

    fn text(&mut self) -> Result<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or("a text in the JSON does not end")? {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        Ok(match self.rest.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('u') => {
                let digits: String = self.rest.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).map_err(|_| format!("`\\u{digits}` is no character"))?;
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => return Err(format!("`\\{}` is no escape of JSON", other.map_or(String::new(), String::from))),
        })
    }

    fn word(&mut self) -> Result<Value> {
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
            word.push(c);
        }
        match word.as_str() {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            number => number.parse().map(Value::Number).map_err(|_| format!("`{number}` is no value of JSON")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let value = Value::parse(r#" {"a": [1, -2.5e1, {}], "b": "x \"\u0041\"", "c": null, "d": true} "#).unwrap();
        assert_eq!(value.get("a").list()[1].number(), Some(-25.0));
        assert_eq!((value.get("b").text(), value.get("c"), value.get("x")), ("x \"A\"", &Value::Null, &Value::Null));
        assert!(value.get("d").is_true() && value.members().len() == 4);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for wrong in ["", "{", "[1,]", "{\"a\" 1}", "\"a", "nul", "[1] 2", r#""\x""#] {
            assert!(Value::parse(wrong).is_err(), "{wrong}");
        }
    }
}
