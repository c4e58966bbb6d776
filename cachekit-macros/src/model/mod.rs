//! What one `#[cache(…)]` says, in the macro's own terms.
//!
//! `args` reads tokens, `model` gives them meaning, `validate` judges combinations, `expand` writes code. A stage reads only what the stage before
//! it made: `expand` never looks at an attribute's tokens, and nothing in here knows how code is written.

mod associated;
mod batch;
mod build;
mod cache;
mod far;
mod form;
mod function;
#[cfg(feature = "axum")]
mod http;
mod invalidation;
mod names;
mod place;
mod size;
mod template;
mod units;
mod values;

pub(crate) use batch::{Batch, BatchArg};
use build::names_ident;
pub(crate) use build::{Given, impl_block, model, names_self};
pub(crate) use far::{Backend, Codec, Far, Format, Tiers};
pub(crate) use form::{Form, argument, borrowed_within, form, last, outlived, plain, unownable};
pub(crate) use function::function;
#[cfg(feature = "axum")]
pub(crate) use http::{KNOWN as HTTP_ARGUMENTS, is_accounted_for, is_state};
pub(crate) use invalidation::invalidation;
pub(crate) use names::{mentioned, mentions, uses};

use proc_macro2::{Span, TokenStream};
use std::time::Duration;
use syn::{Attribute, Expr, ExprClosure, Ident, LitStr, Pat, Path, Receiver, Signature, Type, Visibility};

/// An annotated function together with all that was said about its cache.
pub(crate) struct Model {
    /// Path of the facade: `::cachekit` unless `crate = …` says otherwise.
    pub(crate) krate: Path,
    pub(crate) function: Function,
    pub(crate) place: Place,
    pub(crate) companion: Companion,
    pub(crate) store: Store,
    pub(crate) key: Key,
    pub(crate) freshness: Freshness,
    pub(crate) outcome: Outcome,
    pub(crate) concurrency: Concurrency,
    pub(crate) tags: Vec<Template>,
    pub(crate) on_removal: Option<Expr>,
    /// `batch`: the elements of one parameter are cached one by one.
    pub(crate) batch: Option<Batch>,
    /// `http(…)`: a handler, whose responses are cached.
    #[cfg(feature = "axum")]
    pub(crate) http: Option<Box<Http>>,
    /// `scope = …`: what tells the states of a handler apart.
    #[cfg(feature = "axum")]
    pub(crate) scope: Option<Expr>,
    /// What `skip(…)` lists.
    #[cfg(feature = "axum")]
    pub(crate) skipped: Vec<Ident>,
}

/// What is said of the responses of a handler.
#[cfg(feature = "axum")]
pub(crate) struct Http {
    /// Fields of requests.
    pub(crate) vary: Vec<LitStr>,
    pub(crate) client: Option<HttpClient>,
    /// `etag = false`.
    pub(crate) no_etag: bool,
    /// Whom a response is for.
    pub(crate) private: Option<Expr>,
    pub(crate) statuses: Vec<syn::LitInt>,
    /// In bytes.
    pub(crate) max_body: Option<u64>,
    pub(crate) surrogate_keys: Vec<Template>,
}

/// What clients are told.
#[cfg(feature = "axum")]
pub(crate) enum HttpClient {
    /// `Cache-Control`.
    Field(LitStr),
    Ttl(Time),
}

/// The function itself; its body is never parsed, so that an editor gets completions in a half-written one.
pub(crate) struct Function {
    /// `doc`: on the wrapper only.
    pub(crate) docs: Vec<Attribute>,
    /// `cfg`, and `cfg_attr` of a `cfg`: on everything that is emitted.
    pub(crate) cfgs: Vec<Attribute>,
    /// `must_use`, `deprecated`: on the wrapper and on the body.
    pub(crate) shared: Vec<Attribute>,
    /// All other attributes: on the body.
    pub(crate) body_attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// As the user wrote it, receiver and patterns included.
    pub(crate) sig: Signature,
    /// One brace group, unparsed.
    pub(crate) body: TokenStream,
    /// Parameters without the receiver, in order of declaration.
    pub(crate) params: Vec<Param>,
}

pub(crate) struct Param {
    /// `cfg` attributes of the parameter.
    pub(crate) attrs: Vec<Attribute>,
    /// The name that the wrapper gives it: its own, or `__argN` for a pattern.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// The names that its pattern binds (`[name]` for a plain parameter). They are what `key`, `skip` and `tags` may mention.
    pub(crate) bound: Vec<Ident>,
    /// The original pattern, for the body's signature (`mut x`, `(a, b)`, `Point { x, y }`).
    pub(crate) pattern: Pat,
}

/// Where the function stands.
#[derive(Clone)]
pub(crate) enum Place {
    /// A free or nested function.
    Free,
    /// In an impl: by a receiver, by `Self` in the signature, or by `method`.
    Method(Box<Method>),
}

#[derive(Clone)]
pub(crate) struct Method {
    /// `&self`, `self`, `self: &Arc<Self>`; `&mut self` was rejected.
    pub(crate) receiver: Option<Receiver>,
    /// Known only under `#[cache]` on the impl block.
    pub(crate) block: Option<ImplBlock>,
}

#[derive(Clone)]
pub(crate) struct ImplBlock {
    pub(crate) self_ty: Type,
    pub(crate) generics: syn::Generics,
    /// `impl Trait for …`.
    pub(crate) of_trait: Option<Type>,
    /// What the inherent impl beside a trait impl is there under, too.
    pub(crate) cfgs: Vec<Attribute>,
}

