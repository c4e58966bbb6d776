//! Where-clauses by which one mistake stays one error.
//!
//! In generic code and in methods, an unfit type is not known to be unfit when code is written. So what stands beside the wrapper asks for fit types
//! in where-clauses, and only the wrapper, which calls it, does not meet them. A clause without type parameters that does not hold would be an error
//! by itself, but not under a `for<…>`.

use super::{context::Context, forms, spans};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

impl Context<'_> {
    /// The where-clause of a function beside the wrapper. `key`: its signature names the key's type.
    pub(super) fn clause(&self, key: bool) -> TokenStream {
        let user = self.sig.generics.where_clause.as_ref();
        if self.is_plain() {
            return user.map(spans::repeated).unwrap_or_default();
        }
        let mut bounds: Vec<TokenStream> = Vec::new();
        bounds.extend(self.value_bound());
        if key {
            bounds.extend(self.key_bounds());
        }
        if bounds.is_empty() {
            return user.map(spans::repeated).unwrap_or_default();
        }
        let predicates = user.into_iter().flat_map(|clause| &clause.predicates).map(spans::repeated);
        quote_spanned!(self.span=> where #(#predicates,)* #(#bounds),*)
    }

    /// The stored type can be stored.
    fn value_bound(&self) -> Option<TokenStream> {
        if forms::is_common(&self.output) {
            return None;
        }
        let (value, span) = (self.value(), self.output_span());
        let k = self.k_at(span);
        Some(quote_spanned!(span=> for<'__cachekit> #value: #k::Value))
    }

    /// The parts of the key can be such.
    fn key_bounds(&self) -> Vec<TokenStream> {
        let uncommon = self.declared_parts().filter(|(ty, _)| !forms::is_common(ty));
        let bounds = uncommon.map(|(ty, form)| {
            let (span, owns) = (spans::of(&ty), forms::owns(&form));
            let (k, ty) = (self.k_at(span), spans::repeated(&ty));
            let bound = if owns { quote!(Key) } else { quote!(KeyPart<#form>) };
            quote_spanned!(span=> for<'__cachekit> #ty: #k::#bound)
        });
        bounds.collect()
    }
}
