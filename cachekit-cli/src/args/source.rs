//! Where the entries are.

use cachekit_runtime::backend::Fingerprint;
use clap::{Args, ValueEnum, ValueHint};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A live service, or a store.
#[derive(Debug, Args)]
pub(crate) struct Where {
    #[command(flatten)]
    pub(crate) service: MaybeService,
    #[command(flatten)]
    pub(crate) store: Source,
}

impl Where {
    /// The service, if one was named.
    pub(crate) fn live(&self) -> Option<Live<'_>> {
        let MaybeService { admin, admin_token_file } = &self.service;
        let timeout = self.store.connect.timeout;
        admin.as_ref().map(|url| Live { url, token_file: admin_token_file.as_deref(), timeout })
    }
}

/// A live service, where a store may be named instead.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct MaybeService {
    /// A live service: the URL under which it mounts `cachekit::admin::router`. The token comes from CACHEKIT_ADMIN_TOKEN
    #[arg(long, value_name = "URL", conflicts_with_all = ["redis", "redis_file", "dir", "kind", "namespace", "create"])]
    pub(crate) admin: Option<Url>,
    /// The token of the service is in this file; `-` for the standard input
    #[arg(long, value_name = "FILE", requires = "admin", value_hint = ValueHint::FilePath)]
    pub(crate) admin_token_file: Option<PathBuf>,
}

/// A live service, where there is no other way.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(crate) struct Service {
    /// The live service: the URL under which it mounts `cachekit::admin::router`. The token comes from CACHEKIT_ADMIN_TOKEN
    #[arg(long, value_name = "URL")]
    pub(crate) admin: Url,
    /// The token of the service is in this file; `-` for the standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) admin_token_file: Option<PathBuf>,
    /// How long the service may take to answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
}

impl Service {
    pub(crate) fn live(&self) -> Live<'_> {
        Live { url: &self.admin, token_file: self.admin_token_file.as_deref(), timeout: self.timeout }
    }
}

/// What was said of a live service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live<'a> {
    pub(crate) url: &'a Url,
    pub(crate) token_file: Option<&'a Path>,
    pub(crate) timeout: Duration,
}

/// Where the entries are. What is not said here comes from `cachekit.toml` and the environment, as for a program.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct Source {
    /// A Redis. A URL with a password is better in CACHEKIT_REDIS_URL, in `cachekit.toml` or in a file, since others see arguments
    #[arg(long, value_name = "URL", conflicts_with_all = ["redis_file", "dir", "kind"], hide_env = true)]
    pub(crate) redis: Option<Url>,
    /// A Redis whose URL is in this file; `-` for the standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dir", "kind"], value_hint = ValueHint::FilePath)]
    pub(crate) redis_file: Option<PathBuf>,
    /// The folder of a file store, which no process may be using
    #[arg(long, value_name = "PATH", conflicts_with = "kind", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// Which of the two, where the configuration names both
    #[arg(long = "use", value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    #[command(flatten)]
    pub(crate) connect: Connect,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct Connect {
    /// What keeps applications apart that share a Redis
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// How long a server may take to answer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    /// Makes the file store if there is none
    #[arg(long)]
    pub(crate) create: bool,
}

/// The kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The Redis
    Redis,
    /// The file store
    File,
}

/// A URL that may have a password, which nothing shows.
#[derive(Clone)]
pub(crate) struct Url(pub(crate) String);

impl std::str::FromStr for Url {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Url(text.to_owned()))
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&cachekit_runtime::inspect::redacted_url(&self.0))
    }
}

/// Sixteen hexadecimal digits.
pub(super) fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    let number = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    number
        .map(Fingerprint)
        .ok_or_else(|| "a fingerprint has 16 hexadecimal digits, as `cachekit list` shows them".to_owned())
}
