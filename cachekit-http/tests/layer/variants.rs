//! How many variants of one URI there are, and for how long.

use crate::harness::{Bench, response};
use cachekit_http::{CacheLayer, CacheLayerBuilder, Rule};
use cachekit_runtime::{Place, backend::MemoryBytes};
use std::{sync::Arc, time::Duration};

const VARIES: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a\""), ("vary", "x")];

fn bench(builder: CacheLayerBuilder) -> Bench {
    Bench::built(builder, |_, call| async move { Ok(response(200, VARIES, format!("body {call}"))) })
}

async fn is_hit(bench: &Bench, x: &str) -> bool {
    bench.send("GET", "/a", &[("x", x)]).await.is_hit()
}

#[tokio::test]
async fn a_variant_outlives_the_first_one() {
    let bench = Bench::always(Rule::new(), 200, &[("cache-control", "max-age=60"), ("vary", "x")]);
    is_hit(&bench, "1").await;
    bench.advance(59);
    is_hit(&bench, "2").await;
    bench.advance(2);
    assert!(is_hit(&bench, "2").await);
    bench.advance(57);
    is_hit(&bench, "3").await;
    bench.advance(59);
    assert!(is_hit(&bench, "3").await);
}

#[tokio::test]
async fn the_variant_that_was_not_used_for_longest_makes_room() {
    let bench = bench(CacheLayer::builder().max_variants(4));
    for x in ["1", "2", "3", "4"] {
        is_hit(&bench, x).await;
    }
    assert!(is_hit(&bench, "1").await);
    assert_eq!(bench.send("GET", "/a", &[("x", "5")]).await.cache(), "cachekit; fwd=vary-miss; stored");
    assert!(is_hit(&bench, "5").await, "it says that it is stored, and is");
    assert!(is_hit(&bench, "1").await, "it was used");
    assert!(!is_hit(&bench, "2").await);
}

#[tokio::test]
async fn the_bound_holds_without_memory_too() {
    let far = Place::own(Arc::new(MemoryBytes::new()));
    let builder = CacheLayer::builder().name("variants-far").max_variants(4).timeout(Duration::from_secs(20));
    let bench = bench(builder.backends([far]));
    for number in 0..30 {
        is_hit(&bench, &number.to_string()).await;
    }
    let mut hits = Vec::new();
    for number in (0..30).rev().take(4) {
        hits.push(is_hit(&bench, &number.to_string()).await);
    }
    assert_eq!(hits, [true; 4], "the latest");
    assert!(!is_hit(&bench, "3").await);
}

#[tokio::test]
async fn nothing_is_said_to_be_stored_that_is_not() {
    let names: Vec<String> = (0..40).map(|number| format!("x-{number}")).collect();
    let vary = names.join(", ");
    let bench = Bench::new(Rule::new(), move |_, _| {
        let vary = vary.clone();
        async move { Ok(response(200, &[("cache-control", "max-age=60"), ("vary", &vary)], "x")) }
    });
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=too-many-fields");
    let rule =
        Rule::new().ttl(Duration::from_secs(60)).tags(|_| (0..15).map(|number| format!("many-{number}")).collect());
    let bench = Bench::always(rule, 200, &[]);
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=too-many-tags");
    let rule = Rule::new()
        .ttl(Duration::from_secs(60))
        .tags(|_| (0..28).map(|number| format!("few-{}", number % 14)).collect());
    let bench = Bench::always(rule, 200, &[]);
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; stored");
    assert!(bench.get("/a").await.is_hit());
}
