//! Backends of bytes: the builder calls about them, and what they ask of key, value and name.

use super::{
    context::{Context, Home},
    site::{duration, time_span},
    spans,
};
use crate::model::{Backend, Codec, Far, Format, Store, Tiers, Ttl};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, LitStr};

/// Operations that wait for backends, which async functions await.
const WAIT: [&str; 5] = ["get", "insert", "invalidate", "explain", "clear"];

impl Context<'_> {
    /// What is said about bytes, if the cache has any.
    pub(super) fn far(&self) -> Option<&Far> {
        match &self.model.store {
            Store::Own(store) => match &store.tiers {
                Tiers::Far(far) => Some(far),
                Tiers::Memory | Tiers::Unreadable => None,
            },
            Store::Elsewhere(_) => None,
        }
    }

    /// The builder calls, of which the first one names the places.
    pub(super) fn far_chain(&self) -> TokenStream {
        let Some(far) = self.far() else { return TokenStream::new() };
        let places = far.backends.iter().map(|backend| self.place(backend));
        let mut calls = vec![quote_spanned!(self.span=> .stored([#(#places),*], __cachekit_codec))];
        if let Some(span) = far.compress {
            let span = spans::machine(span);
            calls.push(quote_spanned!(span=> .compress()));
        }
        match &far.near_ttl {
            Some(Ttl::Time(time)) => {
                let (name, time) = (Ident::new("near_ttl", spans::machine(time_span(time))), duration(time));
                calls.push(quote_spanned!(self.span=> .#name(#time)));
            }
            Some(Ttl::ByValue(closure)) => {
                let name = Ident::new("near_ttl_with", spans::machine(closure.span()));
                calls.push(quote_spanned!(self.span=> .#name(#closure)));
            }
            None => {}
        }
        for (name, time) in [("timeout", &far.timeout), ("lock", &far.lock)] {
            if let Some(time) = time {
                let (name, time) = (Ident::new(name, spans::machine(time_span(time))), duration(time));
                calls.push(quote_spanned!(self.span=> .#name(#time)));
            }
        }
        if !self.model.tags.is_empty() {
            let templates = self.model.tags.iter().map(|tag| &tag.literal);
            calls.push(quote_spanned!(self.span=> .tag_templates(&[#(#templates),*])));
        }
        quote!(#(#calls)*)
    }

    pub(super) fn place(&self, backend: &Backend) -> TokenStream {
        let ours = |literal: &LitStr, which: &str| {
            let span = spans::machine(literal.span());
            let (k, which) = (self.k_at(span), Ident::new(which, span));
            quote_spanned!(span=> #k::Place::#which())
        };
        match backend {
            Backend::Memory(literal) => ours(literal, "memory"),
            Backend::File(literal) => ours(literal, "file"),
            Backend::Redis(literal) => ours(literal, "redis"),
            Backend::Own(expr) => {
                let at = spans::of(expr);
                let k = self.k_at(at);
                // A static cannot be moved, but lent for ever.
                if matches!(expr, Expr::Path(_)) {
                    quote_spanned!(at=> #k::place_at(&#expr))
                } else {
                    quote_spanned!(at=> #k::Place::own(#expr))
                }
            }
        }
    }

    /// Chooses the codec before `build`, whose first call takes the builder. `value`: the type of the values where it can be written, which else the
    /// builder knows.
    pub(super) fn with_codec(&self, value: Option<&TokenStream>, build: TokenStream) -> TokenStream {
        let Some(far) = self.far() else { return build };
        let (k, span) = (&self.k, self.span);
        let probe = match (&far.codec, value) {
            (None, Some(value)) => quote_spanned!(span=> #k::CodecProbe::<#value>::NEW),
            (None, None) => quote_spanned!(span=> #k::codec_of(&__cachekit_builder)),
            (Some(codec), Some(value)) => {
                let codec = self.codec_type(codec);
                quote_spanned!(span=> #k::NamedCodecProbe::<#value, #codec>::NEW)
            }
            (Some(codec), None) => {
                let codec = self.codec_type(codec);
                quote_spanned!(span=> #k::named_codec_of::<#codec, _, _>(&__cachekit_builder))
            }
        };
        let codec = self.probed_codec(far, &probe);
        quote_spanned!(span=> { let __cachekit_codec = #codec.codec(); #build })
    }

    fn probed_codec(&self, far: &Far, probe: &TokenStream) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        if far.codec.is_some() {
            quote_spanned!(span=> { use #k::{ViaNamed as _, ViaNoCodec as _}; (&&#probe).codec() })
        } else {
            quote_spanned!(span=> { use #k::{ViaHint as _, ViaNoCodec as _, ViaSerde as _}; (&&&#probe).codec() })
        }
    }

    fn codec_type(&self, codec: &Codec) -> TokenStream {
        match codec {
            Codec::Named(literal, format) => {
                let span = spans::machine(literal.span());
                let k = self.k_at(span);
                let name = match format {
                    Format::Json => "Json",
                    Format::Postcard => "Postcard",
                    Format::MsgPack => "MsgPack",
                    Format::Bincode => "Bincode",
                };
                let name = Ident::new(name, span);
                quote_spanned!(span=> #k::codec::#name)
            }
            Codec::Custom(path) => path.to_token_stream(),
        }
    }

    /// The one place where a value that no codec carries is an error: at its type, or at the user's codec if that is the matter.
    pub(super) fn codec_assertion(&self) -> TokenStream {
        let Some(far) = self.far() else { return TokenStream::new() };
        let span = match &far.codec {
            Some(Codec::Custom(path)) => spans::of(path),
            _ => self.output_span(),
        };
        let at = Context { k: self.k_at(span), span, ..self.clone() };
        let k = &at.k;
        let output = if self.model.batch.is_some() {
            let value = spans::placed(&self.value(), span);
            quote_spanned!(span=> #k::Output::<#value, #k::Plain>::NEW)
        } else if self.is_plain() {
            let (output, kind) = (spans::placed(&self.output, span), self.concrete_kind(false));
            quote_spanned!(span=> #k::Output::<#output, #kind>::NEW)
        } else {
            spans::placed(&at.output_value(), span)
        };
        match &far.codec {
            None => {
                let codec = at.probed_codec(far, &quote_spanned!(span=> #k::codec_of_output(&#output)));
                quote_spanned!(span=> #k::assert_codec(&#codec);)
            }
            Some(codec) => {
                let codec = spans::placed(&self.codec_type(codec), span);
                quote_spanned!(span=> #k::codec_of_output(&#output).needs::<#codec>();)
            }
        }
    }

    /// The probe of that name, which for a backend of bytes also asks for `serde::Serialize`.
    pub(super) fn probe(&self, name: &str) -> Ident {
        if self.far().is_some() {
            format_ident!("Stored{}", name, span = self.span)
        } else {
            Ident::new(name, self.span)
        }
    }

    /// Reports a part of the key, of a type that is not written down, that cannot be written into a backend.
    pub(super) fn stored_assertion(&self, local: &dyn ToTokens) -> Option<TokenStream> {
        self.far()?;
        let at = spans::of(local);
        let (k, local) = (self.k_at(at), spans::blamed(local, at));
        Some(quote_spanned!(at=> #k::assert_stored_part(&(&&&#k::FormProbe::new(#local)).part());))
    }

    /// What generated code calls for an operation, and `.await` where that gives a future.
    pub(super) fn entry_function(&self, operation: &str) -> (Ident, Option<TokenStream>) {
        if self.is_async && self.far().is_some() && WAIT.contains(&operation) {
            (format_ident!("{}_async", operation, span = self.span), Some(quote_spanned!(self.span=> .await)))
        } else {
            (Ident::new(operation, self.span), None)
        }
    }

    /// A function's body: the block as it is, or awaited. Outside of it, so that the future does not hold what the key was made of.
    pub(super) fn awaited(&self, block: TokenStream, awaited: Option<TokenStream>) -> TokenStream {
        if awaited.is_some() { quote_spanned!(self.span=> { #block #awaited }) } else { block }
    }

    /// The name that was given, with the types of this instance: instances share no entries.
    pub(super) fn shared_name(&self, name: &LitStr) -> TokenStream {
        let (k, span) = (&self.k, self.span);
        let (holes, shown) = self.shown_args();
        let this = self.method().map(|method| {
            let this = quote_spanned!(span=> ::core::any::type_name::<Self>());
            // Without companions it may stand in a trait, where `Self` is any type.
            if self.home == Home::Nowhere && method.block.is_none() {
                ("<{}>", this)
            } else {
                ("{}", quote_spanned!(span=> #k::arguments_of(#this)))
            }
        });
        if shown.is_empty() && this.is_none() {
            return quote!(#name);
        }
        let (hole, this): (Option<&str>, Option<TokenStream>) = this.unzip();
        let this = this.map(|this| quote_spanned!(span=> , #this));
        let format = format!("{{}}{}{holes}", hole.unwrap_or_default());
        quote_spanned!(span=> ::std::format!(#format, #name #this #(, #shown)*))
    }

    /// The path of the function where it has a name of no other kind. A nested one has that of the function around it, which only its type tells.
    pub(super) fn shared_path(&self, path: TokenStream) -> TokenStream {
        let k = &self.k;
        let function = match self.home {
            Home::Companion => self.sig.ident.unraw().to_string(),
            Home::Hidden => String::new(),
            _ => return path,
        };
        quote_spanned!(self.span=> #k::function_path(#path, #function, &|| {}))
    }
}
