//! The operations of a batch function.

use super::{
    companion::{Operation, Takes},
    context::Context,
    spans,
};
use crate::model::Batch;
use proc_macro2::TokenStream;
use quote::quote_spanned;

impl Context<'_> {
    pub(super) fn batch_operations(&self, batch: &Batch) -> Vec<Operation> {
        let mut operations = vec![self.batch_refresh(batch)];
        if self.by_key() {
            operations.extend([self.get_many(batch), self.invalidate_many(batch)]);
        }
        if self.owns_cache() {
            let whole = self.keyed_operations().into_iter();
            operations.extend(whole.filter(|operation| matches!(operation.name, "clear" | "stats")));
            operations.extend(self.handle());
        }
        operations
    }

    fn batch_refresh(&self, batch: &Batch) -> Operation {
        let flow = self.batch_flow(batch, true);
        Operation {
            name: "refresh",
            docs: "Computes the values of all ids, whatever the cache holds, and stores them.",
            takes: Takes::Everything,
            follows: true,
            must_use: false,
            output: spans::repeated(&self.output),
            body: quote_spanned!(self.span=> { #flow }),
        }
    }

    fn get_many(&self, batch: &Batch) -> Operation {
        let (span, value) = (self.span, self.batch_element(batch));
        let begins = self.batch_begins(batch, &quote_spanned!(span=> .getting()));
        let looks = self.batch_looks(batch, false);
        let got = if self.is_async {
            quote_spanned!(span=> __cachekit_batch.get_async().await)
        } else {
            quote_spanned!(span=> __cachekit_batch.get())
        };
        Operation {
            name: "get_many",
            docs: "The cached values of several ids, in their order; never computes.",
            takes: Takes::Keys,
            follows: true,
            must_use: true,
            output: quote_spanned!(span=> ::std::vec::Vec<::core::option::Option<#value>>),
            body: quote_spanned!(span=> { #begins #looks #got }),
        }
    }

    fn invalidate_many(&self, batch: &Batch) -> Operation {
        let (k, span, cache) = (&self.k, self.span, self.batch_cache(batch));
        let body = self.batch_keys(batch, &|keys| {
            if self.is_async {
                quote_spanned!(span=> #k::invalidate_many_async(#cache, #keys))
            } else {
                quote_spanned!(span=> #k::invalidate_many(#cache, #keys))
            }
        });
        let awaited = self.is_async.then(|| quote_spanned!(span=> .await));
        Operation {
            name: "invalidate_many",
            docs: "Removes the values of several ids: the next call computes them.",
            takes: Takes::Keys,
            follows: true,
            must_use: false,
            output: quote_spanned!(span=> #k::Delivery),
            body: quote_spanned!(span=> { #body #awaited }),
        }
    }

    /// A block in which `over` gets the owned keys, one after another.
    pub(super) fn batch_keys(&self, batch: &Batch, over: &dyn Fn(TokenStream) -> TokenStream) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let Some(ids) = self.function().params.get(batch.ids).map(|param| &param.name) else {
            return TokenStream::new();
        };
        let key = self.with_parts(&quote_spanned!(span=> #k::Parts::to_key(&__cachekit_parts)));
        let keys = quote_spanned!(span=> #ids[..].iter().map(|__cachekit_id| #key));
        let over = over(keys);
        quote_spanned!(span=> { #over })
    }
}
