//! Strategies by name, and how a cache builds their policies.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{Fifo, Lfu, Lirs, Lru, Policy, S3Fifo, S3TinyLfu, Sieve, WTinyLfu};

/// Builds the policy of one shard from the most entries that the shard may hold.
pub type PolicyFactory = Arc<dyn Fn(usize) -> Box<dyn Policy> + Send + Sync>;

/// An eviction strategy as named in configuration.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::policy::Strategy;
///
/// let strategy: Strategy = "lru".parse()?;
/// assert_eq!(strategy.name(), "lru");
/// assert_eq!(Strategy::default().name(), "s3-tinylfu");
/// # Ok::<(), cachekit::policy::UnknownStrategy>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// [`Lru`], `"lru"`.
    Lru,
    /// [`Lfu`], `"lfu"`.
    Lfu,
    /// [`Fifo`], `"fifo"`.
    Fifo,
    /// [`Sieve`], `"sieve"`.
    Sieve,
    /// [`S3Fifo`], `"s3-fifo"`.
    S3Fifo,
    /// [`WTinyLfu`], `"w-tinylfu"`.
    WTinyLfu,
    /// [`Lirs`], `"lirs"`.
    Lirs,
    /// [`S3TinyLfu`], `"s3-tinylfu"`.
    #[default]
    S3TinyLfu,
    /// `"adaptive"`: what the traffic shows to be best.
    Adaptive,
    /// A policy of the user's.
    Custom {
        /// What statistics and logs call it.
        name: Arc<str>,
        /// Called once for each shard, and again when the cache is cleared.
        factory: PolicyFactory,
    },
}

/// The strategies that have a name of their own, in the order in which messages list them.
const NAMED: [Strategy; 9] = [
    Strategy::Lru,
    Strategy::Lfu,
    Strategy::Fifo,
    Strategy::Sieve,
    Strategy::S3Fifo,
    Strategy::WTinyLfu,
    Strategy::Lirs,
    Strategy::S3TinyLfu,
    Strategy::Adaptive,
];

impl Strategy {
    /// The strategy of a user's policy, named like the type without its path.
    ///
    /// ```
    /// # use cachekit_runtime as cachekit;
    /// use cachekit::policy::{Lru, Strategy};
    ///
    /// assert_eq!(Strategy::of::<Lru>().name(), "Lru");
    /// ```
    pub fn of<P: Policy>() -> Self {
        let path = std::any::type_name::<P>();
        let plain = path.split('<').next().unwrap_or(path);
        let name = plain.rsplit("::").next().unwrap_or(plain);
        Strategy::Custom { name: name.into(), factory: build::<P>() }
    }

    /// Those that come with cachekit and stay what they are: all but `"adaptive"`, which chooses.
    #[must_use]
    pub fn fixed() -> [Strategy; 8] {
        let [fixed @ .., _] = NAMED;
        fixed
    }

    /// The name, as [`FromStr`] takes it for the strategies that come with cachekit.
    pub fn name(&self) -> &str {
        match self {
            Strategy::Lru => "lru",
            Strategy::Lfu => "lfu",
            Strategy::Fifo => "fifo",
            Strategy::Sieve => "sieve",
            Strategy::S3Fifo => "s3-fifo",
            Strategy::WTinyLfu => "w-tinylfu",
            Strategy::Lirs => "lirs",
            Strategy::S3TinyLfu => "s3-tinylfu",
            Strategy::Adaptive => "adaptive",
            Strategy::Custom { name, .. } => name,
        }
    }

    /// What builds the policies of this strategy.
    pub fn factory(&self) -> PolicyFactory {
        match self {
            Strategy::Lru => build::<Lru>(),
            Strategy::Lfu => build::<Lfu>(),
            Strategy::Fifo => build::<Fifo>(),
            Strategy::Sieve => build::<Sieve>(),
            Strategy::S3Fifo => build::<S3Fifo>(),
            Strategy::WTinyLfu => build::<WTinyLfu>(),
            Strategy::Lirs => build::<Lirs>(),
            Strategy::S3TinyLfu | Strategy::Adaptive => build::<S3TinyLfu>(),
            Strategy::Custom { factory, .. } => Arc::clone(factory),
        }
    }
}

fn build<P: Policy>() -> PolicyFactory {
    Arc::new(|capacity| Box::new(P::with_capacity(capacity)))
}

impl fmt::Debug for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Strategy").field(&self.name()).finish()
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        NAMED.into_iter().find(|strategy| strategy.name() == name).ok_or_else(|| UnknownStrategy(name.into()))
    }
}

/// A name that is no strategy of cachekit's. Custom strategies have no name to be found by: pass them as [`Strategy::of`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownStrategy(String);

impl fmt::Display for UnknownStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown strategy {:?}: use {}", self.0, names())
    }
}

impl std::error::Error for UnknownStrategy {}

/// `"a", "b" or "c"`.
fn names() -> String {
    let names = NAMED.map(|strategy| format!("{:?}", strategy.name()));
    let [first @ .., last] = &names;
    format!("{} or {last}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_strategies() {
        for strategy in NAMED {
            assert_eq!(strategy.name().parse::<Strategy>().map(|found| found.to_string()), Ok(strategy.to_string()));
        }
    }

    #[test]
    fn an_unknown_name_is_told_what_to_write() {
        let message = "LRU".parse::<Strategy>().map_err(|error| error.to_string()).map(|found| found.to_string());
        assert_eq!(
            message,
            Err(r#"unknown strategy "LRU": use "lru", "lfu", "fifo", "sieve", "s3-fifo", "w-tinylfu", "lirs", "s3-tinylfu" or "adaptive""#
                .to_owned())
        );
    }
}
