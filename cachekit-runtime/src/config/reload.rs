//! Reading the configuration again.

use super::{
    current::{apply, fit, replace},
    rules::Rule,
    sources, suggest, watch,
};
use crate::{Error, cache::Setting, registry, sync::lock};
use std::sync::Mutex;

/// Held while it is read, checked and put in place; of the two that meet, the later one sees what the earlier one did.
static RELOADING: Mutex<()> = Mutex::new(());

/// What a [reload](reload_configuration) did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// The caches of which the configuration says something else than before, and what. A [live change](crate::registry::Source::Live) of it stays in force.
    pub changed: Vec<(String, Vec<Setting>)>,
    /// What is no mistake, and perhaps not meant: names that no cache has so far, and what takes a restart.
    pub notes: Vec<String>,
}

/// Reads `cachekit.toml` and the environment again, and has what they say of caches hold from now on. What they do not say any more is again as the code has it.
/// A live change stays in force until it is [taken back](crate::Cache::take_back).
///
/// What is said of connections and of all entries holds from the start of a process to its end.
///
/// The file is read again by itself when it has changed, if it was there at the first use or `CACHEKIT_CONFIG` names it: it is looked at every 5 s, or as often as
/// `reload_every` says.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// match cachekit::reload_configuration() {
///     Ok(reloaded) => println!("{} caches are another", reloaded.changed.len()),
///     Err(mistakes) => mistakes.iter().for_each(|mistake| eprintln!("{mistake}")),
/// }
/// ```
///
/// # Errors
/// [`Error::Configuration`] for each mistake, with its file and line or its variable, and what to write instead. Then nothing has changed: what was in force still is.
pub fn reload_configuration() -> Result<Reloaded, Vec<Error>> {
    let (next, notes) = {
        let _one = lock(&RELOADING);
        let (sources, mut mistakes) = sources::read();
        for (cache, _) in registry::slots() {
            mistakes.extend(fit(&sources.rules, &*cache).1);
        }
        mistakes.sort_by_key(Error::to_string);
        mistakes.dedup();
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let notes = notes(&sources);
        watch::every(sources.reload_every);
        (replace(sources.rules), notes)
    };
    let changed = apply(&next);
    watch::begin();
    tracing::info!(caches = changed.len(), "the configuration was read again");
    for note in &notes {
        tracing::warn!("{note}");
    }
    Ok(Reloaded { changed, notes })
}

/// As [`reload_configuration`], for who can tell nobody but the log.
pub(super) fn reload_and_log() {
    for mistake in reload_configuration().err().unwrap_or_default() {
        tracing::error!("{mistake}; what was in force before still is");
    }
}

fn notes(sources: &sources::Sources) -> Vec<String> {
    let mut notes = Vec::new();
    let names: Vec<String> = registry::slots().iter().map(|(cache, _)| cache.name().to_owned()).collect();
    let exact = |rule: &&Rule| rule.pattern.is_exact() && !names.iter().any(|name| rule.pattern.matches(name));
    for rule in sources.rules.file.iter().chain(&sources.rules.environment).filter(exact) {
        let name = rule.pattern.text();
        let meant = suggest::suggestion(name, names.iter().map(String::as_str));
        let meant = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
        notes.push(rule.origin.mistake(format!("no cache is called `{name}` so far{meant}")).to_string());
    }
    let program = lock(&super::PROGRAM).clone();
    // Without settling it: the program may still say something.
    let said = sources.said(program.clone());
    if super::SETTLED.get().map_or_else(|| said != sources::first().said(program), |settled| said != *settled) {
        notes.push(
            "what is said of connections, or of all entries, is another than at the start: it takes a restart"
                .to_owned(),
        );
    }
    notes
}
