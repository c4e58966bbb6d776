//! nginx and Varnish in front of the application, where they are installed.

use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A proxy that runs; dropping it ends it.
#[derive(Debug)]
pub struct Proxy {
    /// Where it answers.
    pub port: u16,
    child: Child,
    folder: TempDir,
}

impl Proxy {
    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// nginx in front of the application at this port: one process, no log, what it caches below `cache` of its folder.
///
/// # Errors
/// It is not installed, or does not start.
pub fn nginx(origin: u16) -> io::Result<Proxy> {
    let (folder, port) = (TempDir::new()?, free_port()?);
    let at = folder.path().display();
    let settings = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/log;
         events {{ worker_connections 256; }}
         http {{
             access_log off; keepalive_requests 1000000; tcp_nodelay on; client_body_temp_path {at}/body; proxy_temp_path {at}/temp;
             fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;
             proxy_cache_path {at}/cache keys_zone=all:4m;
             server {{
                 listen 127.0.0.1:{port};
                 location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache all; proxy_cache_valid 200 10m; proxy_http_version 1.1; }}
             }}
         }}"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, settings)?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).arg("-e").arg(folder.path().join("log"));
    run(command, port, folder, "nginx")
}

/// Varnish in front of the application at this port, with 64 MB of memory.
///
/// # Errors
/// It is not installed, or does not start.
pub fn varnish(origin: u16) -> io::Result<Proxy> {
    let (folder, port) = (TempDir::new()?, free_port()?);
    let mut command = Command::new("varnishd");
    command.arg("-F").arg("-a").arg(format!("127.0.0.1:{port}")).arg("-b").arg(format!("127.0.0.1:{origin}"));
    command.arg("-n").arg(folder.path()).arg("-s").arg("malloc,64m");
    run(command, port, folder, "varnish")
}

fn run(mut command: Command, port: u16, folder: TempDir, package: &str) -> io::Result<Proxy> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child =
        started.map_err(|error| io::Error::other(format!("{error}; `apt-get install -y {package}` installs it")))?;
    let mut proxy = Proxy { port, child, folder };
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if proxy.child.try_wait()?.is_some() || began.elapsed() > Duration::from_secs(20) {
            return Err(io::Error::other("it does not start"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(proxy)
}

/// One that was free a moment ago.
fn free_port() -> io::Result<u16> {
    TcpListener::bind("127.0.0.1:0")?.local_addr().map(|address| address.port())
}
