//! Where-clauses by which one mistake stays one error.
//!
//! In generic code and in methods, an unfit type is not known to be unfit when code is written. So what stands beside the wrapper asks for fit types
//! in where-clauses, and only the wrapper, which calls it, does not meet them. A clause without type parameters that does not hold would be an error
//! by itself, but not under a `for<…>`.

use super::{context::Context, forms, spans};
use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{GenericParam, Type, TypeParam};

/// A type and what is asked of it.
pub(super) struct Bound {
    pub(super) of: Type,
    pub(super) is: TokenStream,
}

impl Bound {
    /// Of a type parameter itself that has bounds where it is declared.
    fn is_of(&self, param: &TypeParam) -> bool {
        !param.bounds.is_empty() && matches!(&self.of, Type::Path(path) if path.path.is_ident(&param.ident))
    }
}

impl Context<'_> {
    /// The where-clause of a function beside the wrapper. `key`: its signature names the key's type.
    pub(super) fn clause(&self, key: bool) -> TokenStream {
        let user = self.sig.generics.where_clause.as_ref();
        let own = |bound: &Bound| self.sig.generics.type_params().any(|param| bound.is_of(param));
        let mut bounds = self.bounds(key);
        bounds.retain(|bound| !own(bound));
        if bounds.is_empty() {
            return user.map(|clause| spans::repeated(clause)).unwrap_or_default();
        }
        let predicates =
            user.into_iter().flat_map(|clause| &clause.predicates).map(|predicate| spans::repeated(predicate));
        let bounds = bounds.iter().map(|Bound { of, is }| {
            let at = spans::of(of);
            quote_spanned!(at=> for<'__cachekit> #of: #is)
        });
        quote_spanned!(self.span=> where #(#predicates,)* #(#bounds),*)
    }

    /// The generic parameters of a function beside the wrapper, without brackets. What is asked of one of them stands with what the user asks of it:
    /// lints want it in one place.
    pub(super) fn params(&self, key: bool) -> Vec<TokenStream> {
        let bounds = self.bounds(key);
        let params = self.sig.generics.params.iter().map(|param| {
            let written = spans::repeated(param);
            let GenericParam::Type(param) = param else { return written };
            let more = bounds.iter().filter(|bound| bound.is_of(param)).map(|bound| &bound.is);
            let more: Vec<_> = more.collect();
            if more.is_empty() {
                return written;
            }
            let plus = (!param.bounds.trailing_punct()).then(|| quote!(+));
            quote_spanned!(self.span=> #written #plus #(#more)+*)
        });
        params.collect()
    }

    /// `<…>`, or nothing.
    pub(super) fn generics(&self, key: bool) -> TokenStream {
        let params = self.params(key);
        if params.is_empty() { TokenStream::new() } else { quote_spanned!(self.span=> <#(#params),*>) }
    }

    fn bounds(&self, key: bool) -> Vec<Bound> {
        let mut bounds: Vec<Bound> = Vec::new();
        if self.is_plain() {
            return bounds;
        }
        bounds.extend(self.value_bound());
        if key {
            bounds.extend(self.key_bounds());
        }
        bounds
    }

    /// The stored type can be stored.
    fn value_bound(&self) -> Option<Bound> {
        if let Some(batch) = &self.model.batch {
            return self.batch_bound(batch);
        }
        if forms::is_common(&self.output) {
            return None;
        }
        let (value, span) = (self.value(), self.output_span());
        let k = self.k_at(span);
        let weight = self.weighs_values().then(|| quote_spanned!(span=> + #k::Weigh));
        Some(Bound { of: syn::parse2(value).ok()?, is: quote_spanned!(span=> #k::Value #weight) })
    }

    /// The parts of the key can be such.
    fn key_bounds(&self) -> Vec<Bound> {
        let uncommon = self.declared_parts().filter(|(ty, _)| !forms::is_common(ty));
        let bounds = uncommon.filter_map(|(ty, form)| {
            let (span, owns) = (spans::of(&ty), forms::owns(&form));
            let k = self.k_at(span);
            let stored = self.far().map(|_| quote_spanned!(span=> #k::Serialize));
            let is = match (owns, stored) {
                (true, None) => quote_spanned!(span=> #k::Key),
                (true, Some(stored)) => quote_spanned!(span=> #k::Key + #stored),
                (false, None) => quote_spanned!(span=> #k::KeyPart<#form>),
                (false, Some(stored)) => quote_spanned!(span=> #k::KeyPart<#form, Owned: #stored>),
            };
            let of = syn::parse2(spans::repeated(&ty.to_token_stream())).ok()?;
            Some(Bound { of, is })
        });
        bounds.collect()
    }
}
