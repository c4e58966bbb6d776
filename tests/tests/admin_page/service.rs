//! The service that the page is of.

use axum::{Router, extract::Request, middleware::Next};
use cachekit::{
    Cache, Place,
    admin::{self, Access, Scope},
    backend::MemoryBytes,
};
use cachekit_tests::browser::Browser;
use http_body_util::BodyExt;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{net::TcpListener, runtime::Runtime};

/// May do everything.
pub(crate) const ALL: &[Scope] = &[Scope::Read, Scope::Operate, Scope::Destroy];

const TOKEN: &str = "a token";

/// A service with some caches.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) live: Arc<AtomicUsize>,
    pub(crate) live_ever: Arc<AtomicUsize>,
    pub(crate) users: Cache<u64, String>,
    pub(crate) quotes: Cache<u64, u64>,
    ends: Arc<AtomicBool>,
    load: Option<thread::JoinHandle<()>>,
    _runtime: Runtime,
}

/// Counted while a response is being read.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service {
    /// Its caches have names of its own: `app::users`. `scopes` of who has the token.
    pub(crate) fn start(app: &str, scopes: &'static [Scope]) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (live, live_ever) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (open, ever) = (live.clone(), live_ever.clone());
        let admin: Router = admin::router(|request| {
            admin::is_bearer(request, TOKEN).then(|| {
                let access = Access::named("ann").may_see_entries();
                scopes.iter().fold(access, |access, scope| access.may(*scope))
            })
        });
        let counted = admin.layer(axum::middleware::from_fn(move |request: Request, next: Next| {
            let (open, ever) = (open.clone(), ever.clone());
            async move {
                if !request.uri().path().ends_with("/api/live") {
                    return next.run(request).await;
                }
                ever.fetch_add(1, Ordering::SeqCst);
                open.fetch_add(1, Ordering::SeqCst);
                let counted = Open(open);
                next.run(request).await.map(|body| {
                    axum::body::Body::new(body.map_frame(move |frame| {
                        let _ = &counted;
                        frame
                    }))
                })
            }
        }));
        let server = Router::new().nest("/caches", counted).into_make_service_with_connect_info::<SocketAddr>();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}/caches", listener.local_addr().expect("its address"));
        runtime.spawn(async move { axum::serve(listener, server).await });

        let named = |name: &str| -> &'static str { format!("{app}::{name}").leak() };
        let users: Cache<u64, String> =
            Cache::builder().name(named("users")).capacity(500).ttl(Duration::from_secs(20)).readable().build();
        let prices: Cache<(u64, String), u64> =
            Cache::builder().name(named("prices")).capacity(2_000).ttl(Duration::from_secs(5)).readable().build();
        let pages: Cache<u64, String> = Cache::builder().name(named("pages")).max_bytes(65_536).readable().build();
        let stock: Cache<u64, u64> = Cache::builder()
            .name(named("stock"))
            .capacity(300)
            .strategy(cachekit::policy::Strategy::Adaptive)
            .readable()
            .build();
        let sessions: Cache<u64, u64> = Cache::builder().name(named("sessions")).capacity(50_000).readable().build();
        sessions.set_enabled(false);
        let quotes: Cache<u64, u64> = Cache::builder()
            .name(named("quotes"))
            .capacity(1_000)
            .ttl(Duration::from_secs(60))
            .stale_if_error(Duration::from_secs(300))
            .load_timeout_soft(Duration::from_millis(250))
            .load_timeout_hard(Duration::from_secs(2))
            .backends([Place::memory(), Place::own(MemoryBytes::new())])
            .readable()
            .build();
        (0..100).for_each(|number| _ = quotes.insert(number, number));
        let ends = Arc::new(AtomicBool::new(false));
        let (called, end) = (users.clone(), ends.clone());
        let load = thread::spawn(move || {
            let mut random = 1_u64;
            for turn in 0_u64.. {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = random >> 33;
                let popular = |of: u64| (number % of) * (number / of % of) / of;
                called.get_or_compute(&popular(1_500), || {
                    thread::sleep(Duration::from_micros(50 + number % 7 * 40)); // sleeps: as a query takes a while
                    format!("user {number}")
                });
                prices.get_or_compute(&(popular(800), "EUR".to_owned()), || number);
                pages.get_or_compute(&popular(300), || "page ".repeat(200));
                stock.get_or_compute(&(turn % 400), || number);
                sessions.get_or_compute(&popular(5_000), || number);
                if turn.is_multiple_of(10) {
                    thread::sleep(Duration::from_millis(4)); // sleeps: a load of some thousand calls a second
                }
            }
        });
        Service { url, live, live_ever, users, quotes, ends, load: Some(load), _runtime: runtime }
    }

    pub(crate) fn signed_in(&self, browser: &Browser, page: &str) {
        browser.go(&self.url);
        browser.until("!document.getElementById('sign').hidden");
        browser.write("#token", TOKEN);
        browser.click("#sign button");
        browser.until("document.getElementById('sign').hidden");
        if !page.is_empty() {
            browser.click(&format!("a[href='#{page}']"));
        }
        browser.until("document.getElementById('live').textContent === 'live'");
        // The browser tells that the first answer was a 401.
        let _ = browser.console();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        self.load.take().map(thread::JoinHandle::join);
    }
}
