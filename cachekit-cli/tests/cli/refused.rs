//! Where a service cannot be asked, or does not answer: what went wrong, and what to do next.

use crate::{
    service::{Service, TOKEN, anybody, failed, router},
    shop,
};
use axum::{
    Json, Router,
    extract::{Path, Request},
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use cachekit_http::admin::{Access, Scope};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::json;
use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

fn at(url: &str, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = shop::cachekit(arguments);
    command.args(["--admin", url]).env("CACHEKIT_ADMIN_TOKEN", TOKEN);
    command
}

#[test]
fn a_service_that_is_not_there_says_what_to_look_at() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    // Bound and not listened to by anybody who answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().map(|address| (address, silent)).expect("its address");
    for (url, more, what) in [
        (format!("http://{free}/caches"), &[][..], "whether the service runs"),
        (format!("http://{}/caches", silent.0), &["--timeout", "200ms"][..], "larger `--timeout`"),
        ("http://no-such-host.invalid/caches".to_owned(), &["--timeout", "60s"][..], "next:"),
    ] {
        for command in [&["list"][..], &["set", "a", "ttl=1s"], &["top"], &["doctor"], &["advise", "a"]] {
            let output = at(&url, &[command, more].concat()).output().expect("it runs");
            let all = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            let code = if command == ["doctor"] { 1 } else { 3 };
            assert!(
                output.status.code() == Some(code) && all.contains(what),
                "{command:?} {url}: {:?} {all}",
                output.status
            );
        }
    }
}

#[test]
fn a_url_is_one_of_a_service() {
    for (url, what) in [
        ("127.0.0.1:3001", "begins with `http://`"),
        ("redis://127.0.0.1", "begins with `http://`"),
        ("http://", "no URL"),
        ("http://ann:hunter2@127.0.0.1:1/caches", "CACHEKIT_ADMIN_TOKEN"),
        ("http://ann:hun#ter2@127.0.0.1:1/caches", "CACHEKIT_ADMIN_TOKEN"),
        ("http://ann:hun?ter2@127.0.0.1:1/caches", "CACHEKIT_ADMIN_TOKEN"),
        ("http://ann:hun/ter2@127.0.0.1:1/caches", "CACHEKIT_ADMIN_TOKEN"),
        ("http://127.0.0.1:hunter2/caches", "no port"),
        ("http://127.0.0.1:70000/caches", "no port"),
    ] {
        let (code, told) = failed(&mut at(url, &["list"]));
        assert!(
            code == 2 && told.contains(what) && !told.contains("hun") && !told.contains("ter2"),
            "{url}: {code} {told}"
        );
    }
    let (code, told) = failed(&mut at("http://127.0.0.1:1", &["list", "--redis", "redis://127.0.0.1"]));
    assert!(code == 2 && told.contains("cannot be used with"), "{code} {told}");
    let (code, told) = failed(&mut at("http://127.0.0.1:1", &["list", "--namespace", "x"]));
    assert!(code == 2 && told.contains("cannot be used with"), "{code} {told}");
}

#[test]
fn a_token_comes_from_the_environment_or_a_file() {
    let service = Service::start("token");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    fs::write(&file, format!("{TOKEN}\n")).expect("a file");
    let file = file.to_str().expect("a path");
    let without = |arguments: &[&str]| {
        let mut command = at(&service.url, arguments);
        command.env_remove("CACHEKIT_ADMIN_TOKEN");
        command
    };
    let (code, told) = failed(&mut without(&["list"]));
    assert!(code == 3 && told.contains("wants a token") && told.contains("--admin-token-file"), "{code} {told}");
    let (code, told) = failed(without(&["list"]).env("CACHEKIT_ADMIN_TOKEN", "hunter2"));
    assert!(code == 3 && told.contains("does not take this token") && !told.contains("hunter2"), "{code} {told}");
    without(&["list", "--admin-token-file", file]).assert().success();
    // Longer than any clock goes.
    without(&["list", "--admin-token-file", file, "--timeout", "500000000000years"]).assert().success();
    without(&["list", "--admin-token-file", "-"]).write_stdin(TOKEN).assert().success();
    for (content, code_of, what) in [("", 5, "is empty"), ("two\nlines", 2, "on one line")] {
        fs::write(file, content).expect("a file");
        let (code, told) = failed(&mut without(&["list", "--admin-token-file", file]));
        assert!(code == code_of && told.contains(what), "{content:?}: {code} {told}");
    }
    let (code, told) = failed(&mut without(&["list", "--admin-token-file", "/nowhere/at/all"]));
    assert!(code == 5 && told.contains("/nowhere/at/all"), "{code} {told}");
}

