//! Whether anything may stand beside a function.

use super::{Companion, ImplBlock, Model, Place};
use quote::ToTokens as _;
use syn::{GenericParam, Ident, Type};

impl Model {
    /// A method beside which nothing can be put: all that its cache needs is in its body.
    pub(crate) fn stands_alone(&self) -> bool {
        match &self.place {
            Place::Free => false,
            Place::Method(_) if matches!(self.companion, Companion::Off) => true,
            Place::Method(method) => method.block.as_ref().is_some_and(|block| block.is_trait() && !block.has_room()),
        }
    }
}

impl ImplBlock {
    pub(crate) fn is_trait(&self) -> bool {
        self.of_trait.is_some()
    }

    /// An inherent impl of the same type is possible, as far as syntax tells: of a path that is no parameter, no type of the standard library and
    /// names all parameters.
    fn has_room(&self) -> bool {
        const FOREIGN: [&str; 13] = [
            "Arc", "BTreeMap", "BTreeSet", "Box", "Cow", "HashMap", "HashSet", "Option", "Rc", "Result", "String",
            "Vec", "str",
        ];
        let params = self.generics.params.iter().filter_map(|param| match param {
            GenericParam::Type(param) => Some(&param.ident),
            GenericParam::Const(param) => Some(&param.ident),
            GenericParam::Lifetime(_) => None,
        });
        let params: Vec<&Ident> = params.collect();
        let Type::Path(path) = &self.self_ty else { return false };
        let local = path
            .path
            .segments
            .last()
            .is_some_and(|last| !FOREIGN.iter().any(|name| last.ident == name) && !params.contains(&&last.ident));
        local
            && path.qself.is_none()
            && params.iter().all(|param| super::names_ident(self.self_ty.to_token_stream(), &param.to_string()))
    }
}