pub(crate) enum Companion {
    /// Of the function's own name.
    Default,
    Named(Ident),
    Off,
}

pub(crate) enum Store {
    /// A cache of the function's own.
    Own(Box<OwnStore>),
    /// `cache = self.users`: an expression of type `&Cache<K, V>`.
    Elsewhere(Expr),
}

pub(crate) struct OwnStore {
    pub(crate) tiers: Tiers,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) bound: Option<Bound>,
    /// A type that implements `BuildHasher`.
    pub(crate) hasher: Option<Path>,
    /// Default: module path and function name, which `expand` writes with `concat!(module_path!(), …)`.
    pub(crate) name: Option<LitStr>,
    pub(crate) version: Option<u64>,
}

pub(crate) enum Strategy {
    /// One of ours, by its variant of the runtime's `Strategy`.
    Named { name: LitStr, variant: &'static str },
    /// A type that implements `Policy`.
    Custom(Path),
}

pub(crate) enum Bound {
    /// Any expression of `usize`, literals included.
    Entries(Expr),
    Unbounded,
    Bytes(Bytes),
}

pub(crate) struct Bytes {
    pub(crate) most: u64,
    pub(crate) literal: LitStr,
    /// A function of key and value that says what an entry weighs. Otherwise the value says it.
    pub(crate) weigher: Option<Expr>,
}

pub(crate) enum Key {
    /// All parameters but the skipped ones: indices into `Function::params`.
    Params(Vec<usize>),
    /// A template is a list of parts.
    Template(Template),
    /// `key = (expr, expr)` or `key = expr`, each taken by reference.
    Exprs(Vec<Expr>),
}

/// `"user:{id}:{name:.2}"`, split into its parts.
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    pub(crate) parts: Vec<TemplatePart>,
}

pub(crate) enum TemplatePart {
    Text,
    /// `{id}`: the value of a parameter (or of a name that a pattern binds).
    Arg(Ident),
    /// `{x:.2}`: the formatted text. `spec` is what stands behind the colon.
    Formatted {
        arg: Ident,
        spec: String,
    },
}

#[derive(Default)]
pub(crate) struct Freshness {
    pub(crate) ttl: Option<Ttl>,
    pub(crate) idle: Option<Time>,
    pub(crate) jitter: Option<Jitter>,
    pub(crate) refresh_ahead: Option<Percent>,
    pub(crate) stale_while_revalidate: Option<Time>,
    pub(crate) stale_if_error: Option<Time>,
    /// `refresh = "inline"`.
    pub(crate) inline_refresh: bool,
}

/// A span of time: a literal that was read at compile time, or an expression of `Duration`.
pub(crate) enum Time {
    Known(Duration, Span),
    Expr(Expr),
}

pub(crate) enum Ttl {
    Time(Time),
    /// `|value| …`, called with `&V`, giving a `Duration`.
    ByValue(ExprClosure),
}

pub(crate) enum Jitter {
    Percent(Percent),
    Time(Time),
}

/// In 0..=100, fractions allowed ("12.5%").
#[derive(Clone, Copy)]
pub(crate) struct Percent {
    pub(crate) value: f64,
    pub(crate) span: Span,
}

#[derive(Default)]
pub(crate) struct Outcome {
    /// `errors = "5s"`: the ttl of an `Err`; the whole `Result` is stored.
    pub(crate) errors: Option<Time>,
    pub(crate) none: Option<NonePolicy>,
    /// `|value| …`, called with `&V`, giving a `bool`.
    pub(crate) cache_if: Option<Expr>,
    /// An expression of `bool` over the parameters.
    pub(crate) bypass_if: Option<Expr>,
}

pub(crate) enum NonePolicy {
    Ttl(Time),
    /// `none = false`.
    NotStored(Span),
}

pub(crate) struct Concurrency {
    pub(crate) single_flight: bool,
    pub(crate) max_loads: Option<Expr>,
    pub(crate) load_timeout: Option<LoadTimeout>,
}

pub(crate) struct LoadTimeout {
    pub(crate) soft: Option<Time>,
    pub(crate) hard: Option<Time>,
    pub(crate) span: Span,
}

/// An impl block that bears `#[cache]` itself.
pub(crate) struct ImplModel {
    /// Everything before the brace: attributes, `impl<…> Trait for Type where …`.
    pub(crate) head: TokenStream,
    pub(crate) block: ImplBlock,
    pub(crate) items: Vec<BlockItem>,
}

/// In the order of the block.
pub(crate) enum BlockItem {
    /// A method with its own `#[cache(…)]`, which is taken off; `Model::place` is a `Method` with `block`.
    Cached(Box<Model>),
    Other(TokenStream),
}

/// What one `#[invalidate(…)]` says.
pub(crate) struct Invalidation {
    /// Path of the facade: `::cachekit` unless `crate = …` says otherwise.
    pub(crate) krate: Path,
    pub(crate) function: Function,
    pub(crate) targets: Vec<Target>,
    pub(crate) tags: Vec<Template>,
    /// `soft`: the tags become stale.
    pub(crate) soft: Option<Span>,
    pub(crate) when: When,
}

/// `user(id)`: a cached function and the key of what to remove from its cache.
pub(crate) struct Target {
    pub(crate) path: Path,
    pub(crate) args: Vec<Expr>,
    /// The parameter of `|value| user(value.id)`: the arguments are evaluated with the function's result.
    pub(crate) over_value: Option<Pat>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// After the body, if it did not return `Err`.
    Ok,
    /// After the body, whatever it returned.
    Always,
    Before,
}
