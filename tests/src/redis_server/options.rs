//! What a server is started with.

use super::RedisServer;
use std::{fs, path::Path};

/// What a server is started with. Nothing is kept on disk unless it is asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(super) password: Option<String>,
    users: Vec<String>,
    pub(super) tls: Option<Tls>,
    socket: bool,
    persistent: bool,
    cluster: bool,
    /// The lines of its file, if it is a sentinel.
    pub(super) sentinel: Option<String>,
    settings: Vec<(String, String)>,
}

/// The server's side of TLS, each in PEM.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Who signed the certificates of clients and of this server.
    pub authority: String,
    /// The server's certificate.
    pub certificate: String,
    /// The key of the server's certificate.
    pub key: String,
    /// Must clients show a certificate too?
    pub clients: bool,
}

impl Options {
    /// A password of the default user.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// A user, in the words of `ACL SETUSER`: `"app on >secret ~ck:* +@all"`.
    #[must_use]
    pub fn user(mut self, rule: &str) -> Self {
        self.users.push(rule.to_owned());
        self
    }

    /// TLS on [`RedisServer::tls_port`], beside the plain port.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// A Unix socket too, [`RedisServer::socket`].
    #[must_use]
    pub fn socket(mut self) -> Self {
        self.socket = true;
        self
    }

    /// Every write is on disk before it is acknowledged.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// A node of a cluster; it knows no other node, and has no slots.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.cluster = true;
        self
    }

    /// Any other setting of `redis.conf`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// Where `redis-server` is missing or does not start.
    #[must_use]
    pub fn start(self) -> RedisServer {
        RedisServer::with(self)
    }

    /// Servers speak TLS among one another too.
    fn tls_settings(&self, folder: &Path, tls_port: u16) -> Vec<(String, String)> {
        let Some(tls) = &self.tls else { return Vec::new() };
        let mut all = vec![
            ("tls-port".to_owned(), tls_port.to_string()),
            ("tls-auth-clients".to_owned(), if tls.clients { "yes" } else { "no" }.to_owned()),
            ("tls-replication".to_owned(), "yes".to_owned()),
        ];
        for (name, text) in [("ca-cert-file", &tls.authority), ("cert-file", &tls.certificate), ("key-file", &tls.key)]
        {
            let file = folder.join(name);
            fs::write(&file, text).expect("a file of the server");
            all.push((format!("tls-{name}"), file.display().to_string()));
        }
        all
    }

    pub(super) fn arguments(&self, folder: &Path, port: u16, tls_port: u16, bus_port: u16) -> Vec<String> {
        if let Some(lines) = &self.sentinel {
            // Sentinels write what they learn into their file, and go on from there.
            let file = folder.join(format!("sentinel-{port}.conf"));
            if !file.exists() {
                let tls = self.tls_settings(folder, tls_port);
                let tls: String = tls.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
                let text = format!("port {port}\nbind 127.0.0.1\ndir {}\n{tls}{lines}", folder.display());
                fs::write(&file, text).expect("the file of a sentinel");
            }
            return vec![file.display().to_string(), "--sentinel".to_owned()];
        }
        let mut all = Vec::new();
        let mut set = |name: &str, values: &[&str]| {
            all.push(format!("--{name}"));
            all.extend(values.iter().map(|value| (*value).to_owned()));
        };
        set("port", &[&port.to_string()]);
        set("bind", &["127.0.0.1"]);
        set("dir", &[&folder.to_string_lossy()]);
        set("enable-debug-command", &["yes"]);
        set("repl-diskless-sync-delay", &["0"]);
        set("save", &[""]);
        if self.persistent {
            set("appendonly", &["yes"]);
            set("appendfsync", &["always"]);
        }
        if let Some(password) = &self.password {
            set("requirepass", &[password]);
            set("masterauth", &[password]);
        }
        if self.cluster {
            set("cluster-enabled", &["yes"]);
            set("cluster-port", &[&bus_port.to_string()]);
            set("cluster-node-timeout", &["1000"]);
            // A replica takes over however long it was without its master.
            set("cluster-replica-validity-factor", &["0"]);
            // And no other master's.
            set("cluster-migration-barrier", &["100"]);
            if self.tls.is_some() {
                set("tls-cluster", &["yes"]);
            }
        }
        for user in &self.users {
            set("user", &user.split(' ').collect::<Vec<_>>());
        }
        if self.socket {
            set("unixsocket", &[&folder.join("redis.sock").to_string_lossy()]);
        }
        for (name, value) in self.tls_settings(folder, tls_port) {
            set(&name, &[&value]);
        }
        for (name, value) in &self.settings {
            set(name, &[value]);
        }
        all
    }
}
