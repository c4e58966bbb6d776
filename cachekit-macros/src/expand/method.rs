//! What stands beside a method.

use super::context::Context;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

impl Context<'_> {
    /// Associated functions with the method's name in front.
    pub(super) fn method_items(&self) -> TokenStream {
        let cfgs = &self.cfgs;
        let cfgs = quote!(#(#cfgs)*);
        let mut items = Vec::new();
        items.push(self.uncached_function());
        if let Some(batch) = &self.model.batch {
            items.extend(self.batch_operations(batch).iter().map(|operation| self.operation(operation)));
            items.extend(
                self.owns_cache().then(|| self.site()).map(|site| quote_spanned!(self.span=> #[doc(hidden)] #site)),
            );
            items.extend(self.owns_cache().then(|| self.invalidation_function()));
            return quote!(#(#cfgs #items)*);
        }
        items.push(self.operation(&self.traced()));
        items.push(self.operation(&self.refresh()));
        items.extend(self.hidden_items());
        items.extend(self.handle().map(|handle| self.operation(&handle)));
        items.extend(self.operations_without_handle().iter().map(|operation| self.operation(operation)));
        items.extend(self.owns_cache().then(|| self.invalidation_function()));
        quote!(#(#cfgs #items)*)
    }

    fn hidden_items(&self) -> Vec<TokenStream> {
        let doc = quote_spanned!(self.span=> #[doc(hidden)]);
        let mut items = vec![self.load_function()];
        if self.owns_cache() {
            items.push(self.site());
        }
        if self.lacks_handle() && self.key_mentions_self() && self.finds_whole_cache() {
            items.push(self.key_function());
        }
        if self.refreshes_in_task() {
            items.push(self.refresh_task());
        }
        items.into_iter().map(|item| quote!(#doc #item)).collect()
    }
}
