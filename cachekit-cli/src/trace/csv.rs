//! A column of values between commas (RFC 4180): quoted ones may have commas, quotes and line breaks.

use super::{
    Sink,
    input::{Input, LONGEST},
};
use std::io::{self, BufRead};

/// What a column is called that has the keys, where nobody says so.
const USUAL: [&str; 5] = ["key", "url", "id", "object_id", "obj_id"];

pub(super) fn read(input: &mut Input, column: Option<&str>, sink: &mut Sink<'_>) -> io::Result<u64> {
    let mut row = Row::default();
    if !row.read(input)? {
        return Ok(0);
    }
    let at = place(&row, column)?;
    let mut skipped = 0;
    while row.read(input)? {
        match row.field(at) {
            Some(key) if !key.is_empty() => {
                if !sink(key)? {
                    break;
                }
            }
            // A blank line is no row.
            _ if row.is_blank() => {}
            _ => skipped += 1,
        }
    }
    Ok(skipped)
}

/// Which column has the keys.
fn place(header: &Row, column: Option<&str>) -> io::Result<usize> {
    let names: Vec<String> = header.fields().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    let find = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let found = match column {
        Some(column) => {
            find(column).or_else(|| column.parse::<usize>().ok()?.checked_sub(1).filter(|at| *at < names.len()))
        }
        None if names.len() == 1 => Some(0),
        None => USUAL.iter().find_map(|name| find(name)),
    };
    let which = column.map_or_else(
        || "which column has the keys is not known".to_owned(),
        |column| format!("there is no column {column:?}"),
    );
    found.ok_or_else(|| io::Error::other(format!("{which}: say `--column` with one of {}", names.join(", "))))
}

/// The fields of a row, one behind the other.
#[derive(Default)]
struct Row {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Row {
    fn field(&self, at: usize) -> Option<&[u8]> {
        let begin = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        self.text.get(begin..*self.ends.get(at)?)
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).filter_map(|at| self.field(at))
    }

    fn is_blank(&self) -> bool {
        self.ends.len() == 1 && self.text.is_empty()
    }

    /// Reads the next row; `false`: there is none.
    fn read(&mut self, input: &mut Input) -> io::Result<bool> {
        self.text.clear();
        self.ends.clear();
        let (mut is_quoted, mut was_quote, mut is_any) = (false, false, false);
        loop {
            let some = input.fill_buf()?;
            if some.is_empty() {
                if is_any {
                    self.end_row();
                }
                return Ok(is_any);
            }
            is_any = true;
            let mut used = 0;
            for byte in some {
                used += 1;
                match byte {
                    b'"' if is_quoted => (is_quoted, was_quote) = (false, true),
                    // Two in a row within quotes are one.
                    b'"' if was_quote => {
                        self.text.push(b'"');
                        (is_quoted, was_quote) = (true, false);
                    }
                    b'"' if self.is_at_begin() => is_quoted = true,
                    b',' if !is_quoted => {
                        self.ends.push(self.text.len());
                        was_quote = false;
                    }
                    b'\n' if !is_quoted => {
                        input.consume(used);
                        self.end_row();
                        return Ok(true);
                    }
                    byte => {
                        self.text.push(*byte);
                        was_quote = false;
                    }
                }
            }
            input.consume(used);
            // Most likely a quote was not closed.
            if self.text.len() > LONGEST {
                return Err(io::Error::other("a row is longer than 16 MiB: a quote is not closed, or this is no CSV"));
            }
        }
    }

    fn is_at_begin(&self) -> bool {
        self.text.len() == self.ends.last().copied().unwrap_or(0)
    }

    fn end_row(&mut self) {
        let begin = self.ends.last().copied().unwrap_or(0);
        if self.text.len() > begin && self.text.last() == Some(&b'\r') {
            self.text.pop();
        }
        self.ends.push(self.text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn column(text: &str, column: Option<&str>) -> io::Result<(Vec<String>, u64)> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        let mut keys = Vec::new();
        let skipped = read(&mut Input::open(file.path())?, column, &mut |key| {
            keys.push(String::from_utf8_lossy(key).into_owned());
            Ok(true)
        })?;
        Ok((keys, skipped))
    }

    #[test]
    fn quotes_commas_and_line_breaks_are_those_of_the_standard() {
        let text = "time,key,size\r\n1,\"a,b\",3\r\n2,\"say \"\"x\"\"\ntwice\",4\n\n3,,5\n4,plain,6";
        let (keys, skipped) = column(text, None).unwrap();
        assert_eq!((keys, skipped), (vec!["a,b".to_owned(), "say \"x\"\ntwice".to_owned(), "plain".to_owned()], 1));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_said() {
        let text = format!("key\na\n\"{}", "x\n".repeat(LONGEST / 2 + 1));
        assert!(column(&text, None).unwrap_err().to_string().contains("a quote is not closed"));
    }

    #[test]
    fn a_column_is_named_or_counted() {
        let text = "time,object,size\n1,a,3\n2,b,4\n";
        assert_eq!(column(text, Some("object")).unwrap().0, ["a", "b"]);
        assert_eq!(column(text, Some("3")).unwrap().0, ["3", "4"]);
        for (wanted, said) in
            [(Some("key"), "no column \"key\": say `--column` with one of time, object, size"), (None, "not known")]
        {
            assert!(column(text, wanted).unwrap_err().to_string().contains(said));
        }
    }
}
