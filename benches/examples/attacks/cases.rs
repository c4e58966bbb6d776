//! What somebody tries on purpose, and what has to happen.

use crate::{
    contestants::Contestant,
    scene::{Lost, Scene, ensure, field, handler, request, response, settle, text},
};
use axum::{
    Router,
    body::{Body, Bytes},
    error_handling::HandleError,
    http::StatusCode,
};
use http_body::Frame;
use http_body_util::BodyExt as _;
use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{Notify, mpsc};
use tower::{BoxError, ServiceExt as _};

type Case = (&'static str, fn(Contestant) -> Pin<Box<dyn Future<Output = Lost> + Send>>);

macro_rules! cases {
    ($($title:literal: $case:ident),* $(,)?) => { &[$(($title, |contestant| Box::pin($case(contestant)))),*] };
}

pub(crate) const ALL: &[Case] = cases![
    "(for comparison: a second request is a hit)": caches,
    "`Age: 18446744073709551615` is old, and no panic": huge_age,
    "repeated fields: the second line counts too": repeated_fields,
    "`Vary` is obeyed with `public` alone": public_and_vary,
    "another user's `Authorization`": authorization,
    "another user's cookie": cookie,
    "a session in `Set-Cookie` is not shared": set_cookie,
    "a reflected field that `Vary` names": reflected_and_named,
    "a reflected `X-Forwarded-Host` that nothing names": forwarded_and_not_named,
    "any other reflected field that nothing names": reflected_and_not_named,
    "nested routers with the same inner path": nested,
    "no field is injected by stored bytes": injected,
    "cache deception by an extension": deception,
    "10 000 variants of one URL: one in use stays": variants,
    "a slow origin: the beginning comes before the end": slow_origin,
    "a slow client holds nobody back": slow_client,
    "a body that fails early is not stored": failing_body,
    "a body shorter than its `Content-Length` is not stored": short_body,
    "a handler that panics": panicking,
    "a client that leaves does not end the fill": leaving,
];

async fn caches(contestant: Contestant) -> Lost {
    let scene = Scene::always(contestant, &[("cache-control", "max-age=60")]);
    scene.get("/a", &[]).await?;
    scene.get("/a", &[]).await?;
    ensure(scene.calls() == 1, "it is a miss")
}

async fn huge_age(contestant: Contestant) -> Lost {
    let ages: [&[(&str, &str)]; 2] = [
        &[("age", "18446744073709551615"), ("cache-control", "max-age=60")],
        &[("age", "18446744073709551615"), ("cache-control", "max-age=60, stale-while-revalidate=60")],
    ];
    for fields in ages {
        let scene = Scene::always(contestant, fields);
        scene.get("/a", &[]).await?;
        // sleeps: an age grows by the second, and this one over what a number holds.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        scene.get("/a", &[]).await?;
        ensure(scene.calls() == 2, "given as fresh")?;
    }
    Ok(())
}

async fn repeated_fields(contestant: Contestant) -> Lost {
    for second in ["no-store", "private"] {
        let fields: &'static [_] = match second {
            "private" => &[("cache-control", "max-age=60"), ("cache-control", "private")],
            _ => &[("cache-control", "max-age=60"), ("cache-control", "no-store")],
        };
        let scene = Scene::always(contestant, fields);
        scene.get("/a", &[]).await?;
        scene.get("/a", &[]).await?;
        ensure(scene.calls() == 2, format!("`{second}` is not heard"))?;
    }
    let scene = Scene::new(contestant, |request, _| async move {
        let fields = [("cache-control", "max-age=60"), ("vary", "x-first"), ("vary", "x-who")];
        response(&fields, field(&request, "x-who", "nobody"))
    });
    expect_own(&scene, "x-who", &["ada", "bob"]).await
}

async fn public_and_vary(contestant: Contestant) -> Lost {
    let scene = Scene::new(contestant, |request, _| async move {
        response(&[("cache-control", "public"), ("vary", "x-who")], field(&request, "x-who", "nobody"))
    });
    expect_own(&scene, "x-who", &["ada", "bob"]).await
}

/// Each gets what was made for it.
async fn expect_own(scene: &Scene, name: &str, values: &[&str]) -> Lost {
    for value in values {
        let got = scene.get("/a", &[(name, value)]).await?.body;
        ensure(got == *value, format!("{value} got {got}'s"))?;
    }
    Ok(())
}

