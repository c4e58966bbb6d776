use axum::extract::{Path, State};
use cachekit::cache;
use std::sync::Arc;

#[cache(http)]
fn not_async(Path(id): Path<u64>) -> String {
    id.to_string()
}

struct Pages;

impl Pages {
    #[cache(http)]
    async fn page(&self, Path(id): Path<u64>) -> String {
        id.to_string()
    }
}

#[cache(http, tags = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"])]
async fn many_tags(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(http, backend = "redis")]
async fn a_place_in_a_backend(State(app): State<Arc<u64>>, Path(id): Path<u64>) -> String {
    format!("{app} {id}")
}

#[cache(http, backend = "redis")]
async fn types_in_a_backend<T: ToString + Default>(Path(id): Path<u64>) -> String {
    format!("{} {id}", T::default().to_string())
}

fn main() {}
