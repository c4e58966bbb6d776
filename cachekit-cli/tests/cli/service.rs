//! A live service: caches, and a router that shows and changes them.

use crate::shop;
use axum::Router;
use cachekit_http::admin::{self, Access, Scope};
use cachekit_runtime::Cache;
use std::{
    net::SocketAddr,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{net::TcpListener, runtime::Runtime};

pub(crate) const TOKEN: &str = "a token of the tests";

/// A service whose caches have names of its own.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) users: Cache<u64, String>,
    pub(crate) pages: Cache<String, String>,
    runtime: Option<Runtime>,
    load: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

/// Who may do everything.
pub(crate) fn anybody() -> Access {
    Access::named("ann").may(Scope::Read).may(Scope::Operate).may(Scope::Destroy).may_see_entries()
}

/// The admin router, for who has the token.
pub(crate) fn router(access: fn() -> Access) -> Router {
    admin::router(move |request| admin::is_bearer(request, TOKEN).then(access))
}

impl Service {
    /// Its caches are `app::user`, `app::page` and `app::rate`, and filled.
    pub(crate) fn start(app: &str) -> Self {
        Service::with(app, router(anybody))
    }

    pub(crate) fn with(app: &str, admin: Router) -> Self {
        let named = |name: &str| -> &'static str { format!("{app}::{name}").leak() };
        let users =
            Cache::builder().name(named("user")).capacity(1_000).ttl(Duration::from_secs(3_600)).readable().build();
        let pages = Cache::builder().name(named("page")).max_bytes(1 << 20).readable().build();
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}/caches", listener.local_addr().expect("its address"));
        let app = Router::new().nest("/caches", admin).into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, app).await });
        let service = Service { url, users, pages, runtime: Some(runtime), load: None };
        for id in 0..200 {
            service.call(id);
        }
        service.pages.get_or_compute(&"/index".to_owned(), || "a page".to_owned());
        service
    }

    /// A call of a user.
    pub(crate) fn call(&self, id: u64) {
        let team = format!("{}-team:{}", self.users_name(), id % 4);
        self.users.call(&id).tags([team.as_str()]).get_or_compute(|| format!("user {id}"));
    }

    fn users_name(&self) -> String {
        self.users.name().to_owned()
    }

    /// Calls until it is dropped: of ten, nine are of few users.
    pub(crate) fn under_load(mut self) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (users, end) = (self.users.clone(), ends.clone());
        let load = thread::spawn(move || load(&users, &end));
        self.load = Some((ends, load));
        self
    }

    /// Nobody listens there any more.
    pub(crate) fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// The command with the service and the token.
    pub(crate) fn command(&self, arguments: &[&str]) -> assert_cmd::Command {
        let mut command = shop::cachekit(arguments);
        command.args(["--admin", &self.url, "--timeout", "60s"]).env("CACHEKIT_ADMIN_TOKEN", TOKEN);
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// What it prints, when it succeeds.
    #[track_caller]
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.said(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// With which code it ends, and what it says on the standard error.
    pub(crate) fn failed(&self, arguments: &[&str]) -> (i32, String) {
        failed(&mut self.command(arguments))
    }
}

/// Calls until it ends: of ten, nine are of few users.
pub(crate) fn load(users: &Cache<u64, String>, ends: &AtomicBool) {
    let mut random = 1_u64;
    for turn in 0_u64.. {
        if ends.load(Ordering::Relaxed) {
            return;
        }
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = if turn % 10 < 9 { (random >> 33) % 300 } else { (random >> 33) % 9_000 };
        users.get_or_compute(&id, || format!("user {id}"));
        if turn.is_multiple_of(64) {
            thread::sleep(Duration::from_millis(1)); // sleeps: a load that leaves others some time
        }
    }
}

/// With which code it ends, and what it says on the standard error.
pub(crate) fn failed(command: &mut assert_cmd::Command) -> (i32, String) {
    let output = command.output().expect("it runs");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some((ends, load)) = self.load.take() {
            ends.store(true, Ordering::Relaxed);
            load.join().ok();
        }
        self.stop();
    }
}
