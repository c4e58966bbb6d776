//! What is exported for Prometheus, by its own tools: a process has one recorder, so that all of it is one test.

use cachekit::{
    Cache, Place,
    backend::MemoryBytes,
    cache,
    metrics::{METRICS, Prometheus},
};
use cachekit_tests::receivers::PrometheusServer;
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

#[cache(name = "squares", ttl = "1h")]
fn square(of: u64) -> u64 {
    of * of
}

/// What Prometheus' own linter says of it.
fn linted(text: &str) -> String {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("`promtool` cannot be started ({error}); this installs it: apt-get install -y prometheus")
        });
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { said } else { format!("{}\n{said}", output.status) }
}

/// An endpoint as a program has one.
fn serve(prometheus: Prometheus) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            // A request without a body ends with an empty line.
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
                    _ => break,
                }
            }
            let body = prometheus.render();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                Prometheus::CONTENT_TYPE,
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).ok();
        }
    });
    port
}

fn line<'a>(text: &'a str, series: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("{series} is not in\n{text}"))
}

#[test]
fn prometheus_reads_what_all_caches_have_counted() {
    let prometheus = Prometheus::install().unwrap();
    let again = Prometheus::install().err().map(|error| error.to_string());
    assert!(again.is_some_and(|error| error.contains("Prometheus::with")), "a process has one recorder");
    (0..3).for_each(|of| _ = square(of));
    (0..5).for_each(|_| _ = square(2));
    let own: Cache<u64, u64> = Cache::builder()
        .name("own")
        .max_bytes(1 << 20)
        .strategy(cachekit::policy::Strategy::Adaptive)
        .backends([Place::memory(), Place::own(Arc::new(MemoryBytes::new()))])
        .build();
    own.get_or_compute(&1, || 1);
    cachekit::flush().wait();

    let text = prometheus.render();
    assert_eq!(linted(&text), "", "{text}");
    for metric in METRICS.iter().filter(|metric| metric.name != "cachekit_capacity_entries") {
        line(&text, &format!("# HELP {} ", metric.name));
        line(&text, &format!("# TYPE {} {}", metric.name, metric.kind.name()));
    }
    assert_eq!(line(&text, "cachekit_loads_total{cache=\"squares\"}"), "cachekit_loads_total{cache=\"squares\"} 3");
    let hits = line(&text, "cachekit_hits_total{cache=\"squares\",tier=\"memory\",outcome=\"fresh\"}");
    assert!(hits.ends_with(" 5"), "{hits}");
    assert!(line(&text, "cachekit_load_seconds_count{cache=\"squares\"}").ends_with(" 3"));
    assert!(line(&text, "cachekit_load_seconds_bucket{cache=\"squares\",le=\"+Inf\"}").ends_with(" 3"));
    assert!(line(&text, "cachekit_breaker_state{cache=\"own\",tier=\"own\",state=\"closed\"}").ends_with(" 1"));
    line(&text, "cachekit_backend_seconds_bucket{tier=\"own\",le=\"0.001\"}");
    let of_the_process = |text: &str| {
        ["cachekit_caches", "cachekit_tags", "cachekit_name_conflicts"].map(|name| {
            let (_, number) = line(text, &format!("{name} ")).split_once(' ').unwrap();
            number.parse::<u64>().unwrap()
        })
    };
    // Those of the helpers of all tests are there too.
    let all = text.lines().filter(|line| line.starts_with("cachekit_enabled{")).count() as u64;
    assert_eq!(of_the_process(&text), [all, 0, 0]);

    // Twice: what has been told is not told again.
    assert!(line(&prometheus.render(), "cachekit_loads_total{cache=\"squares\"}").ends_with(" 3"));

    let server = PrometheusServer::scraping(serve(prometheus.clone()));
    server.answers("cachekit_loads_total%7Bcache%3D%22squares%22%7D", "\"3\"");
    square(10);
    server.answers("cachekit_loads_total%7Bcache%3D%22squares%22%7D", "\"4\"");
    server.answers("cachekit_load_seconds_count%7Bcache%3D%22squares%22%7D", "\"4\"");
    // Of tags and caches each is counted once, and none of them is a label.
    let third: Cache<u64, u64> = Cache::builder().name("third").build();
    for key in [2, 3] {
        third.call(&key).tags(["even", "prime", "small"]).get_or_compute(|| key);
    }
    let _another: [Cache<u64, u64>; 2] = [(); 2].map(|()| Cache::builder().name("squares").build());
    assert_eq!(of_the_process(&prometheus.render()), [all + 1, 3, 1]);
    server.answers("cachekit_tags", "\"3\"");
    server.answers("cachekit_caches", &format!("\"{}\"", all + 1));
    server.answers("cachekit_name_conflicts", "\"1\"");
    square::cache().set_ttl(Some(Duration::from_secs(5)));
    square::clear();
    server.answers("cachekit_entries%7Bcache%3D%22squares%22%7D", "\"0\"");

    // A cache that is gone has no entries; one of its name goes on counting.
    drop(own);
    let gone = prometheus.render();
    assert_eq!(of_the_process(&gone)[0], all, "own has gone, and the third is there");
    assert!(line(&gone, "cachekit_weight{cache=\"own\"}").ends_with(" 0"), "{gone}");
    let second: Cache<u64, u64> = Cache::builder().name("own").build();
    (0..3).for_each(|key| _ = second.get_or_compute(&key, || key));
    assert!(line(&prometheus.render(), "cachekit_loads_total{cache=\"own\"}").ends_with(" 4"), "1 and 3");
}
