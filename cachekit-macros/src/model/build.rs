//! Puts the arguments and the function together.

use super::cache::{Draft, KeyArg, draft};
use super::far::tiers;
use super::{
    BlockItem, Bound, Bytes, Companion, Concurrency, Function, ImplBlock, ImplModel, Key, Method, Model, OwnStore,
    Place, Store, associated,
};
use crate::args::{Arg, Block, BlockPart};
use crate::diagnostics::{Errors, args as say};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Ident, Path, parse_quote};

/// Which arguments were given, right or wrong: where a check points at, and what keeps it from complaining twice.
pub(crate) struct Given {
    names: Vec<Ident>,
    /// What `skip(…)` lists.
    pub(crate) skipped: Vec<Ident>,
}

impl Given {
    pub(crate) fn get(&self, name: &str) -> Option<&Ident> {
        self.names.iter().find(|given| *given == name)
    }

    #[cfg(feature = "axum")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.names.iter()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// `skip(self)`.
    pub(crate) fn skips_self(&self) -> bool {
        self.skipped.iter().any(|name| name == "self")
    }
}

/// The model of one function; what is wrong in it has been reported and is left out.
pub(crate) fn model(
    args: Vec<Arg>,
    function: Function,
    block: Option<(&ImplBlock, Option<&Path>)>,
    errors: &mut Errors,
) -> (Model, Given) {
    let Draft {
        krate,
        backend,
        far,
        strategy,
        capacity,
        max_bytes,
        weigher,
        hasher,
        name,
        version,
        key,
        skip,
        freshness,
        outcome,
        no_single_flight,
        max_loads,
        load_timeout,
        tags,
        on_removal,
        companion,
        cache,
        batch,
        of,
        #[cfg(feature = "axum")]
        http,
        #[cfg(feature = "axum")]
        scope,
        given,
        meant,
    } = draft(args, &function, errors);
    let given = Given { names: [given, meant].concat(), skipped: skip };
    let key = match key {
        Some(KeyArg::Template(template)) => Key::Template(template),
        Some(KeyArg::Exprs(exprs)) => Key::Exprs(exprs),
        None => Key::Params(unskipped(&function, &given.skipped)),
    };
    let bytes = max_bytes.map(|(most, literal)| Bound::Bytes(Bytes { most, literal, weigher }));
    let bound = bytes.or(capacity);
    let batch = batch.and_then(|batch| super::batch::batch(&batch, of.clone(), &function, &key, errors));
    let store = match (cache, of) {
        (Some(cache), _) => Store::Elsewhere(cache),
        (None, Some(of)) => Store::Elsewhere(super::batch::cache_of(&of)),
        (None, None) => {
            let tiers = tiers(backend, far, given.has("backend"));
            Store::Own(Box::new(OwnStore { tiers, strategy, bound, hasher, name, version }))
        }
    };
    let model = Model {
        krate: krate.or_else(|| block.and_then(|(_, krate)| krate.cloned())).unwrap_or_else(facade),
        place: place(&function, given.has("method"), block.map(|(block, _)| block)),
        companion: companion.unwrap_or(Companion::Default),
        store,
        key,
        freshness,
        outcome,
        concurrency: Concurrency { single_flight: !no_single_flight, max_loads, load_timeout },
        tags,
        on_removal,
        batch,
        #[cfg(feature = "axum")]
        http,
        #[cfg(feature = "axum")]
        scope,
        #[cfg(feature = "axum")]
        skipped: given.skipped.clone(),
        function,
    };
    (model, given)
}

pub(super) fn facade() -> Path {
    parse_quote!(::cachekit)
}

/// A pattern that binds several names is one part of the key; it is skipped when all of them are.
fn unskipped(function: &Function, skipped: &[Ident]) -> Vec<usize> {
    let is_skipped = |name: &Ident| skipped.iter().any(|skipped| skipped.unraw() == name.unraw());
    let kept = |index: &usize| {
        let bound = &function.params[*index].bound;
        bound.is_empty() || !bound.iter().all(is_skipped)
    };
    (0..function.params.len()).filter(kept).collect()
}

pub(super) fn place(function: &Function, method: bool, block: Option<&ImplBlock>) -> Place {
    let receiver = function.sig.receiver().cloned();
    if receiver.is_some() || method || block.is_some() || names_self(function.sig.to_token_stream()) {
        Place::Method(Box::new(Method { receiver, block: block.cloned() }))
    } else {
        Place::Free
    }
}

/// `Self` cannot stand in the signature of a function outside of an impl.
pub(crate) fn names_self(tokens: TokenStream) -> bool {
    names_ident(tokens, "Self")
}

/// The word occurs.
pub(super) fn names_ident(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => names_ident(group.stream(), name),
        _ => false,
    })
}

/// The block and what was given in each of its annotated methods, in order.
pub(crate) fn impl_block(args: Vec<Arg>, block: Block, errors: &mut Errors) -> (ImplModel, Vec<Given>) {
    let krate = block_crate(args, errors);
    let Block { head, self_ty, generics, of_trait, cfgs, parts } = block;
    let types = associated::types(&parts);
    let block = ImplBlock { self_ty, generics, of_trait, cfgs };
    let mut givens = Vec::new();
    let items = parts
        .into_iter()
        .map(|part| match part {
            BlockPart::Other(tokens) => BlockItem::Other(tokens),
            BlockPart::Cached(args, mut function) => {
                if let Some(of_trait) = &block.of_trait {
                    associated::qualify(&mut function, &types, of_trait);
                }
                let function = super::function(*function, errors);
                let (model, given) = model(args, function, Some((&block, krate.as_ref())), errors);
                givens.push(given);
                BlockItem::Cached(Box::new(model))
            }
        })
        .collect();
    (ImplModel { head, block, items }, givens)
}

fn block_crate(args: Vec<Arg>, errors: &mut Errors) -> Option<Path> {
    let mut krate = None;
    for arg in args {
        match (arg.name == "crate", arg.value) {
            (true, crate::args::Value::Is(expr)) => krate = errors.keep(super::values::path(&arg.name, &expr)),
            (true, _) => errors.push(say::missing_value(&arg.name)),
            (false, _) => errors.push(say::on_block(&arg.name)),
        }
    }
    krate
}
