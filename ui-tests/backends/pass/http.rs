//! Handlers of every form, as Axum takes them.

use axum::{
    Form, Json, Router,
    extract::{FromRequestParts, OriginalUri, Path, Query, RawQuery, State},
    http::{HeaderMap, Method, Uri, request::Parts},
    response::IntoResponse,
    routing::get,
};
use cachekit::{cache, http::Extracted};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc};

#[derive(Deserialize, Serialize)]
struct Page {
    page: u32,
}

struct App;

#[cache(http)]
async fn plain() -> &'static str {
    "plain"
}

/// Documented.
#[cache(http(vary = ["accept-language"], etag = false, statuses = [200, 404], max_body = "64 kB"), ttl = "30s", skip(headers, _uri))]
pub async fn all(
    State(_app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    OriginalUri(_uri): OriginalUri,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    Path((id, name)): Path<(u64, String)>,
    query: Query<Page>,
) -> impl IntoResponse {
    format!("{method} {uri} {raw:?} {} {id} {name} {}", headers.len(), query.page)
}

#[cache(http, key = (page.page % 10, *id), stale_while_revalidate = "1m", stale_if_error = "1h", errors = "1s")]
async fn keyed(Path(id): Path<u64>, Query(page): Query<Page>) -> Result<Json<Page>, String> {
    if id == 0 { Err("none".to_owned()) } else { Ok(Json(page)) }
}

#[cache(http, tags = ["page:{page}"], bypass_if = *page == 0, companion = form_cache)]
async fn form(Form(Page { page }): Form<Page>) -> (axum::http::StatusCode, String) {
    (axum::http::StatusCode::OK, page.to_string())
}

struct Limit(u32);

impl<S: Sync> FromRequestParts<S> for Limit {
    type Rejection = Infallible;
    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Limit(3))
    }
}

impl Extracted for Limit {
    type Content<'a> = u32;
    fn content(&self) -> u32 {
        self.0
    }
}

#[cache(http(private = limit.0))]
async fn own(limit: Limit, Json(page): Json<Page>) -> String {
    format!("{} {}", limit.0, page.page)
}

/// One of the parameters is there in some builds.
#[cache(http)]
async fn sometimes(#[cfg(any())] absent: HeaderMap, #[cfg(not(any()))] Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http)]
async fn generic<T: ToString + Default + 'static>(limit: Limit) -> String {
    format!("{} {}", limit.0, T::default().to_string())
}

fn main() {
    let _: Router = Router::new()
        .route("/plain", get(plain))
        .route("/all/{id}/{name}", get(all))
        .route("/keyed/{id}", get(keyed))
        .route("/form", get(form))
        .route("/own", get(own))
        .route("/sometimes/{id}", get(sometimes))
        .route("/generic", get(generic::<u8>))
        .with_state(Arc::new(App));
    let _ = (form_cache::handle().stats(), all::handle());
}
