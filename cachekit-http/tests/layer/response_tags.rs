//! Tags that a response names itself.

use crate::harness::{Bench, response, settle};
use cachekit_http::{CacheLayer, Rule};
use cachekit_runtime::{Place, backend::MemoryBytes};
use http::HeaderName;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

fn rule() -> Rule {
    let tags = |_: &http::request::Parts| vec!["response-tags:all".to_owned()];
    Rule::new().ttl(Duration::from_secs(600)).tags(tags).tags_from(HeaderName::from_static("surrogate-key"))
}

#[tokio::test]
async fn a_response_is_purged_by_what_it_names() {
    for tag in ["names:a", "names:b", "names:c", "response-tags:all"] {
        let fields: &[_] = &[("surrogate-key", "names:b  names:a, names:c")];
        let bench = Bench::always(rule(), 200, fields);
        // Other tests of this process purge too; what nobody disturbs is stored at once.
        let mut stored = 0;
        for uri in ["/1", "/2", "/3", "/4", "/5"] {
            stored += usize::from(bench.get(uri).await.cache().ends_with("stored"));
        }
        assert!(stored > 0);
        bench.get("/a").await;
        bench.get("/a").await;
        let got = bench.get("/a").await;
        assert_eq!((got.is_hit(), got.field("surrogate-key")), (true, fields[0].1), "it goes on");
        bench.layer.handle().purge_tag("names:d").await;
        assert!(bench.get("/a").await.is_hit());
        bench.layer.handle().purge_tag(tag).await;
        assert!(!bench.get("/a").await.is_hit(), "{tag}");
        assert!(bench.get("/a").await.is_hit());
    }
}

#[tokio::test]
async fn a_purge_before_the_response_has_named_its_tags_counts() {
    for (is_known, purge) in [(false, "early:a"), (true, "early:a"), (true, "early:other")] {
        let gate = Arc::new(Notify::new());
        let slow = gate.clone();
        let bench = Arc::new(Bench::new(rule(), move |_, call| {
            let slow = slow.clone();
            async move {
                if call == if is_known { 2 } else { 1 } {
                    slow.notified().await;
                }
                Ok(response(200, &[("surrogate-key", "early:a")], format!("body {call}")))
            }
        }));
        if is_known {
            bench.get("/a").await;
            bench.layer.handle().purge_all().await;
        }
        let asked = tokio::spawn({
            let bench = bench.clone();
            async move { bench.get("/a").await }
        });
        settle().await;
        bench.layer.handle().purge_tag(purge).await;
        gate.notify_one();
        asked.await.unwrap();
        let is_purged = purge == "early:a";
        assert_eq!(bench.get("/a").await.is_hit(), !is_purged, "known before: {is_known}, purged: {purge}");
    }
}

#[tokio::test]
async fn with_a_backend_tags_are_known_before_something_is_stored() {
    let far = Place::own(Arc::new(MemoryBytes::new()));
    let builder = CacheLayer::builder().name("response-tags").timeout(Duration::from_secs(20)).otherwise(rule());
    let bench = Bench::built(builder.backends([far]), |_, _| async move {
        Ok(response(200, &[("surrogate-key", "backend:a")], "x"))
    });
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; detail=new-tags");
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; stored");
    assert!(bench.get("/a").await.is_hit());
    bench.layer.handle().purge_tag("backend:a").await;
    assert_eq!(bench.get("/a").await.cache(), "cachekit; fwd=uri-miss; stored");
}
