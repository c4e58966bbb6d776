//! A live service: what its admin API answers.

mod names;
mod open;
mod refused;
mod said;

pub(crate) use said::{Caches, Configuration, Conflict, Detail, Entries, Entry, Explained, Row, bound, seconds, ttl};

use crate::{failure::Failure, output};
use open::Said;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};
use ureq::{Agent, Body, RequestBuilder, http::Response};

/// What a changing request must have, so that no form can send it.
const HEADER: &str = "x-cachekit-admin";

/// The largest answer that is read.
const LARGEST: u64 = 64 << 20;

/// So many seconds a request waits in all for a service that is asked too often.
const PATIENCE: u64 = 60;

/// The longest time for an answer: clocks end not long after what can be said.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A service that was named. Nothing was asked yet.
pub(crate) struct Service {
    agent: Agent,
    /// As [`PATIENCE`] says, or none.
    patience: u64,
    has_told_of_waiting: AtomicBool,
    base: String,
    token: Option<String>,
    /// As messages call it.
    pub(crate) name: String,
    /// The token can be read on its way.
    pub(crate) is_readable: bool,
}

/// An answer, or why there is none.
pub(crate) enum Answer {
    Given(Value),
    Refused(refused::Refused),
}

impl Service {
    /// Asks `api/caches…`.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.typed(path, self.ask(path)?)
    }

    /// As [`get`](Self::get), with the failure of what was answered left to the caller.
    pub(crate) fn ask(&self, path: &str) -> Result<Answer, Failure> {
        self.patiently(|| self.known(self.agent.get(self.url(path))).call())
    }

    /// Asks for what is asked with a body, or is a change.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.typed(path, self.send(path, body)?)
    }

    pub(crate) fn send(&self, path: &str, body: &Value) -> Result<Answer, Failure> {
        let text = body.to_string();
        self.patiently(|| {
            let request =
                self.agent.post(self.url(path)).header(HEADER, "1").header("content-type", "application/json");
            // A service that answers before it has read the body ends the connection, and the next request must not be on it.
            let request = request.header("connection", "close");
            self.known(request).send(&text)
        })
    }

    /// Ends what a `post` has begun.
    pub(crate) fn delete(&self, path: &str) -> Result<(), Failure> {
        let answer = self.patiently(|| self.known(self.agent.delete(self.url(path)).header(HEADER, "1")).call())?;
        self.typed::<Value>(path, answer).map(drop)
    }

    /// With who asks.
    fn known<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// Asks again where the service wants patience: it lets everybody ask so often and no more.
    fn patiently(&self, send: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Answer, Failure> {
        let mut patience = self.patience;
        loop {
            let refused = match self.answer(send())? {
                Answer::Refused(refused) if refused.is("too_many") => refused,
                answer => return Ok(answer),
            };
            let wait = refused.retry_after.unwrap_or(1).max(1);
            let Some(left) = patience.checked_sub(wait) else { return Ok(Answer::Refused(refused)) };
            patience = left;
            if !self.has_told_of_waiting.swap(true, Ordering::Relaxed) {
                output::remark(&format!("note: {} takes so many requests a second and no more: this waits", self.name));
            }
            thread::sleep(Duration::from_secs(wait));
        }
    }

    /// Does not wait: who asks looks again by itself.
    pub(crate) fn without_patience(mut self) -> Self {
        self.patience = 0;
        self
    }

    /// The part of an answer that was asked for.
    pub(crate) fn typed<T: DeserializeOwned>(&self, path: &str, answer: Answer) -> Result<T, Failure> {
        match answer {
            Answer::Given(value) => serde_json::from_value(value).map_err(|error| {
                Failure::store(format_args!(
                    "{}: this is not the admin API of cachekit, or one of another version: {error}",
                    self.name
                ))
                .next("is the path complete? It is where `cachekit::admin::router` is nested, such as http://127.0.0.1:3001/caches")
            }),
            Answer::Refused(refused) => Err(refused.failure(self, path)),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    fn answer(&self, answered: Result<Response<Body>, ureq::Error>) -> Result<Answer, Failure> {
        let mut response = answered.map_err(|error| refused::unreachable(&self.name, &error))?;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (location, retry_after) = (header("location"), header("retry-after"));
        let read = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        let bytes = read.map_err(|error| refused::unreachable(&self.name, &error))?;
        let value = serde_json::from_slice::<Value>(&bytes).ok();
        Ok(match (status, value) {
            (200..300, Some(value)) => Answer::Given(value),
            (_, value) => Answer::Refused(refused::Refused::new(status, value.as_ref(), location, retry_after)),
        })
    }

    /// All caches.
    pub(crate) fn caches(&self) -> Result<Caches, Failure> {
        self.get("api/caches")
    }

    /// The cache of that name, as the service knows it: by its path in Rust, or as stores show it.
    pub(crate) fn cache(&self, said: &str) -> Result<Detail, Failure> {
        let path = about(said);
        let answer = match self.ask(&path)? {
            Answer::Refused(refused) if refused.is("no_cache") => {
                let known = self.caches()?.caches;
                let names: Vec<&str> = known.iter().map(|row| &*row.name).collect();
                match names::of_store(said, &names) {
                    Some(name) => self.ask(&about(name))?,
                    None => return Err(names::unknown(said, &names, &self.name)),
                }
            }
            answer => answer,
        };
        let whole: Value = self.typed(&path, answer)?;
        let detail: Detail = self.typed(&path, Answer::Given(whole.clone()))?;
        Ok(Detail { whole, ..detail })
    }

    /// Which scopes the token has, if that can be asked.
    fn scopes(&self) -> Option<Vec<String>> {
        match self.ask("api/caches").ok()? {
            Answer::Given(value) => serde_json::from_value(value["access"]["scopes"].clone()).ok(),
            Answer::Refused(_) => None,
        }
    }
}

/// Opens the service that was said.
pub(crate) fn open(said: crate::args::Live<'_>) -> Result<Service, Failure> {
    let Said { base, token, is_readable, is_here } = open::read(said)?;
    let timeout = said.timeout.clamp(Duration::from_millis(1), LONGEST);
    let mut config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // A token goes nowhere but where it was meant to go.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("cachekit/", env!("CARGO_PKG_VERSION")));
    if is_here {
        config = config.proxy(None);
    }
    if base.starts_with("https:") {
        config = config.tls_config(open::tls());
    }
    Ok(Service {
        agent: config.build().into(),
        patience: PATIENCE,
        has_told_of_waiting: AtomicBool::new(false),
        name: base.clone(),
        base,
        token,
        is_readable,
    })
}

/// The path of a cache by its name.
pub(crate) fn about(cache: &str) -> String {
    format!("api/caches/{}", segment(cache))
}

/// A name as a segment of a path.
fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// What reading the token from a file, or from the standard input, gives.
fn read_all(file: &std::path::Path) -> io::Result<String> {
    if file.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { std::fs::read_to_string(file) }
}
