//! The file and the environment, read together.

use super::{environment, said::Said};
#[cfg(feature = "config")]
use super::{file, rules::Rule, variables};
use crate::{Error, sync::lock};
use std::sync::{Mutex, OnceLock};
#[cfg(feature = "config")]
use std::time::Duration;

/// What file and environment say. What has a mistake says nothing.
#[derive(Debug, Default)]
pub(super) struct Sources {
    file: Said,
    environment: Said,
    /// How often the file is looked at for changes; zero: never.
    #[cfg(feature = "config")]
    pub(super) reload_every: Option<Duration>,
    #[cfg(feature = "config")]
    pub(super) rules: Rules,
}

/// What is said of caches.
#[cfg(feature = "config")]
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) file: Vec<Rule>,
    pub(crate) environment: Vec<Rule>,
}

impl Sources {
    /// Of backends, together with what the program says.
    pub(super) fn said(&self, program: Option<Said>) -> Said {
        program.unwrap_or_default().or(self.environment.clone()).or(self.file.clone())
    }
}

/// Reads all of it anew.
pub(super) fn read() -> (Sources, Vec<Error>) {
    let (mut sources, mut mistakes) = (Sources::default(), Vec::new());
    #[cfg(feature = "config")]
    {
        match file::read() {
            Ok(whole) => {
                sources.file = whole.said;
                sources.reload_every = whole.reload_every;
                sources.rules.file = whole.rules;
            }
            Err(all) => mistakes.extend(all),
        }
        match variables::read() {
            Ok(whole) => {
                sources.environment = whole.said;
                sources.reload_every = whole.reload_every.or(sources.reload_every);
                sources.rules.environment = whole.rules;
            }
            Err(all) => mistakes.extend(all),
        }
    }
    match environment::read() {
        Ok(said) => sources.environment = said.or(sources.environment),
        Err(mistake) => mistakes.push(mistake),
    }
    (sources, mistakes)
}

/// Caches are known by their names where there is a registry.
#[cfg(feature = "config")]
fn without_registry(rules: &Rules) -> Option<Error> {
    let first = rules.file.iter().chain(&rules.environment).find(|_| !cfg!(feature = "registry"))?;
    Some(
        first.origin.mistake("settings of caches need the feature `registry` of cachekit: without it they say nothing"),
    )
}

/// All sources together, and what is wrong with them.
pub(crate) fn gather(program: Option<Said>) -> (Said, Vec<Error>) {
    let (sources, mistakes) = read();
    (sources.said(program), mistakes)
}

/// What is said of caches, and may be well or not: strategies that only a program can know.
#[cfg(all(feature = "config", feature = "inspect"))]
pub(crate) fn notes() -> Vec<String> {
    use super::{grammar::What, suggest::suggestion};
    use crate::policy::Strategy;

    let (sources, _) = read();
    let known: Vec<String> =
        Strategy::fixed().iter().chain([&Strategy::Adaptive]).map(|strategy| strategy.name().to_owned()).collect();
    let rules = sources.rules.file.iter().chain(&sources.rules.environment);
    let stated = rules.flat_map(|rule| rule.settings.values());
    let note = |stated: &super::grammar::Stated| {
        let What::Strategy(name) = &stated.what else { return None };
        if known.contains(name) {
            return None;
        }
        let meant = suggestion(name, known.iter().map(String::as_str));
        let meant = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
        Some(stated.origin.mistake(format_args!("the strategy `{name}` is none of cachekit's{meant}")).to_string())
    };
    stated.filter_map(note).collect()
}

/// As they were when they were needed first. Mistakes have been a line in the log each.
pub(super) fn first() -> &'static Sources {
    static FIRST: OnceLock<(Sources, Mutex<Vec<Error>>)> = OnceLock::new();
    let (sources, mistakes) = FIRST.get_or_init(|| {
        let (sources, mistakes) = read();
        #[cfg(feature = "config")]
        let mistakes = mistakes.into_iter().chain(without_registry(&sources.rules)).collect();
        (sources, Mutex::new(mistakes))
    });
    // After it is there: who logs may use a cache.
    let unsaid = std::mem::take(&mut *lock(mistakes));
    for mistake in unsaid {
        tracing::error!("{mistake}");
    }
    sources
}