#[test]
fn who_may_not_learns_what_is_missing() {
    let reader: fn() -> Access = || Access::named("ann").may(Scope::Read);
    let service = Service::with("may", router(reader));
    for (arguments, what) in [
        (vec!["set", "may::user", "ttl=1s"], "`operate`; this token has read"),
        (vec!["clear", "may::user", "--yes"], "`destroy`; this token has read"),
        (vec!["invalidate", "--tag", "x", "--yes"], "`destroy`; this token has read"),
        (vec!["keys", "may::user"], "may_see_entries"),
        (vec!["get", "may::user", "7"], "may_see_entries"),
        (vec!["advise", "may::user", "--for", "1s"], "`operate`; this token has read"),
    ] {
        let (code, told) = service.failed(&arguments);
        assert!(code == 3 && told.contains(what), "{arguments:?}: {code} {told}");
    }
    assert!(service.users.contains(&7));
    // Other tests of this process may have what it finds wrong.
    let report = String::from_utf8_lossy(&service.output(&["doctor"]).stdout).into_owned();
    assert!(report.contains("ann may read, and may not see keys and values"), "{report}");
    let nobody: fn() -> Access = || Access::named("ann").may(Scope::Destroy);
    let service = Service::with("mute", router(nobody));
    let (code, told) = service.failed(&["list"]);
    assert!(code == 3 && told.contains("scope `read`"), "{code} {told}");
}

#[test]
fn a_cache_that_is_not_there_has_neighbours() {
    let service = Service::start("near");
    for (said, what) in [
        ("near::usr", "did you mean `near::user`?"),
        ("near::Page", "did you mean `near::page`?"),
        ("something/else", "cachekit list"),
    ] {
        for command in [&["stats", said][..], &["get", said, "1"], &["set", said, "ttl=1s"], &["clear", said, "--yes"]]
        {
            let (code, told) = service.failed(command);
            assert!(code == 1 && told.contains(what), "{command:?}: {code} {told}");
        }
    }
}

#[test]
fn something_else_than_the_admin_api_is_told_from_it() {
    let elsewhere = Router::new()
        .route("/api/caches", get(|| async { Redirect::temporary("https://admin.example.com/caches?token=x") }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no page") });
    let service = Service::with("else", elsewhere);
    let (code, told) = service.failed(&["list"]);
    assert!(
        code == 3
            && told.contains("leads elsewhere, to https://admin.example.com/caches,")
            && !told.contains("token=x"),
        "{told}"
    );
    let (code, told) = service.failed(&["get", "else::user", "1"]);
    assert!(code == 3 && told.contains("no admin API") && told.contains("nested"), "{told}");
    let (code, told) = failed(&mut at(&service.url.replace("/caches", "/cash"), &["list"]));
    assert!(code == 3 && told.contains("no admin API"), "{told}");
}

#[test]
fn any_json_is_no_admin_api() {
    let elsewhere = Router::new().fallback(|| async { Json(json!({ "status": "up" })) });
    let service = Service::with("json", elsewhere);
    for command in [&["list"][..], &["stats", "a"], &["keys", "a"], &["set", "a", "ttl=1s"], &["top"], &["advise", "a"]]
    {
        let (code, told) = service.failed(command);
        assert!(
            code == 3 && told.contains("not the admin API of cachekit") && told.contains("is the path complete?"),
            "{command:?}: {code} {told}"
        );
    }
}

/// The API's own words.
fn too_many(patience: &'static str) -> Response {
    let body = r#"{"error":{"code":"too_many","message":"that is too often","instead":"wait"}}"#;
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, patience)], body).into_response()
}

/// The API where it is asked too often, for the first so many requests by that method.
fn busy(method: &'static str, times: u32, patience: &'static str) -> Router {
    let left = Arc::new(AtomicU32::new(times));
    router(anybody).layer(from_fn(move |request: Request, next: Next| {
        let is_busy = request.method() == method
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        async move {
            match is_busy {
                true => too_many(patience),
                false => next.run(request).await,
            }
        }
    }))
}

#[test]
fn a_service_that_is_asked_too_often_is_waited_for_but_not_for_ever() {
    let service = Service::with("busy", busy("POST", 2, "1"));
    service.said(&["invalidate", "busy::user", "1", "2", "3", "--yes"]);
    assert!([1, 2, 3].iter().all(|id| !service.users.contains(id)) && service.users.contains(&4));
    let service = Service::with("read", busy("GET", 1, "1"));
    let output = service.output(&["stats", "read::user"]);
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("this waits"), "{output:?}");
    for method in ["GET", "POST"] {
        let service = Service::with("busier", busy(method, u32::MAX, "3600"));
        let (code, told) = service.failed(&["clear", "busier::user", "--yes"]);
        assert!(code == 3 && told.contains("too often") && told.contains("wait 3600 s"), "{code} {told}");
    }
}