/// Nobody gets what was made for another user; what was made for nobody is for all.
async fn of_users(contestant: Contestant, uri: &str, name: &'static str) -> Lost {
    for fields in [&[][..], &[("cache-control", "max-age=60")]] {
        // With explicit freshness a cookie says nothing to RFC 9111, and `Authorization` does (§3.5).
        if !fields.is_empty() && name == "cookie" {
            continue;
        }
        let scene =
            Scene::new(contestant, move |request, _| async move { response(fields, field(&request, name, "nobody")) });
        for who in ["ada", "bob", "nobody"] {
            let own: &[_] = if who == "nobody" { &[] } else { &[(name, who)] };
            let got = scene.get(uri, own).await?.body;
            ensure(got == who || got == "nobody", format!("{who} got {got}'s"))?;
        }
    }
    Ok(())
}

async fn authorization(contestant: Contestant) -> Lost {
    of_users(contestant, "/me", "authorization").await
}

async fn cookie(contestant: Contestant) -> Lost {
    of_users(contestant, "/me", "cookie").await
}

async fn deception(contestant: Contestant) -> Lost {
    of_users(contestant, "/account/x.css", "cookie").await
}

async fn set_cookie(contestant: Contestant) -> Lost {
    let fields = &[("cache-control", "max-age=60"), ("set-cookie", "session=ada")];
    let scene = Scene::always(contestant, fields);
    scene.get("/a", &[]).await?;
    let other = scene.begin("/a", &[]).await?;
    let is_shared = scene.calls() == 1 && other.headers().contains_key("set-cookie");
    ensure(!is_shared, "everybody gets the session")
}

async fn reflected_and_named(contestant: Contestant) -> Lost {
    reflected(contestant, "x-forwarded-host", &[("cache-control", "max-age=60"), ("vary", "x-forwarded-host")]).await
}

async fn forwarded_and_not_named(contestant: Contestant) -> Lost {
    reflected(contestant, "x-forwarded-host", &[("cache-control", "max-age=60")]).await
}

async fn reflected_and_not_named(contestant: Contestant) -> Lost {
    reflected(contestant, "x-colour", &[("cache-control", "max-age=60")]).await
}

async fn reflected(
    contestant: Contestant,
    name: &'static str,
    fields: &'static [(&'static str, &'static str)],
) -> Lost {
    let scene =
        Scene::new(contestant, move |request, _| async move { response(fields, field(&request, name, "good")) });
    scene.get("/a", &[(name, "evil")]).await?;
    let got = scene.get("/a", &[]).await?.body;
    ensure(got == "good", "it poisons others")
}

async fn nested(contestant: Contestant) -> Lost {
    let (cache, calls) = (contestant.cache(), Arc::default());
    let router = |body: &'static str| {
        let inner = handler(&calls, move |_, _| async move { response(&[("cache-control", "max-age=60")], body) });
        let failed = async |_: BoxError| StatusCode::INTERNAL_SERVER_ERROR;
        Router::new().route_service("/x", HandleError::new(cache(inner), failed))
    };
    let app = Router::new().nest("/one", router("one")).nest("/two", router("two"));
    for name in ["one", "two"] {
        let Ok(response) = app.clone().oneshot(request(&format!("/{name}/x"), &[])).await;
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        settle().await;
        ensure(text(&body) == name, format!("/{name}/x got /{}/x", text(&body)))?;
    }
    Ok(())
}

async fn injected(contestant: Contestant) -> Lost {
    for value in [*b"\r\nx", *b"1\r2", *b"1\n2", *b"1\x002"] {
        let Some(fields) = contestant.decoded(value) else { return Err(NOT_ASKED.to_owned()) };
        let is_clean = |value: &axum::http::HeaderValue| !value.as_bytes().iter().any(|byte| b"\r\n\0".contains(byte));
        ensure(fields.values().all(is_clean), "the bytes come out as they are")?;
    }
    Ok(())
}

/// The case that no cache can win of itself: nothing tells it what the handler has read.
pub(crate) const UNKNOWABLE: &str = "any other reflected field that nothing names";

/// A case that is none for this contestant.
pub(crate) const NOT_ASKED: &str = "-";

async fn variants(contestant: Contestant) -> Lost {
    let scene = Scene::new(contestant, |request, _| async move {
        response(&[("cache-control", "max-age=60"), ("vary", "x")], field(&request, "x", "none"))
    });
    scene.get("/other", &[]).await?;
    let mut asked_again = 0;
    for number in 0..10_000 {
        let own = number.to_string();
        ensure(scene.get("/a", &[("x", &own)]).await?.body == own, format!("variant {number} got another one"))?;
        if number % 50 == 3 {
            scene.get("/a", &[("x", "3")]).await?;
            asked_again += 1;
        }
    }
    let made = scene.calls();
    scene.get("/other", &[]).await?;
    ensure(scene.calls() == made, "another URL is gone")?;
    let again = (made - 1).saturating_sub(10_000);
    ensure(again == 0, format!("the one in use was made anew {again} times of {asked_again}"))
}

type Chunk = Result<Frame<Bytes>, BoxError>;

