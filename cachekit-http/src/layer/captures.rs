//! The tags of a response, with their versions from before it was asked for: what is purged meanwhile is not stored.

use super::{rule::Rule, shared::Rules};
use crate::store::{EntryKey, Store};
use cachekit_runtime::Captured;
use http::HeaderMap;

#[derive(Debug)]
pub(super) struct Captures {
    /// In the order of the rules that may store it.
    of_rules: Vec<Vec<String>>,
    captured: Vec<(Vec<String>, Captured)>,
    /// How often tags had changed.
    changes: u64,
}

impl Captures {
    /// `of_rules`: what each rule says that may store it. `stale`: the tags of what is there.
    pub(super) async fn new(
        store: &Store,
        primary: &EntryKey,
        rules: &Rules,
        of_rules: Vec<Vec<String>>,
        stale: Option<&Vec<String>>,
    ) -> Self {
        let mut captures = Captures { of_rules, captured: Vec::new(), changes: store.tag_changes() };
        let learned = store.learned_tags(primary);
        let expected = rules.storers().zip(&captures.of_rules).map(|(rule, tags)| {
            let named = learned.iter().filter(|_| rule.names_tags()).flat_map(|named| named.iter().cloned());
            tags.iter().cloned().chain(named).collect::<Vec<_>>()
        });
        for tags in expected.chain(stale.cloned()).collect::<Vec<_>>() {
            if captures.of(&tags).is_none() {
                let captured = store.capture(primary, &tags).await;
                captures.captured.push((tags, captured));
            }
        }
        captures
    }

    /// The versions of these tags, if they were captured.
    pub(super) fn of(&self, tags: &[String]) -> Option<&Captured> {
        self.captured.iter().find(|(known, _)| known == tags).map(|(_, captured)| captured)
    }

    /// The tags of a response that this rule stores.
    pub(super) fn tags(&self, rules: &Rules, rule: &Rule, response: &HeaderMap) -> Vec<String> {
        let at = rules.storers().position(|known| std::ptr::eq(known, rule));
        let mut tags = at.and_then(|at| self.of_rules.get(at).cloned()).unwrap_or_default();
        tags.extend(rule.tags_named(response));
        tags
    }

    /// The versions of the tags of a response, also if only it names them. That is known when it comes: what was purged before is not, so they are captured then
    /// where nothing was purged since the question, and otherwise before the next one.
    pub(super) async fn of_response(
        self,
        store: &Store,
        primary: &EntryKey,
        tags: &[String],
        named: Vec<String>,
    ) -> Option<Captured> {
        if let Some(captured) = self.of(tags) {
            return Some(captured.clone());
        }
        store.learn_tags(primary, named);
        // Other processes purge too, and tell those who know the tag.
        if !store.is_alone() {
            return None;
        }
        let captured = store.capture(primary, tags).await;
        (store.tag_changes() == self.changes).then_some(captured)
    }
}
