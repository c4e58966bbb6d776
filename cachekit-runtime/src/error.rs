//! The one error type.

use std::{fmt, time::Duration};

/// What can go wrong in a cached call beyond what the function itself returns.
///
/// A cached function fails with it only where its own error type is `From<Error>` and its attribute asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// `load_timeout = (hard = …)`: the loader took longer than allowed.
    LoadTimeout {
        /// Name of the cache.
        cache: String,
        /// The hard load timeout.
        after: Duration,
    },
    /// A backend failed.
    #[cfg(feature = "backend")]
    Backend {
        /// Name of the backend.
        backend: String,
        /// In what way it failed.
        failure: crate::backend::Failure,
        /// What happened, without secrets.
        message: String,
    },
    /// The configuration has a mistake.
    #[cfg(feature = "backend")]
    Configuration {
        /// Where the mistake is: a file, a variable, the program.
        at: String,
        /// What is wrong and what to write, without secrets.
        message: String,
    },
    /// A value cannot be written in the format of its codec. It is not stored.
    #[cfg(feature = "backend")]
    Encode {
        /// Name of the codec.
        codec: String,
        /// Why not.
        message: String,
    },
    /// Bytes are none that the codec writes for a value of this type. The entry counts as missing.
    #[cfg(feature = "backend")]
    Decode {
        /// Name of the codec.
        codec: String,
        /// Why not.
        message: String,
    },
}

// By hand, as `UnknownStrategy`, so that the default build does without a derive (decision 0002).
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::LoadTimeout { cache, after } => {
                write!(f, "the loader of the cache `{cache}` did not finish within {after:?}")
            }
            #[cfg(feature = "backend")]
            Error::Backend { backend, failure, message } => write!(f, "the backend `{backend}`: {failure}: {message}"),
            #[cfg(feature = "backend")]
            Error::Configuration { at, message } => write!(f, "{at}: {message}"),
            #[cfg(feature = "backend")]
            Error::Encode { codec, message } => write!(f, "the codec `{codec}` cannot encode the value: {message}"),
            #[cfg(feature = "backend")]
            Error::Decode { codec, message } => write!(f, "the codec `{codec}` cannot decode the entry: {message}"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(feature = "backend")]
impl Error {
    /// A mistake in the configuration: where, and what.
    pub(crate) fn configuration(at: impl std::fmt::Display, message: impl std::fmt::Display) -> Self {
        Error::Configuration { at: at.to_string(), message: message.to_string() }
    }

    /// A value that a codec cannot encode, and why.
    pub fn encode(codec: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Error::Encode { codec: codec.into(), message: shortened(message) }
    }

    /// Bytes that a codec cannot decode, and why.
    pub fn decode(codec: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Error::Decode { codec: codec.into(), message: shortened(message) }
    }

    /// The failure of a backend. `message` reaches logs: no passwords in it.
    pub fn backend(
        backend: impl Into<String>,
        failure: crate::backend::Failure,
        message: impl std::fmt::Display,
    ) -> Self {
        Error::Backend { backend: backend.into(), failure, message: message.to_string() }
    }
}

/// The beginning of a message that may quote something long.
#[cfg(feature = "backend")]
pub(crate) fn shortened(message: impl std::fmt::Display) -> String {
    use std::fmt::Write;

    const MOST: usize = 300;
    struct Beginning(String);
    impl Write for Beginning {
        fn write_str(&mut self, part: &str) -> std::fmt::Result {
            let left = MOST.saturating_sub(self.0.len());
            self.0.push_str(part.get(..part.floor_char_boundary(left)).unwrap_or_default());
            if part.len() > left { Err(std::fmt::Error) } else { Ok(()) }
        }
    }
    let mut beginning = Beginning(String::new());
    if write!(beginning, "{message}").is_err() {
        beginning.0.push('…');
    }
    beginning.0
}

/// An output that can carry an [`Error`]: what a hard `load_timeout` and `on_backend_error = "fail"` ask of a function's return type.
///
/// Implemented for every `Result<T, E>` with `E: From<Error>`.
#[diagnostic::on_unimplemented(
    message = "this argument of `#[cache]` needs a `Result` whose error is `From<cachekit::Error>`, and this function returns `{Self}`",
    label = "ends a call with a `cachekit::Error`, which the output cannot carry",
    note = "implement `From<cachekit::Error>` for the error type, or leave out `hard = …` or `on_backend_error = \"fail\"`"
)]
pub trait TimedOut {
    /// The output for a load that timed out, or a backend that failed.
    fn timed_out(error: Error) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<Error>> TimedOut for Result<T, E> {
    fn timed_out(error: Error) -> Self {
        Err(E::from(error))
    }
}

/// Reports a hard `load_timeout` on a function that cannot say so.
#[inline]
pub const fn needs_timed_out<R: TimedOut>() {}
