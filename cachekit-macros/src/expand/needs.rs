//! What functions beside a wrapper take for granted of types that they cannot name the fate of: the wrapper alone reports an unfit one.
//!
//! Written as `for<'any>`, because a bound without parameters would be checked, and reported, where it stands.

use super::{context::Context, forms, spans};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{GenericParam, Ident, Type};

/// What a function beside the wrapper has in its signature.
#[derive(Clone, Copy)]
pub(super) enum Of {
    /// The value; the key is a type parameter.
    Values,
    /// The parameters in the key.
    Keys,
    /// The owned key.
    NamedKeys,
}

struct Need {
    ty: Type,
    bound: TokenStream,
}

fn is_param(ty: &Type, param: &Ident) -> bool {
    matches!(forms::plain(ty), Type::Path(path) if path.path.is_ident(param))
}

impl Context<'_> {
    /// The user's `where` clause and those needs.
    pub(super) fn clause(&self, of: Of) -> TokenStream {
        let clause = self.sig.generics.where_clause.as_ref();
        let users = clause.map(|clause| clause.predicates.iter().map(spans::repeated).collect::<Vec<_>>());
        let needs = self.needs(of).into_iter().filter(|need| !self.is_bounded(&need.ty)).map(|Need { ty, bound }| {
            let ty = spans::repeated(&forms::eternal(&ty));
            quote_spanned!(self.span=> for<'any> #ty: #bound)
        });
        let all = users.unwrap_or_default().into_iter().chain(needs).collect::<Vec<_>>();
        if all.is_empty() { TokenStream::new() } else { quote_spanned!(self.span=> where #(#all),*) }
    }

    /// The user's type parameters, and needs of those that have bounds there: a lint wants all bounds of one in one place.
    pub(super) fn bounded_params(&self, of: Of) -> Vec<TokenStream> {
        let needs = self.needs(of);
        let params = self.sig.generics.params.iter().map(|param| match param {
            GenericParam::Type(param) if !param.bounds.is_empty() => {
                let (all, ident) = (spans::repeated(param), &param.ident);
                let bounds = needs.iter().filter(|need| is_param(&need.ty, ident)).map(|need| &need.bound);
                quote_spanned!(self.span=> #all #(+ #bounds)*)
            }
            param => spans::repeated(param),
        });
        params.collect()
    }

    /// The same as they stand behind a name.
    pub(super) fn generics(&self, of: Of) -> TokenStream {
        let params = self.bounded_params(of);
        if params.is_empty() { TokenStream::new() } else { quote_spanned!(self.span=> <#(#params),*>) }
    }

    /// A type parameter that has bounds where it is declared.
    fn is_bounded(&self, ty: &Type) -> bool {
        self.sig.generics.type_params().any(|param| !param.bounds.is_empty() && is_param(ty, &param.ident))
    }

    fn needs(&self, of: Of) -> Vec<Need> {
        if self.is_plain() {
            return Vec::new();
        }
        let (k, span) = (&self.k, self.span);
        let need = |ty: &Type, bound: TokenStream| Need { ty: ty.clone(), bound: quote_spanned!(span=> #k::#bound) };
        let owns_itself = |ty: &Type| forms::form(k, ty).to_string().ends_with("Val");
        let keys = self.parts.iter().filter_map(|part| part.declared()).filter_map(|ty| match of {
            Of::Values => None,
            _ if owns_itself(&ty) => Some(need(&ty, quote!(Key))),
            Of::Keys => None,
            Of::NamedKeys => {
                let form = forms::form(k, &ty);
                Some(Need { bound: quote_spanned!(span=> #k::KeyPart<#form>), ty })
            }
        });
        let result = forms::reads_like_result(&self.output);
        let whole = self.model.outcome.errors.is_some();
        let values = match forms::arguments(&self.output).as_slice() {
            [value, error, ..] if result && whole => vec![*value, *error],
            [value, ..] if result => vec![*value],
            _ if result => Vec::new(),
            _ => vec![&self.output],
        };
        keys.chain(values.into_iter().map(|ty| need(ty, quote!(Value)))).collect()
    }
}
