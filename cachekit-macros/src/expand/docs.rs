//! The "Cached" section of a function's documentation.

use super::{
    companion::Takes,
    context::{Context, Home},
};
use crate::model::{Backend, Bound, Codec, Far, Jitter, Key, NonePolicy, Store, Strategy, Time, Ttl};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use std::fmt::Write as _;
use std::time::Duration;
use syn::{Receiver, ReceiverKind};

/// An operation as it is listed.
struct Listed {
    name: &'static str,
    takes: Takes,
    /// Async if the function is.
    follows: bool,
    means: &'static str,
}

impl Context<'_> {
    /// Configuration and operations; nothing for a function that shows no trace of its cache.
    pub(super) fn cached_section(&self) -> TokenStream {
        if matches!(self.home, Home::Hidden | Home::Nowhere) {
            return TokenStream::new();
        }
        let mut text = String::from("\n# Cached\n\n");
        text.push_str(if self.model.batch.is_some() { "Results are cached by id" } else { "Results are cached" });
        let facts = self.facts();
        text.push_str(if facts.is_empty() { ".\n" } else { ": " });
        if !facts.is_empty() {
            text.push_str(&facts.join(", "));
            text.push_str(".\n");
        }
        text.push('\n');
        for Listed { name, takes, follows, means } in self.listed() {
            let awaited = if follows && self.is_async { ".await" } else { "" };
            let _ = writeln!(text, "- `{}({}){awaited}`: {means}", self.shown_path(name), self.shown_inputs(&takes));
        }
        if self.lacks_handle() {
            text.push_str("\nThe key is an expression, so that its type cannot be named: these stand instead of the cache itself.\n");
        }
        quote_spanned!(self.span=> #[doc = #text])
    }

    fn shown_path(&self, operation: &str) -> String {
        let name = self.name(operation);
        if self.home == Home::Companion { format!("{}::{name}", self.companion) } else { format!("Self::{name}") }
    }

    fn shown_inputs(&self, takes: &Takes) -> String {
        let params = match takes {
            Takes::Keys => self.keys(),
            Takes::KeysAndValue => self.keys_and_tags(),
            Takes::Everything => self.params.clone(),
            Takes::Nothing => Vec::new(),
        };
        let this = match takes {
            Takes::Everything => self.sig.receiver().map(shown_receiver),
            Takes::Keys => self.sig.receiver().filter(|_| self.key_mentions_self()).map(shown_receiver),
            Takes::KeysAndValue | Takes::Nothing => None,
        };
        let value = matches!(takes, Takes::KeysAndValue).then(|| "value".to_owned());
        this.into_iter()
            .chain(params.iter().map(|param| param.name.to_string().trim_start_matches("__").to_owned()))
            .chain(value)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn listed(&self) -> Vec<Listed> {
        if self.model.batch.is_some() {
            return self.listed_of_batch();
        }
        let companion = self.home == Home::Companion;
        let by_key = companion || self.lacks_handle();
        let listed = |name, takes, means| Listed { name, takes, follows: true, means };
        let mut all = Vec::new();
        if by_key {
            all.push(listed("get", Takes::Keys, "the cached value; never computes"));
        }
        if companion {
            all.push(listed("insert", Takes::KeysAndValue, "stores a value"));
        }
        if by_key {
            all.push(listed("invalidate", Takes::Keys, "removes a value"));
        }
        all.push(listed("refresh", Takes::Everything, "computes and stores"));
        all.push(listed("uncached", Takes::Everything, "the plain function"));
        all.push(listed("traced", Takes::Everything, "the result, and how it came about"));
        if by_key {
            all.push(listed("explain", Takes::Keys, "what the cache knows about a key"));
        }
        if companion || self.lacks_handle() && self.finds_whole_cache() {
            all.push(listed("clear", Takes::Nothing, "removes all values"));
            all.push(Listed { follows: false, ..listed("stats", Takes::Nothing, "what it has counted") });
        }
        if self.handle().is_some() {
            all.push(Listed { follows: false, ..listed("cache", Takes::Nothing, "the cache itself") });
        }
        all
    }

    fn listed_of_batch(&self) -> Vec<Listed> {
        let listed = |name, takes, means| Listed { name, takes, follows: true, means };
        let mut all = Vec::new();
        if self.by_key() {
            all.push(listed("get_many", Takes::Keys, "the cached values, in the order of the ids; never computes"));
            all.push(listed("invalidate_many", Takes::Keys, "removes values"));
        }
        all.push(listed("refresh", Takes::Everything, "computes and stores"));
        all.push(listed("uncached", Takes::Everything, "the plain function"));
        if self.owns_cache() {
            all.push(listed("clear", Takes::Nothing, "removes all values"));
            let now = |name, means| Listed { follows: false, ..listed(name, Takes::Nothing, means) };
            all.extend([now("stats", "what it has counted"), now("cache", "the cache itself, of the single ids")]);
        }
        all
    }

    /// The configuration in words.
    fn facts(&self) -> Vec<String> {
        let (model, mut facts) = (self.model, Vec::new());
        let of = model.batch.as_ref().and_then(|batch| batch.of.as_ref());
        facts.extend(of.map(|of| format!("shared with `{}`", shown(of))));
        facts.extend(self.far().map(far_facts).unwrap_or_default());
        if let Store::Own(store) = &model.store {
            match &store.strategy {
                Some(Strategy::Named { name, .. }) => facts.push(format!("strategy `{}`", name.value())),
                Some(Strategy::Custom(path)) => facts.push(format!("strategy `{}`", shown(path))),
                None => {}
            }
            match &store.bound {
                Some(Bound::Entries(expr)) => facts.push(format!("capacity `{}`", shown(expr))),
                Some(Bound::Unbounded) => facts.push("without bound".to_owned()),
                Some(Bound::Bytes(bytes)) => facts.push(format!("at most {}", bytes.literal.value().trim())),
                None => {}
            }
            if let Some(hasher) = &store.hasher {
                facts.push(format!("hasher `{}`", shown(hasher)));
            }
        }
        match &model.key {
            Key::Params(_) => {}
            Key::Template(template) => facts.push(format!("key `{}`", template.literal.value())),
            Key::Exprs(exprs) => {
                facts.push(format!("key `({})`", exprs.iter().map(|expr| shown(expr)).collect::<Vec<_>>().join(", ")))
            }
        }
        let freshness = &model.freshness;
        match &freshness.ttl {
            Some(Ttl::Time(ttl)) => facts.push(format!("ttl {}", time(ttl))),
            Some(Ttl::ByValue(_)) => facts.push("ttl by value".to_owned()),
            None => {}
        }
        match &freshness.jitter {
            Some(Jitter::Percent(percent)) => facts.push(format!("jitter {}%", percent.value)),
            Some(Jitter::Time(jitter)) => facts.push(format!("jitter {}", time(jitter))),
            None => {}
        }
        if let Some(percent) = freshness.refresh_ahead {
            facts.push(format!("refreshed ahead at {}%", percent.value));
        }
        let times = [
            ("idle", freshness.idle.as_ref()),
            ("stale while revalidating", freshness.stale_while_revalidate.as_ref()),
            ("stale if failing", freshness.stale_if_error.as_ref()),
            ("errors kept", model.outcome.errors.as_ref()),
        ];
        facts.extend(times.into_iter().filter_map(|(name, given)| Some(format!("{name} {}", time(given?)))));
        match &model.outcome.none {
            Some(NonePolicy::Ttl(ttl)) => facts.push(format!("`None` kept {}", time(ttl))),
            Some(NonePolicy::NotStored(_)) => facts.push("`None` not stored".to_owned()),
            None => {}
        }
        if !model.tags.is_empty() {
            let tags: Vec<_> = model.tags.iter().map(|tag| format!("`{}`", tag.literal.value())).collect();
            facts.push(format!("tags {}", tags.join(", ")));
        }
        facts
    }
}

fn far_facts(far: &Far) -> Vec<String> {
    let backends = far.backends.iter().map(|backend| match backend {
        Backend::Memory(literal) | Backend::File(literal) | Backend::Redis(literal) => format!("`{}`", literal.value()),
        Backend::Own(expr) => format!("`{}`", shown(expr)),
    });
    let mut facts = vec![format!("in {}", backends.collect::<Vec<_>>().join(", then "))];
    match &far.codec {
        Some(Codec::Named(literal, _)) => facts.push(format!("codec `{}`", literal.value())),
        Some(Codec::Custom(path)) => facts.push(format!("codec `{}`", shown(path))),
        None => {}
    }
    facts.extend(far.compress.map(|_| "compressed".to_owned()));
    match &far.near_ttl {
        Some(Ttl::Time(ttl)) => facts.push(format!("in memory for {}", time(ttl))),
        Some(Ttl::ByValue(_)) => facts.push("in memory for a time by value".to_owned()),
        None => {}
    }
    facts.extend(far.lock.as_ref().map(|lease| format!("computed under a lock of {}", time(lease))));
    facts.extend(far.timeout.as_ref().map(|most| format!("backends are waited for {}", time(most))));
    facts.extend(far.fails.map(|_| "calls fail with their backend".to_owned()));
    facts
}

/// `&self`, `self: &Arc<Self>`
fn shown_receiver(receiver: &Receiver) -> String {
    match &receiver.kind {
        ReceiverKind::Typed(_, ty) => {
            format!("self: {}", shown(ty).replace(" < ", "<").replace(" >", ">").replace("& ", "&"))
        }
        ReceiverKind::Reference(..) => "&self".to_owned(),
        _ => "self".to_owned(),
    }
}

/// Tokens print with spaces between all of them.
fn shown(tokens: &dyn ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(" :: ", "::").replace(" . ", ".").replace(" (", "(")
}

fn time(time: &Time) -> String {
    match time {
        Time::Known(known, _) => known_time(*known),
        Time::Expr(expr) => format!("`{}`", shown(expr)),
    }
}

fn known_time(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
