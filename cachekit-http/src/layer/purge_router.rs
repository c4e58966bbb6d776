//! Purging by HTTP.

use super::purge::CacheHandle;
use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::post,
};
use cachekit_runtime::Delivery;
use http::{StatusCode, Uri, request::Parts};

impl CacheHandle {
    /// A router that purges, to be nested where one likes. There is none without `authorise`, which says for each request whether it may; what may not
    /// gets a 403.
    ///
    /// `POST /uri` and `POST /tag` purge the absolute URI or the tag in their body, `POST /all` everything; with the query `soft`, softly. The answer is 200 where the
    /// purge is done, 202 where a backend does not answer and will be told later, 400 for something that is no URI.
    ///
    /// ```
    /// # use axum::Router;
    /// # let cache = cachekit_http::CacheLayer::new();
    /// let secret = "a long one, from the environment";
    /// let purges = cache.handle().router(move |request| {
    ///     request.headers.get("authorization").is_some_and(|given| given.as_bytes() == secret.as_bytes())
    /// });
    /// let app: Router = Router::new().nest("/purge", purges);
    /// ```
    pub fn router<S>(self, authorise: impl Fn(&Parts) -> bool + Clone + Send + Sync + 'static) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        Router::new()
            .route("/uri", post(uri))
            .route("/tag", post(tag))
            .route("/all", post(all))
            .layer(from_fn(move |request: Request, next: Next| {
                let (parts, body) = request.into_parts();
                let may = authorise(&parts);
                async move {
                    match may {
                        true => next.run(Request::from_parts(parts, body)).await,
                        false => StatusCode::FORBIDDEN.into_response(),
                    }
                }
            }))
            .with_state(self)
    }
}

fn is_soft(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|part| part == "soft"))
}

fn answer(delivery: Delivery) -> Response {
    match delivery {
        Delivery::Queued => StatusCode::ACCEPTED.into_response(),
        _ => StatusCode::OK.into_response(),
    }
}

async fn uri(State(handle): State<CacheHandle>, request: Uri, body: String) -> Response {
    let Ok(meant) = body.trim().parse::<Uri>() else { return StatusCode::BAD_REQUEST.into_response() };
    let purged = match is_soft(&request) {
        true => handle.soft_purge_uri(&meant).await,
        false => handle.purge_uri(&meant).await,
    };
    match purged {
        Ok(delivery) => answer(delivery),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

async fn tag(State(handle): State<CacheHandle>, request: Uri, body: String) -> Response {
    answer(match is_soft(&request) {
        true => handle.soft_purge_tag(body.trim()).await,
        false => handle.purge_tag(body.trim()).await,
    })
}

async fn all(State(handle): State<CacheHandle>, request: Uri) -> Response {
    answer(match is_soft(&request) {
        true => handle.soft_purge_all().await,
        false => handle.purge_all().await,
    })
}