/// A service of so many caches, which answers so many requests by a method before it wants some patience once. No caches of this process are in it.
fn crowded(caches: u32, answers: u32) -> Router {
    let name = |number: u32| format!("crowd::of{number:03}");
    let left = Arc::new([AtomicU32::new(answers), AtomicU32::new(answers)]);
    Router::new()
        .route(
            "/api/caches",
            get(move || async move {
                Json(json!({ "caches": (0..caches).map(|number| json!({ "name": name(number) })).collect::<Vec<_>>() }))
            }),
        )
        .route("/api/caches/{cache}", get(|Path(name): Path<String>| async move { Json(json!({ "name": name })) }))
        .route("/api/caches/{cache}/clear", post(|| async { Json(json!({ "delivery": "local" })) }))
        .layer(from_fn(move |request: Request, next: Next| {
            let left = &left[usize::from(request.method() == "POST")];
            let is_busy = left.fetch_sub(1, Ordering::SeqCst) == 0;
            async move { if is_busy { too_many("1") } else { next.run(request).await } }
        }))
}

#[test]
fn more_caches_than_a_service_answers_for_at_once_are_all_looked_at_and_cleared() {
    let service = Service::with("crowd", crowded(230, 200));
    let stats = service.json(&["stats"]);
    assert_eq!(stats["caches"].as_array().map(Vec::len), Some(230), "{stats}");
    let report = service.json(&["doctor"]);
    let looked = report["checks"].as_array().expect("checks").iter();
    let looked = looked.filter(|check| check["what"].as_str().is_some_and(|what| what.starts_with("crowd::of")));
    assert_eq!(looked.count(), 230, "{report}");
    let service = Service::with("crowds", crowded(40, 30));
    let names: Vec<String> = (0..40).map(|number| format!("crowd::of{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cleared = service.json(&[&["clear", "--yes"], &names[..]].concat());
    assert_eq!(cleared["cleared"].as_array().map(Vec::len), Some(40), "{cleared}");
}

#[test]
fn what_was_done_before_a_change_failed_is_said() {
    let changes = Arc::new(AtomicU32::new(0));
    let breaks = router(anybody).layer(from_fn(move |request: Request, next: Next| {
        let is_third = request.uri().path() == "/api/invalidate" && changes.fetch_add(1, Ordering::SeqCst) == 2;
        async move { if is_third { StatusCode::BAD_GATEWAY.into_response() } else { next.run(request).await } }
    }));
    let service = Service::with("half", breaks);
    let tags = ["half::user-team:0", "half::user-team:1", "half::user-team:2", "half::user-team:3"];
    let tags: Vec<&str> = tags.iter().flat_map(|tag| ["--tag", *tag]).collect();
    let (code, told) = service.failed(&[&["invalidate", "--yes"], &tags[..]].concat());
    assert!(code == 3 && told.contains("2 of 4 were done before"), "{code} {told}");
    assert!(service.users.get(&1).is_none() && service.users.get(&2).is_some());
}

/// Gives what comes over TLS to a service, and back, a connection for a thread.
fn tls(config: ServerConfig, to: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let config = Arc::new(config);
    thread::spawn(move || {
        while let Ok((socket, _)) = listener.accept() {
            let (config, to) = (config.clone(), to.clone());
            thread::spawn(move || relay(socket, config, &to));
        }
    });
    port
}

/// Requests and their answers, one after the other.
fn relay(socket: TcpStream, config: Arc<ServerConfig>, to: &str) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(connection, socket);
    let mut server = TcpStream::connect(to)?;
    while let Some(request) = message(&mut client)? {
        server.write_all(&request)?;
        let answer = message(&mut server)?.unwrap_or_default();
        client.write_all(&answer)?;
        client.flush()?;
    }
    Ok(())
}

/// A head, and as much of a body as it says. `None`: no more come.
fn message(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let (mut bytes, mut some) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            if bytes.len() >= head.len() + 4 + length.unwrap_or(0) {
                return Ok(Some(bytes));
            }
        }
        match from.read(&mut some)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(&some[..read]),
        }
    }
}

#[test]
fn https_is_spoken_to_who_has_a_certificate_that_is_trusted() {
    let service = Service::start("tls");
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .expect("a server");
    let to = service.url.trim_start_matches("http://").trim_end_matches("/caches").to_owned();
    let port = tls(config, to);
    let folder = tempfile::tempdir().expect("a folder");
    let authorities = folder.path().join("ca.pem");
    fs::write(&authorities, signed.cert.pem()).expect("a file");
    let url = format!("https://localhost:{port}/caches");
    let explain = ["explain", "tls::user", "7", "--json"];
    at(&url, &explain).env("SSL_CERT_FILE", &authorities).assert().success();
    let (code, told) = failed(&mut at(&url, &explain));
    assert!(code == 3 && told.contains("SSL_CERT_FILE"), "{code} {told}");
    // It is not the host that it is asked as.
    let (code, told) =
        failed(at(&format!("https://127.0.0.1:{port}/caches"), &explain).env("SSL_CERT_FILE", &authorities));
    assert!(code == 3 && told.contains("certificate"), "{code} {told}");
}
