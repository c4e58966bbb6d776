//! What all services of one layer share.

use super::{flights::Flights, rule::Rule, shareable::Shareable, target, time::Time};
use crate::{fields::CacheStatus, policy::OWN_FIELD, store::Store};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, request::Parts};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) flights: Arc<Flights>,
    pub(super) shareable: Shareable,
    pub(super) rules: Vec<Arc<Rule>>,
    pub(super) otherwise: Arc<Rule>,
    pub(super) hosts: Vec<String>,
    pub(super) scheme: String,
    pub(super) status_name: Option<String>,
    /// What clients are told of a success whose fields do not say how long they may keep it.
    pub(super) unsaid: Option<HeaderValue>,
    pub(super) wait_limit: Duration,
    pub(super) fill_limit: Duration,
    pub(super) time: Time,
}

impl Shared {
    pub(super) fn now(&self) -> SystemTime {
        self.time.now()
    }

    /// Whether the user's code is run to begin a request: then that begins where the answer is awaited, in the scope of what is around it.
    pub(super) fn runs_code(&self) -> bool {
        self.rules.iter().chain([&self.otherwise]).any(|rule| rule.runs_code())
    }

    /// The rules that match a request, the first one first; what holds otherwise comes last.
    pub(super) fn rules_of(&self, parts: &mut Parts, target: Option<&Uri>) -> Rules {
        let mut rules = Rules { matching: Vec::new(), otherwise: self.otherwise.clone(), apart: String::new() };
        let Some(target) = target.filter(|_| !self.rules.is_empty()) else { return rules };
        target::outside(parts, |parts| {
            let matching = self.rules.iter().enumerate().filter(|(_, rule)| rule.matches(parts, target));
            for (number, rule) in matching {
                if let Some(apart) = rule.conditions.apart(number) {
                    rules.apart.push_str(&apart);
                    rules.apart.push(';');
                }
                rules.matching.push(rule.clone());
            }
        });
        rules
    }

    /// An absolute URI as the keys have it: once for each way in which the rules that may match a request for it write it. `None`: it has no host.
    pub(super) fn keys_of(&self, uri: &Uri) -> Option<Vec<String>> {
        if self.otherwise.is_of_paths {
            return uri.path().starts_with('/').then(|| vec![self.otherwise.key_of(uri)]);
        }
        uri.authority()?;
        let parts = http::Request::get(uri.clone()).body(()).ok()?.into_parts().0;
        let target = target::of(&parts, &self.scheme)?;
        let rules = self.rules.iter().filter(|rule| rule.conditions.may_match(&target));
        let mut keys: Vec<String> = rules.chain([&self.otherwise]).map(|rule| rule.key_of(&target)).collect();
        keys.sort_unstable();
        keys.dedup();
        Some(keys)
    }

    /// Whether what becomes of a request may depend on its URI beyond its key.
    pub(super) fn looks_at_uris(&self) -> bool {
        !(self.rules.is_empty() && self.hosts.is_empty())
    }

    /// Whether responses of this host are stored.
    pub(super) fn serves(&self, target: &Uri) -> bool {
        self.hosts.is_empty()
            || target.authority().is_some_and(|host| self.hosts.iter().any(|known| known == host.as_str()))
    }

    /// Says in a response what became of its request.
    pub(super) fn say(&self, status: &CacheStatus, fields: &mut HeaderMap) {
        fields.remove(OWN_FIELD);
        if let Some(name) = &self.status_name {
            status.append_to(fields, name);
        }
    }
}

/// The rules of one request; there is always one.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Without the last one, so that a layer with no other allocates nothing.
    matching: Vec<Arc<Rule>>,
    otherwise: Arc<Rule>,
    apart: String,
}

impl Rules {
    /// The one that says how the request is looked for.
    pub(super) fn first(&self) -> &Rule {
        static DEFAULT: std::sync::LazyLock<Rule> = std::sync::LazyLock::new(Rule::new);
        self.all().find(|rule| rule.may_be_first()).unwrap_or(&DEFAULT)
    }

    fn all(&self) -> impl Iterator<Item = &Rule> {
        self.matching.iter().chain([&self.otherwise]).map(|rule| &**rule)
    }

    /// What the rules ask for beyond the URI, as a part of the key: also a later rule may store a response.
    pub(super) fn apart(&self) -> Option<&str> {
        Some(&*self.apart).filter(|apart| !apart.is_empty())
    }

    /// Those that may store a response.
    pub(super) fn storers(&self) -> impl Iterator<Item = &Rule> {
        // Whom the response is for is a matter of the key, which the first rule has made.
        let is_private = self.first().policy.is_private;
        self.all().filter(move |rule| rule.is_bypass || rule.policy.is_private == is_private)
    }

    /// The one by which a response is stored, if any.
    pub(super) fn storing(&self, status: StatusCode, fields: &HeaderMap) -> Option<&Rule> {
        self.storers().find(|rule| rule.stores(status, fields)).filter(|rule| !rule.is_bypass)
    }
}
