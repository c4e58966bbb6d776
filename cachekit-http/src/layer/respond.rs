//! The response to a client from what is stored.

use super::{body::CacheBody, flights::Filling, shared::Shared, spool::Reader};
use crate::{
    fields::{CacheStatus, Marks},
    policy::{
        Head, preconditions,
        ranges::{self, Part},
    },
    store::Entry,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, response::Parts};
use std::time::SystemTime;

/// The largest `Age` that is written (RFC 9111 §1.2.2).
const OLDEST: u64 = 1 << 31;

/// How many fields are added: `Age`, `Cache-Status`, `Content-Length`, `Content-Range`, and what a cached handler says to its clients.
const OURS: usize = 5;

/// A client's request, as far as the form of its answer depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) method: &'a Method,
    pub(super) fields: &'a HeaderMap,
    pub(super) marks: Marks,
}

/// The fields of a head for a client.
fn fields_of(head: &Head, now: SystemTime, is_validated: bool) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(head.fields.keys_len() + OURS);
    for (name, value) in &head.fields {
        fields.append(name, value.clone());
    }
    if !is_validated {
        for name in &head.unvalidated {
            fields.remove(name);
        }
    }
    fields.insert(header::AGE, HeaderValue::from(head.age(now).as_secs().min(OLDEST)));
    fields
}

fn response(status: StatusCode, fields: HeaderMap, body: CacheBody) -> Response<CacheBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

fn not_modified(mut fields: HeaderMap) -> Response<CacheBody> {
    fields = preconditions::fields_of_304(&fields);
    response(StatusCode::NOT_MODIFIED, fields, CacheBody::empty())
}

/// Takes away what describes the response that a 416 stands in place of: its freshness, its validators and its body.
fn remove_what_is_of_the_200(fields: &mut HeaderMap) {
    let of_it = [
        header::AGE,
        header::CONTENT_ENCODING,
        header::CONTENT_LANGUAGE,
        header::CONTENT_TYPE,
        header::ETAG,
        header::EXPIRES,
        header::LAST_MODIFIED,
    ];
    let targeted = fields.keys().filter(|name| name.as_str().ends_with("cache-control")).cloned();
    for name in targeted.chain(of_it).collect::<Vec<_>>() {
        fields.remove(name);
    }
}

fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}

impl Shared {
    /// From a complete response. `is_validated`: the handler has just said that it is still good.
    pub(super) fn respond(
        &self,
        asking: Asking<'_>,
        entry: &Entry,
        now: SystemTime,
        is_validated: bool,
        status: &CacheStatus,
    ) -> Response<CacheBody> {
        let Entry { head, body, .. } = entry;
        let make = || {
            let mut fields = fields_of(head, now, is_validated);
            self.say(status, &mut fields);
            if !has_no_body(head.status) {
                fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            }
            if let Some(unsaid) = self.unsaid.as_ref().filter(|_| head.status.is_success()) {
                fields.entry(header::CACHE_CONTROL).or_insert_with(|| unsaid.clone());
            }
            fields
        };
        let mut fields = match status.of_plain_hit() {
            Some(ttl) if !is_validated => entry.given.at((head.age(now).as_secs(), ttl), make),
            _ => make(),
        };
        let asks_for_less = asking.marks.asks_for_less;
        if asks_for_less && preconditions::is_not_modified(asking.fields, head) {
            return not_modified(fields);
        }
        let may_be_cut = asks_for_less && asking.method == Method::GET;
        let part = if may_be_cut { ranges::part(asking.fields, head, body.len()) } else { Part::Whole };
        let text = |text: String| HeaderValue::from_str(&text).ok();
        let (code, body, content_range) = match part {
            Part::Whole => (head.status, body.clone(), None),
            Part::Bytes(range) => {
                let content_range = text(ranges::content_range(&range, body.len()));
                (StatusCode::PARTIAL_CONTENT, body.slice(range), content_range)
            }
            Part::Nothing => {
                remove_what_is_of_the_200(&mut fields);
                let content_range = text(ranges::content_range_of_nothing(body.len()));
                (StatusCode::RANGE_NOT_SATISFIABLE, bytes::Bytes::new(), content_range)
            }
        };
        if let Some(content_range) = content_range {
            fields.insert(header::CONTENT_RANGE, content_range);
            fields.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let body = if asking.method == Method::HEAD { CacheBody::empty() } else { CacheBody::full(body) };
        response(code, fields, body)
    }

    /// From a response whose body is under way. `original` is how it came, for who has caused it: what is not stored is theirs.
    pub(super) fn respond_filling(
        &self,
        asking: Asking<'_>,
        filling: &Filling,
        reader: Reader,
        original: Option<Parts>,
        status: &CacheStatus,
    ) -> Response<CacheBody> {
        let head = &filling.head;
        let mut parts = original.unwrap_or_else(|| {
            let (mut parts, ()) = Response::new(()).into_parts();
            (parts.status, parts.headers) = (head.status, fields_of(head, self.now(), false));
            if let Some(length) = filling.length.filter(|_| !has_no_body(head.status)) {
                parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            parts
        });
        self.say(status, &mut parts.headers);
        if asking.marks.asks_for_less && preconditions::is_not_modified(asking.fields, head) {
            return not_modified(parts.headers);
        }
        let body = match asking.method == Method::HEAD {
            true => CacheBody::empty(),
            false => CacheBody::spooled(reader, filling.length),
        };
        Response::from_parts(parts, body)
    }

    /// A response that only passes.
    pub(super) fn pass<B>(&self, passed: Response<B>, status: &CacheStatus) -> Response<CacheBody>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<super::body::BoxError>,
    {
        let (mut parts, body) = passed.into_parts();
        self.say(status, &mut parts.headers);
        Response::from_parts(parts, CacheBody::passed(body))
    }

    /// `only-if-cached`, and nothing that answers (RFC 9111 §5.2.1.7).
    pub(super) fn respond_nothing(&self) -> Response<CacheBody> {
        let mut fields = HeaderMap::new();
        let status = CacheStatus { detail: Some("only-if-cached"), ..CacheStatus::default() };
        if let Some(name) = &self.status_name
            && let Ok(member) = HeaderValue::from_str(&status.member(name).replace("; hit", ""))
        {
            fields.insert(crate::fields::CACHE_STATUS, member);
        }
        response(StatusCode::GATEWAY_TIMEOUT, fields, CacheBody::empty())
    }
}
