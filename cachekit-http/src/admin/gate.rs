//! What every request goes through before anything is told or done.

use super::{
    Access, HEADER, Scope, audit,
    limits::{Kind, Limits, Peer},
    origin, page,
    refusal::Refusal,
};
use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use cachekit_runtime::time::Clock;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
};

type Authorise = Box<dyn Fn(&Parts) -> Option<Access> + Send + Sync>;

/// What all requests to one router share.
pub(super) struct Gate {
    authorise: Authorise,
    pub(super) hosts: Vec<String>,
    limits: Limits,
    /// Live connections that are open.
    pub(super) live: Arc<AtomicUsize>,
    #[cfg(feature = "prometheus")]
    pub(super) prometheus: Option<cachekit_runtime::metrics::Prometheus>,
}

impl Gate {
    pub(super) fn new(authorise: Authorise, clock: Clock) -> Self {
        Gate {
            authorise,
            hosts: Vec::new(),
            limits: Limits::new(clock),
            live: Arc::default(),
            #[cfg(feature = "prometheus")]
            prometheus: None,
        }
    }

    #[cfg(test)]
    pub(super) fn limits(&mut self, clock: Clock) {
        self.limits = Limits::new(clock);
    }

    #[cfg(test)]
    pub(super) fn take_limits(&mut self) -> Limits {
        std::mem::replace(&mut self.limits, Limits::new(Clock::system()))
    }

    /// Who asks, anew: what was allowed when a connection was opened may not be any longer.
    pub(super) fn access(&self, parts: &Parts) -> Option<Access> {
        (self.authorise)(parts)
    }

    fn admits(&self, parts: &Parts) -> Result<(), Refusal> {
        let host = origin::host(parts, &self.hosts)?;
        origin::check(parts, &host, &self.hosts)?;
        self.limits.take(peer(parts), Kind::Request)
    }

    fn authorises(&self, parts: &Parts) -> Result<Access, Refusal> {
        let peer = peer(parts);
        self.limits.check(peer, Kind::Refused)?;
        let Some(access) = (self.authorise)(parts) else {
            self.limits.take(peer, Kind::Refused)?;
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "not_authorised",
                "the service does not know who asks",
                "send the credentials that its authorisation function wants, such as `Authorization: Bearer …`",
            ));
        };
        if is_change(&parts.method) {
            if !parts.headers.contains_key(HEADER) {
                return Err(Refusal::new(
                    StatusCode::FORBIDDEN,
                    "no_header",
                    format!("a {} needs the header `{HEADER}`", parts.method),
                    format!("send `{HEADER}: 1`, which no form can"),
                ));
            }
            self.limits.take(peer, Kind::Change)?;
        }
        Ok(access)
    }
}

fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

fn peer(parts: &Parts) -> Peer {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// Around everything, the page included.
pub(super) async fn admit(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match gate.admits(&parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for name in ["cross-origin-resource-policy", "cross-origin-opener-policy"] {
        headers.insert(name, HeaderValue::from_static("same-origin"));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(page::NOTHING));
    response
}

/// Around everything but the page.
pub(super) async fn authorise(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match gate.authorises(&parts) {
        Ok(access) => {
            parts.extensions.insert(access);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refusal) => {
            audit::refused(None, &parts, &refusal);
            refusal.into_response()
        }
    }
}

/// Around the routes of one scope.
pub(super) async fn needs(scope: Scope, request: Request, next: Next) -> Response {
    // What is not there was not authorised.
    let access = request.extensions().get::<Access>();
    if access.is_some_and(|access| access.has(scope)) {
        return next.run(request).await;
    }
    let refusal = Refusal::new(
        StatusCode::FORBIDDEN,
        "no_scope",
        format!("this needs the scope `{}`", scope.name()),
        "ask somebody who has it, or let the authorisation function of the service give it to you",
    );
    let access = access.cloned();
    let (parts, _) = request.into_parts();
    audit::refused(access.as_ref(), &parts, &refusal);
    refusal.into_response()
}
