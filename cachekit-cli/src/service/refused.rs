//! Why a service gave no answer, and what to do next.

use super::Service;
use crate::failure::Failure;
use serde_json::Value;
use std::io::ErrorKind;

/// An answer that is none.
#[derive(Debug)]
pub(crate) struct Refused {
    status: u16,
    /// The API's word; empty where something else than the API has answered.
    code: String,
    message: String,
    instead: String,
    location: Option<String>,
    /// In seconds, where it is said.
    pub(super) retry_after: Option<u64>,
}

impl Refused {
    pub(super) fn new(
        status: u16,
        body: Option<&Value>,
        location: Option<String>,
        retry_after: Option<String>,
    ) -> Self {
        let text = |part: &str| {
            let error = body.and_then(|body| body.get("error"));
            error.and_then(|error| error[part].as_str()).unwrap_or_default().to_owned()
        };
        Refused {
            status,
            code: text("code"),
            message: text("message"),
            instead: text("instead"),
            location,
            retry_after: retry_after.and_then(|seconds| seconds.parse().ok()),
        }
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// As a person reads it.
    pub(crate) fn failure(self, service: &Service, path: &str) -> Failure {
        let Refused { status, code, message, instead, location, retry_after } = self;
        let name = &service.name;
        match (status, &*code) {
            (_, "not_authorised") => match service.token {
                Some(_) => Failure::store(format_args!("{name} does not take this token"))
                    .next("see whether it is the token of this service, and whole: CACHEKIT_ADMIN_TOKEN or `--admin-token-file FILE`"),
                None => Failure::store(format_args!("{name} wants a token, and none was said"))
                    .next("put it into CACHEKIT_ADMIN_TOKEN, or into a file and say `--admin-token-file FILE`"),
            },
            (_, "no_scope") => {
                let has = match service.scopes() {
                    Some(scopes) if !scopes.is_empty() => format!("; this token has {}", scopes.join(", ")),
                    _ => String::new(),
                };
                Failure::store(format_args!("{name}: {message}{has}")).next(instead)
            }
            (_, "hidden") => Failure::store(format_args!("{name}: {message}"))
                .next("let the authorisation function of the service give you `may_see_entries`"),
            (_, "no_route") if path.split('?').next().unwrap_or_default().ends_with("/advice") => {
                Failure::store(format_args!("{name} is built without advice"))
                    .next("build the service with the feature `advice`, or let it record a trace (docs/traces.md)")
            }
            (_, "no_key" | "no_text") => Failure::usage(format_args!("{name}: {message}"))
                .next("`cachekit keys` shows the keys as they are written: 42, '\"Ann\"', '42,\"Ann\"'"),
            (429, _) => Failure::store(format_args!("{name} is asked too often")).next(match retry_after {
                Some(seconds) => format!("wait {seconds} s and ask again; everybody behind one address shares a limit"),
                None => "wait some seconds and ask again; everybody behind one address shares a limit".to_owned(),
            }),
            (400, "bad_request") => Failure::usage(format_args!("{name}: {message}")).next(instead),
            (_, code) if !code.is_empty() => Failure::store(format_args!("{name}: {message}")).next(instead),
            (300..400, _) => Failure::store(format_args!(
                "{name} leads elsewhere{}, and the token goes nowhere but where it was meant to go",
                location.map(|to| format!(", to {}", to.split(['?', '#']).next().unwrap_or_default())).unwrap_or_default()
            ))
            .next("name the address that it leads to, if that is the service"),
            (401 | 403, _) => Failure::store(format_args!("{name} is guarded by something that answers {status} before the admin API does"))
                .next("see what stands in front of the service"),
            _ => Failure::store(format_args!("there is no admin API at {name}: it answers {status}"))
                .next("name the path where `cachekit::admin::router` is nested, such as http://127.0.0.1:3001/caches"),
        }
    }
}

/// The service could not be asked, or its answer did not come whole.
pub(super) fn unreachable(name: &str, error: &ureq::Error) -> Failure {
    let (what, next) = match error {
        ureq::Error::Timeout(_) => (
            "it did not answer in time".to_owned(),
            "see whether the service is well; a slow one needs a larger `--timeout`",
        ),
        ureq::Error::HostNotFound => ("there is no host of that name".to_owned(), "see how the host is written"),
        ureq::Error::Io(error) if error.kind() == ErrorKind::ConnectionRefused => {
            ("nobody listens there".to_owned(), "see whether the service runs, and on which port")
        }
        ureq::Error::Io(error) if is_certificate(error) => (error.to_string(), CERTIFICATE),
        ureq::Error::Rustls(error) => (error.to_string(), CERTIFICATE),
        ureq::Error::Tls(said) => ((*said).to_owned(), CERTIFICATE),
        other => (
            other.to_string(),
            "see whether the service runs and can be reached from here, and whether it speaks http or https",
        ),
    };
    Failure::store(format_args!("{name}: {what}")).next(next)
}

const CERTIFICATE: &str = "its certificate must be for this host and of an authority that this machine trusts; SSL_CERT_FILE names another file of authorities";

fn is_certificate(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
