use super::*;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

async fn event(body: &mut Body) -> Option<Value> {
    let frame = body.frame().await?.unwrap().into_data().unwrap();
    let text = String::from_utf8(frame.to_vec()).unwrap();
    let data = text.strip_prefix("event: caches\ndata: ").and_then(|text| text.strip_suffix("\n\n")).unwrap();
    assert!(!data.contains('\n'));
    Some(serde_json::from_str(data).unwrap())
}

async fn opened(router: &Router, uri: &str) -> Body {
    let response = response(router, get(uri)).await;
    assert_eq!(
        (response.status(), &response.headers()["content-type"]),
        (StatusCode::OK, &"text/event-stream".parse().unwrap())
    );
    response.into_body()
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_each_second() {
    let users = cache("l::told");
    let mut body = opened(&admin("live"), "/api/live?cache=l::told").await;
    let first = event(&mut body).await.unwrap();
    assert_eq!((&first["cache"]["name"], &first["cache"]["stats"]["calls"]), (&"l::told".into(), &0.into()));
    users.get_or_compute("Ann", || 1);
    let before = tokio::time::Instant::now();
    let second = event(&mut body).await.unwrap();
    assert_eq!(before.elapsed().as_millis(), 1_000);
    assert_eq!(second["cache"]["stats"]["calls"], 1);
    assert!(second["caches"].as_array().unwrap().iter().any(|row| row["name"] == "l::told" && row["calls"] == 1));
}

#[tokio::test(start_paused = true)]
async fn who_may_no_longer_read_is_told_no_more() {
    let may = Arc::new(AtomicBool::new(true));
    let asked = may.clone();
    let router: Router = Admin::new(move |_| asked.load(Ordering::Relaxed).then(|| anybody("dismissed"))).router();
    let mut body = opened(&router, "/api/live").await;
    event(&mut body).await.unwrap();
    may.store(false, Ordering::Relaxed);
    let mut more = 0;
    while more < 1_000 && event(&mut body).await.is_some() {
        more += 1;
    }
    assert_eq!(more, super::super::live::TRUST - 1);
}

#[tokio::test(start_paused = true)]
async fn pages_are_counted() {
    let router = admin("seats");
    let mut open = Vec::new();
    for _ in 0..super::super::live::SEATS {
        open.push(opened(&router, "/api/live").await);
    }
    assert_eq!(refused(&router, get("/api/live")).await, is(503, "no_seat"));
    open.pop();
    open.push(opened(&router, "/api/live").await);
    assert_eq!(refused(&router, get("/api/live")).await, is(503, "no_seat"));
    assert_eq!(refused(&router, get("/api/live?token=x")).await, is(400, "bad_request"));
}
