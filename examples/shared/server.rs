//! A `redis-server` of the example's own.

use anyhow::{Context, Result, ensure};
use std::{
    io::ErrorKind,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    /// `None`: it is not installed.
    pub(crate) fn start(folder: &Path) -> Result<Option<Self>> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = match launch(port, folder) {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("redis-server"),
        };
        let mut server = Server { child, port, folder: folder.to_owned() };
        server.listens()?;
        Ok(Some(server))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    pub(crate) fn restart(&mut self) -> Result<()> {
        self.child = launch(self.port, &self.folder)?;
        self.listens()
    }

    fn listens(&mut self) -> Result<()> {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            ensure!(self.child.try_wait()?.is_none(), "redis-server has ended at once");
            ensure!(start.elapsed() < Duration::from_secs(30), "redis-server takes too long to start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(port: u16, folder: &Path) -> std::io::Result<Child> {
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
}
