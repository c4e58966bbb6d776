//! Rust text with everything that is not code blanked, so that a rule about code does not stumble over prose.

/// The text with comments, strings and character literals replaced by blanks; lines keep their numbers and columns.
pub(crate) fn only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        match literal_end(&chars, at) {
            Some(end) => {
                out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out
}

/// Where the comment or literal ends that begins at `at`, if one does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let next = |ahead: usize| chars.get(at + ahead).copied();
    match (chars[at], next(1)) {
        ('/', Some('/')) => Some(find(chars, at, |rest| rest[0] == '\n', 0)),
        ('/', Some('*')) => Some(block_comment_end(chars, at)),
        ('"', _) => Some(quoted_end(chars, at, '"')),
        ('r', Some('"' | '#')) if starts_raw_string(chars, at) => Some(raw_string_end(chars, at)),
        ('\'', Some('\\')) => Some(quoted_end(chars, at, '\'')),
        ('\'', Some(_)) if next(2) == Some('\'') => Some(at + 3),
        _ => None,
    }
}

/// The first place from `from` on where the test holds, plus `extra`; else the end.
fn find(chars: &[char], from: usize, test: impl Fn(&[char]) -> bool, extra: usize) -> usize {
    (from..chars.len()).find(|&at| test(&chars[at..])).map_or(chars.len(), |at| at + extra)
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Whether this `r` begins a raw string and is not the end of a name or a raw identifier.
fn starts_raw_string(chars: &[char], at: usize) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let before = chars[..at].iter().rev().take_while(|&&c| part_of_name(c)).count();
    let prefixed = before == 1 && matches!(chars[at - 1], 'b' | 'c');
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    (before == 0 || prefixed) && chars.get(at + 1 + hashes) == Some(&'"')
}

fn raw_string_end(chars: &[char], start: usize) -> usize {
    let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let closes =
        |rest: &[char]| rest[0] == '"' && rest[1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
    find(chars, start + hashes + 2, closes, hashes + 1)
}

/// The lines of a blanked text in which `word` stands as a whole word, followed by one of `after` if any are given.
pub(crate) fn lines_with(code: &str, word: &str, after: &[char]) -> Vec<usize> {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let hit = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let rest = line[at + word.len()..].trim_start();
            let whole = !line[..at].ends_with(part_of_name) && !line[at + word.len()..].starts_with(part_of_name);
            whole && (after.is_empty() || rest.starts_with(after))
        })
    };
    code.lines().enumerate().filter(|(_, line)| hit(line)).map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(text: &str, expected: &str) {
        assert_eq!(only(text), expected);
    }

    #[test]
    fn comments_are_blanked_nested_ones_too() {
        becomes("a // b\nc", "a     \nc");
        becomes("a /* b /* c */ d */ e", "a                   e");
        becomes("/// doc\nfn", "       \nfn");
    }

    #[test]
    fn strings_are_blanked_and_keep_their_lines() {
        becomes(r#"a("b\"c") d"#, "a(      ) d");
        becomes("a(\"x\ny\") b", "a(  \n  ) b");
        becomes(r###"a(r#"b"c"#) d"###, "a(        ) d");
        becomes(r#"a(br"b\") d"#, "a(b     ) d");
        becomes("\"open", "     ");
    }

    #[test]
    fn names_lifetimes_and_raw_identifiers_stay() {
        becomes("r#fn for bar", "r#fn for bar");
        becomes("&'a str, &'static str", "&'a str, &'static str");
        becomes("var\"x\"", "var   ");
    }

    #[test]
    fn character_literals_are_blanked() {
        becomes(r#"a == '"' && b == '\'' && c"#, "a ==     && b ==      && c");
        becomes("f('/', '/')", "f(   ,    )");
    }

    #[test]
    fn words_are_whole() {
        let code = "todo!()\nmytodo!()\ntodo_list!()\ntodo ! [1]\nlet todo = 1;\n";
        assert_eq!(lines_with(code, "todo", &['!']), [1, 4]);
        assert_eq!(lines_with(code, "todo", &[]), [1, 4, 5]);
    }
}
