//! The service: what is cached, and by what.

use crate::{
    SECRET,
    almanac::{Almanac, Day, Extreme},
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use cachekit::{
    cache,
    http::{CacheLayer, Rule},
    invalidate,
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

pub(crate) fn router(almanac: Arc<Almanac>) -> Router {
    // Of this router every response is cached that says nothing else, by its URI.
    let layer = CacheLayer::builder()
        .rule(Rule::new().ttl(Duration::from_secs(60)).tags(|_| vec!["cities".to_owned()]))
        .build();
    let purges = layer.handle().router(|request| {
        request.headers.get("authorization").is_some_and(|given| given.as_bytes() == SECRET.as_bytes())
    });
    let lists = Router::new().route("/api/cities", get(cities)).layer(layer);
    Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/api/cities/{city}/days/{day}", get(day))
        .route("/api/cities/{city}/days/{day}/notes", post(add_note))
        .route("/api/cities/{city}/extremes", get(extremes))
        .merge(lists)
        .nest("/purge", purges)
        .with_state(almanac)
}

/// A day and its notes. Clients ask each time, and get a 304 for what they have.
#[cache(http, ttl = "10m", tags = ["day:{city}:{day}"])]
async fn day(State(almanac): State<Arc<Almanac>>, Path((city, day)): Path<(String, u32)>) -> Result<Json<Day>, Failed> {
    let found = blocking(almanac, move |almanac| almanac.day(&city, day)).await?;
    found.map(Json).ok_or(Failed::NoSuchDay)
}

/// What a handler does not take is no part of the key: `?count=3&utm_source=x` is `?count=3`.
#[derive(Deserialize, Serialize)]
struct Which {
    #[serde(default)]
    shortest: bool,
    #[serde(default)]
    count: Option<u32>,
}

/// The longest and shortest days never change, so clients may keep them.
#[cache(http(client_ttl = "1h"), ttl = "1d", stale_while_revalidate = "7d")]
async fn extremes(
    State(almanac): State<Arc<Almanac>>,
    Path(city): Path<String>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<Extreme>>, Failed> {
    let count = which.count.unwrap_or(3).min(366);
    Ok(Json(blocking(almanac, move |almanac| almanac.extremes(&city, !which.shortest, count)).await?))
}

/// Not cached itself: the layer around its router does that.
async fn cities(State(almanac): State<Arc<Almanac>>) -> Result<Json<Vec<String>>, Failed> {
    Ok(Json(blocking(almanac, Almanac::cities).await?))
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

/// The day that has a new note is asked for anew, whoever has cached it.
#[invalidate(tags = ["day:{city}:{day}"])]
async fn add_note(
    State(almanac): State<Arc<Almanac>>,
    Path((city, day)): Path<(String, u32)>,
    Json(note): Json<Note>,
) -> Result<StatusCode, Failed> {
    blocking(almanac, move |almanac| almanac.note(&city, day, &note.text)).await?;
    Ok(StatusCode::CREATED)
}

/// SQLite blocks its thread.
async fn blocking<T: Send + 'static>(
    almanac: Arc<Almanac>,
    ask: impl FnOnce(&Almanac) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Failed> {
    let asked = tokio::task::spawn_blocking(move || ask(&almanac)).await;
    asked.map_err(|_| Failed::Panicked)?.map_err(Failed::Database)
}

#[derive(Debug)]
enum Failed {
    NoSuchDay,
    Database(rusqlite::Error),
    Panicked,
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        match self {
            Failed::NoSuchDay => (StatusCode::NOT_FOUND, "there is no such day of such a city").into_response(),
            Failed::Database(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
            Failed::Panicked => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}
