//! The annotated item, its bodies left as they are: a half-written one must not cost the user the editor's help.

use super::{Arg, arguments};
use crate::diagnostics::{Errors, shape};
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::parse::discouraged::Speculative as _;
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::{Attribute, Generics, Meta, Signature, Token, Type, Visibility, braced};

pub(crate) enum Item {
    Function(Box<FnItem>),
    Impl(Box<Block>),
    /// Reported already.
    Neither,
}

pub(crate) struct FnItem {
    /// Without `#[cache]`.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The brace group.
    pub(crate) body: TokenStream,
}

impl FnItem {
    /// The function as if it had never been annotated.
    pub(crate) fn plain(&self) -> TokenStream {
        let Self { attrs, vis, sig, body } = self;
        quote!(#(#attrs)* #vis #sig #body)
    }
}

pub(crate) struct Block {
    pub(crate) head: TokenStream,
    pub(crate) self_ty: Type,
    pub(crate) generics: Generics,
    /// `impl Trait for …`.
    pub(crate) of_trait: Option<Type>,
    /// On the block.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) parts: Vec<BlockPart>,
}

pub(crate) enum BlockPart {
    Cached(Vec<Arg>, Box<FnItem>),
    Other(TokenStream),
}

impl Block {
    pub(crate) fn plain(&self) -> TokenStream {
        let head = &self.head;
        let parts = self.parts.iter().map(|part| match part {
            BlockPart::Cached(_, function) => function.plain(),
            BlockPart::Other(tokens) => tokens.clone(),
        });
        quote!(#head { #(#parts)* })
    }
}

/// Reads the item that bears `#[attribute]`.
pub(crate) fn item(tokens: TokenStream, attribute: &str, errors: &mut Errors) -> Item {
    let read = |input: ParseStream<'_>| {
        let item = any_item(input, attribute, errors)?;
        // A statement's semicolon, or what a macro left behind, is not ours.
        let _: TokenStream = input.parse()?;
        Ok(item)
    };
    match read.parse2(tokens) {
        Ok(item) => item,
        Err(error) => {
            errors.push(error);
            Item::Neither
        }
    }
}

fn any_item(input: ParseStream<'_>, attribute: &str, errors: &mut Errors) -> syn::Result<Item> {
    let attrs = input.call(Attribute::parse_outer)?;
    if input.peek(Token![impl]) || (input.peek(Token![unsafe]) && input.peek2(Token![impl])) {
        return Ok(Item::Impl(Box::new(block(attrs, input, attribute, errors)?)));
    }
    let start = input.fork();
    match function(attrs, input, attribute, errors)? {
        Some(function) => Ok(Item::Function(Box::new(function))),
        None => {
            if !start_of_fn(&start) {
                errors.push(shape::wrong_item(attribute, &start));
            }
            Ok(Item::Neither)
        }
    }
}

fn start_of_fn(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    Visibility::parse(&fork).is_ok() && Signature::parse(&fork).is_ok()
}

/// `None` if it is something else (nothing is consumed then) or has no body (which is reported).
fn function(
    mut attrs: Vec<Attribute>,
    input: ParseStream<'_>,
    attribute: &str,
    errors: &mut Errors,
) -> syn::Result<Option<FnItem>> {
    let fork = input.fork();
    let Ok(vis) = Visibility::parse(&fork) else { return Ok(None) };
    let Ok(sig) = Signature::parse(&fork) else { return Ok(None) };
    input.advance_to(&fork);
    if !input.peek(syn::token::Brace) {
        errors.push(shape::no_body(attribute, &sig));
        return Ok(None);
    }
    let content;
    let brace = braced!(content in input);
    let inner: TokenStream = content.parse()?;
    let mut body = TokenStream::new();
    brace.surround(&mut body, |tokens| inner.to_tokens(tokens));
    for again in attrs.extract_if(.., |attr| is(attr, attribute)) {
        errors.push(shape::twice(attribute, &again));
    }
    Ok(Some(FnItem { attrs, vis, sig, body }))
}

/// Whatever path it is written with: `#[cache]`, `#[cachekit::cache]`, `#[renamed::cache]`.
fn is(attr: &Attribute, name: &str) -> bool {
    attr.path().segments.last().is_some_and(|segment| segment.ident == name)
}

fn block(
    mut attrs: Vec<Attribute>,
    input: ParseStream<'_>,
    attribute: &str,
    errors: &mut Errors,
) -> syn::Result<Block> {
    let unsafety: Option<Token![unsafe]> = input.parse()?;
    let impl_token: Token![impl] = input.parse()?;
    let mut generics: Generics =
        if input.peek(Token![<]) && !input.peek2(Token![<]) { input.parse()? } else { Generics::default() };
    let bang: Option<Token![!]> = input.parse()?;
    let first: Type = input.parse()?;
    let for_token: Option<Token![for]> = input.parse()?;
    let self_ty: Type = if for_token.is_some() { input.parse()? } else { first.clone() };
    generics.where_clause = input.parse()?;
    let trait_ = for_token.map(|for_token| quote!(#bang #first #for_token));
    let where_clause = &generics.where_clause;
    let head = quote!(#(#attrs)* #unsafety #impl_token #generics #trait_ #self_ty #where_clause);
    let content;
    braced!(content in input);
    let inner = content.call(Attribute::parse_inner)?;
    let mut parts = vec![BlockPart::Other(quote!(#(#inner)*))];
    while !content.is_empty() {
        parts.push(part(&content, attribute, errors)?);
    }
    attrs.retain(|attr| attr.path().is_ident("cfg"));
    let block = Block { head, self_ty, generics, of_trait: for_token.map(|_| first), cfgs: attrs, parts };
    if errors.is_empty()
        && attribute == "cache"
        && !block.parts.iter().any(|part| matches!(part, BlockPart::Cached(..)))
    {
        errors.push(shape::no_cached_method(&block));
    }
    Ok(block)
}

fn part(input: ParseStream<'_>, attribute: &str, errors: &mut Errors) -> syn::Result<BlockPart> {
    let mut attrs = input.call(Attribute::parse_outer)?;
    let mine = attrs.iter().position(|attr| is(attr, attribute)).map(|at| attrs.remove(at));
    let start = input.fork();
    let rest = |input: ParseStream<'_>| -> syn::Result<TokenStream> {
        // Up to the semicolon or to the brace group that ends an item of an impl block.
        let mut tokens = TokenStream::new();
        while !input.is_empty() {
            let tree: proc_macro2::TokenTree = input.parse()?;
            let ends = match &tree {
                proc_macro2::TokenTree::Punct(punct) => punct.as_char() == ';',
                proc_macro2::TokenTree::Group(group) => {
                    group.delimiter() == proc_macro2::Delimiter::Brace && !is_const(&tokens)
                }
                _ => false,
            };
            tokens.extend([tree]);
            if ends {
                break;
            }
        }
        Ok(tokens)
    };
    let Some(mine) = mine else {
        let tokens = rest(input)?;
        return Ok(BlockPart::Other(quote!(#(#attrs)* #tokens)));
    };
    let args = match &mine.meta {
        Meta::Path(_) => Vec::new(),
        Meta::List(list) => arguments(list.tokens.clone(), errors),
        Meta::NameValue(pair) => {
            errors.push(shape::name_value(&mine, pair));
            let tokens = rest(input)?;
            return Ok(BlockPart::Other(quote!(#(#attrs)* #tokens)));
        }
    };
    match function(attrs.clone(), input, attribute, errors)? {
        Some(function) => Ok(BlockPart::Cached(args, Box::new(function))),
        None => {
            if !start_of_fn(&start) {
                errors.push(shape::wrong_item(attribute, &start));
            }
            let tokens = rest(&start)?;
            input.advance_to(&start);
            Ok(BlockPart::Other(quote!(#(#attrs)* #tokens)))
        }
    }
}

/// `const X: T = { … };` ends at its semicolon, a `const fn` at its braces.
fn is_const(tokens: &TokenStream) -> bool {
    let mut words = tokens
        .clone()
        .into_iter()
        .map(|tree| tree.to_string())
        .skip_while(|word| word != "const" && word != "type" && word != "fn");
    matches!(words.next().as_deref(), Some("const" | "type"))
        && !words.next().is_some_and(|word| matches!(word.as_str(), "fn" | "async" | "unsafe" | "extern"))
}
