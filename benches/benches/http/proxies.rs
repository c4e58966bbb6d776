//! nginx and Varnish in front of the application, where they are installed.

use std::{
    fs, io,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A proxy that runs.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    child: Child,
    _folder: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One process, no log, what is cached in memory-backed files.
pub(crate) fn nginx(origin: u16) -> io::Result<Proxy> {
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

pub(crate) fn varnish(origin: u16) -> io::Result<Proxy> {
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
    let mut proxy = Proxy { port, child, _folder: folder };
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
