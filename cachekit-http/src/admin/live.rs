//! What changes, as it does: server-sent events, which the page reads with `fetch`, so that no credentials are in a URL.

use super::{gate::Gate, refusal::Refusal, view};
use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use cachekit_runtime::registry;
use http::{StatusCode, header, request::Parts};
use http_body::Frame;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Connections at once.
pub(super) const SEATS: usize = 16;

/// Between two events.
const PERIOD: Duration = Duration::from_secs(1);

/// Events until it is asked again whether the reader may still read.
pub(super) const TRUST: u32 = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// One cache of which everything is told.
    cache: Option<String>,
}

/// Counted while it lives.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(taken: &Arc<AtomicUsize>) -> Option<Self> {
        let seat = Seat(taken.clone());
        (taken.fetch_add(1, Ordering::Relaxed) < SEATS).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Events {
    ticks: Interval,
    cache: Option<String>,
    gate: Arc<Gate>,
    asked_by: Parts,
    trust: u32,
    _seat: Seat,
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let events = self.get_mut();
        ready!(events.ticks.poll_tick(cx));
        if events.trust == 0 {
            if events.gate.access(&events.asked_by).is_none_or(|access| !access.has(super::Scope::Read)) {
                return Poll::Ready(None);
            }
            events.trust = TRUST;
        }
        events.trust -= 1;
        let text = format!("event: caches\ndata: {}\n\n", now(events.cache.as_deref()));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(text)))))
    }
}

fn now(cache: Option<&str>) -> Value {
    let caches: Vec<Value> = registry::caches().iter().map(|cache| view::summary(&**cache)).collect();
    let cache = cache.and_then(registry::find).map(|cache| view::detail(&*cache));
    json!({ "caches": caches, "cache": cache })
}

pub(super) async fn live(
    State(gate): State<Arc<Gate>>,
    asked: Result<Query<Asked>, QueryRejection>,
    asked_by: Parts,
) -> Result<Response, Refusal> {
    let Query(Asked { cache }) =
        asked.map_err(|error| Refusal::bad(error.body_text(), "the query takes `cache`, and nothing else"))?;
    let seat = Seat::take(&gate.live).ok_or_else(|| {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_seat",
            format!("{SEATS} pages are open already"),
            "close one, or ask `GET api/caches` every now and then",
        )
    })?;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = Events { ticks, cache, gate, asked_by, trust: TRUST, _seat: seat };
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::new(events)).into_response())
}
