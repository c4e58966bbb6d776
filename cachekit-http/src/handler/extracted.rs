//! Extractors whose content says all that a handler learns from them.

use axum::{
    Form, Json,
    extract::{OriginalUri, Path, Query, RawQuery},
};
use http::{Method, Uri};

/// An extractor whose content is all that the handler learns of a request through it, so that its content is a part of the key.
///
/// `Path`, `Query`, `Json`, `Form`, `RawQuery`, `OriginalUri`, `Uri` and `Method` are, and options of them. What tells who asks (`HeaderMap`, cookies, an extractor that
/// authenticates) is none, so that nobody gets by accident what was made for somebody else: it is named in `key`, in `http(private = …)` or in `skip`.
///
/// For an extractor of your own whose content is the same for everybody who sends the same:
///
/// ```
/// use cachekit_http::Extracted;
///
/// struct Page(u32);
///
/// impl Extracted for Page {
///     type Content<'a> = u32;
///     fn content(&self) -> u32 {
///         self.0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "what a handler learns from `{Self}` may be different for each client",
    label = "not a part of the key by itself",
    note = "name what the response depends on, `key = (…)`, or whom it is for, `http(private = …)`, or leave it out of the key with `skip(…)`",
    note = "an extractor of yours that is the same for everybody implements `cachekit::http::Extracted`"
)]
pub trait Extracted {
    /// What is in it; to be a part of a key it is `Serialize`.
    type Content<'a>
    where
        Self: 'a;

    /// What is in it.
    fn content(&self) -> Self::Content<'_>;
}

macro_rules! transparent {
    ($($name:ident),*) => {$(
        impl<T> Extracted for $name<T> {
            type Content<'a> = &'a T where T: 'a;
            fn content(&self) -> &T {
                &self.0
            }
        }
    )*};
}

transparent!(Path, Query, Json, Form);

impl<E: Extracted> Extracted for Option<E> {
    type Content<'a>
        = Option<E::Content<'a>>
    where
        E: 'a;
    fn content(&self) -> Option<E::Content<'_>> {
        self.as_ref().map(E::content)
    }
}

impl Extracted for RawQuery {
    type Content<'a> = Option<&'a str>;
    fn content(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl Extracted for OriginalUri {
    type Content<'a> = String;
    fn content(&self) -> String {
        self.0.to_string()
    }
}

impl Extracted for Uri {
    type Content<'a> = String;
    fn content(&self) -> String {
        self.to_string()
    }
}

impl Extracted for Method {
    type Content<'a> = &'a str;
    fn content(&self) -> &str {
        self.as_str()
    }
}