/// A body of what is sent.
struct Sent(mpsc::UnboundedReceiver<Chunk>);

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        self.0.poll_recv(context)
    }
}

fn chunk(text: &'static str) -> Chunk {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// A handler whose first body is what is sent, and whose others are whole.
fn fed(contestant: Contestant) -> (Scene, mpsc::UnboundedSender<Chunk>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let first = Arc::new(Mutex::new(Some(receiver)));
    let scene = Scene::new(contestant, move |_, _| {
        let first = first.lock().ok().and_then(|mut first| first.take());
        let body = first.map_or_else(|| Body::from("abc"), |first| Body::new(Sent(first)));
        async move { response(&[("cache-control", "max-age=60")], body) }
    });
    (scene, sender)
}

async fn slow_origin(contestant: Contestant) -> Lost {
    let (scene, sender) = fed(contestant);
    let _ = sender.send(chunk("a"));
    let first = async { scene.begin("/a", &[]).await?.into_body().frame().await.ok_or("no body".to_owned()) };
    // sleeps: as long as somebody may take who does not wait for the end, which never comes.
    let first = tokio::time::timeout(Duration::from_secs(2), first).await;
    first.map_err(|_| "nothing until the whole body is there".to_owned())?.map(drop)
}

async fn slow_client(contestant: Contestant) -> Lost {
    let (scene, sender) = fed(contestant);
    let scene = Arc::new(scene);
    let of_slow = scene.clone();
    // Holds on to a response, and reads nothing of it.
    let slow = tokio::spawn(async move {
        let response = of_slow.begin("/a", &[]).await;
        std::future::pending::<()>().await;
        drop(response);
    });
    settle().await;
    let of_fast = scene.clone();
    let fast = tokio::spawn(async move { of_fast.get("/a", &[]).await });
    for text in ["a", "b", "c"] {
        let _ = sender.send(chunk(text));
        settle().await;
    }
    drop(sender);
    // sleeps: as long as somebody may take who does not wait for the slow one, who never ends.
    let got = tokio::time::timeout(Duration::from_secs(2), fast).await;
    slow.abort();
    let got = got.map_err(|_| "it waits for the slow one".to_owned())?.map_err(|error| error.to_string())??;
    ensure(got.body == "abc", format!("it got `{}`", got.body))
}

async fn failing_body(contestant: Contestant) -> Lost {
    let (scene, sender) = fed(contestant);
    let _ = sender.send(chunk("a"));
    let _ = sender.send(Err("broken".into()));
    if let Ok(got) = scene.get("/a", &[]).await {
        ensure(!got.status.is_success(), format!("`{}` is taken for a whole response", got.body))?;
    }
    let got = scene.get("/a", &[]).await?;
    ensure(got.body == "abc", format!("the next one got `{}`", got.body))
}

async fn short_body(contestant: Contestant) -> Lost {
    let scene = Scene::new(contestant, |_, call| async move {
        let body = if call == 1 { "ab" } else { "abcde" };
        let frames = of_unknown_length(body);
        response(&[("cache-control", "max-age=60"), ("content-length", "5")], frames)
    });
    let _ = scene.get("/a", &[]).await;
    let got = scene.get("/a", &[]).await?;
    ensure(got.body == "abcde", format!("the next one got `{}` of 5 bytes", got.body))
}

/// A body whose length nobody can see.
fn of_unknown_length(text: &'static str) -> Body {
    let (sender, receiver) = mpsc::unbounded_channel();
    let _ = sender.send(chunk(text));
    Body::new(Sent(receiver))
}

async fn panicking(contestant: Contestant) -> Lost {
    let scene = Arc::new(Scene::new(contestant, |_, call| async move {
        assert!(call > 1, "the handler panics");
        response(&[("cache-control", "max-age=60")], "good")
    }));
    let of_first = scene.clone();
    let _ = tokio::spawn(async move { of_first.get("/a", &[]).await }).await;
    let got = scene.get("/a", &[]).await?;
    ensure(got.body == "good", format!("the next one got `{}`", got.body))
}

async fn leaving(contestant: Contestant) -> Lost {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (has_begun, may_go_on) = (begun.clone(), go_on.clone());
    let scene = Arc::new(Scene::new(contestant, move |_, call| {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        async move {
            begun.notify_one();
            if call == 1 {
                go_on.notified().await;
            }
            response(&[("cache-control", "max-age=60")], "good")
        }
    }));
    let of_first = scene.clone();
    let first = tokio::spawn(async move { of_first.get("/a", &[]).await });
    has_begun.notified().await;
    first.abort();
    settle().await;
    may_go_on.notify_one();
    settle().await;
    let got = scene.get("/a", &[]).await?;
    ensure(got.body == "good", format!("the next one got `{}`", got.body))?;
    ensure(scene.calls() == 1, "whoever leaves has the work done again")
}
