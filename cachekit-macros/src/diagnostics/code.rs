//! Tokens as a user would have written them, near enough to be quoted in a message.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

const LONGEST: usize = 60;

pub(crate) fn code(tokens: &dyn ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    if text.chars().count() > LONGEST { format!("{}…", text.chars().take(LONGEST).collect::<String>()) } else { text }
}

fn write(tokens: TokenStream, text: &mut String) {
    // How many `<` of generics are open: those are written without spaces, comparisons with.
    let mut generics = 0_u32;
    let mut bars = 0_u32;
    let mut joined = true;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let call = text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '!' | '>'));
                let tight = joined || (call && group.delimiter() != Delimiter::Brace);
                if !tight {
                    text.push(' ');
                }
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
                joined = false;
            }
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                let path = text.ends_with(|c: char| c.is_alphanumeric() || c == ':');
                let last_word = text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                let opens = c == '<'
                    && (text.is_empty() || text.ends_with("::") || path && last_word.starts_with(char::is_uppercase));
                let closes = c == '>' && generics > 0 && !text.ends_with('-');
                let closing_bar = c == '|' && bars % 2 == 1;
                let tight =
                    opens || closes || closing_bar || matches!(c, ',' | ';' | '.' | '?' | ':') || (c == '!' && path);
                if !joined && !tight {
                    text.push(' ');
                }
                text.push(c);
                generics = generics.saturating_add(u32::from(opens)).saturating_sub(u32::from(closes));
                bars += u32::from(c == '|');
                joined = punct.spacing() == Spacing::Joint
                    || opens
                    || (c == '|' && !closing_bar)
                    || matches!(c, '.' | '&' | '!' | '\'' | '*' | '-')
                        && !text.trim_end_matches(c).ends_with(char::is_alphanumeric)
                    || c == '.'
                    || text.ends_with("::");
            }
            word => {
                if !joined {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
                joined = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn as_written() {
        for text in [
            "id > 3",
            "id < 3",
            "Option<&str>",
            "Cow<'a, str>",
            "|id| id",
            "user(id, name)",
            "repo.user(id)",
            "Lru::new()",
            "(u64, u64)",
            "[f64; 3]",
            "\"30s\"",
            "a::b::<C>(d)",
            "format!(\"x\")",
            "Result<Vec<u8>, E>",
        ] {
            let tokens: proc_macro2::TokenStream = text.parse().unwrap_or_default();
            assert_eq!(code(&tokens), text);
        }
    }
}
