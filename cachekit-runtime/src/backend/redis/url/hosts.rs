//! The URLs that name several hosts.

use super::{Servers, server};
use redis::{ConnectionInfo, ProtocolVersion};

/// The port of sentinels, unless another is said.
const SENTINEL: u16 = 26_379;

/// The parts of such a URL, as they are written.
pub(super) struct Hosts<'a> {
    /// User and password, with the `@`.
    user: &'a str,
    hosts: Vec<&'a str>,
    path: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Hosts<'a> {
    /// Reads what follows the scheme. The errors here and below are what is wrong, without the URL.
    pub(super) fn read(rest: &'a str) -> Result<Self, String> {
        let at = rest.rfind('@').map_or(0, |at| at + 1);
        let (user, rest) = rest.split_at_checked(at).unwrap_or_default();
        if user.contains(['/', '?', '#', ',']) {
            return Err(
                "cannot be read (a user or password with `/`, `?`, `#` or `,`: write them as %2F, %3F, %23, %2C)"
                    .to_owned(),
            );
        }
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        if hosts.is_empty() {
            return Err("names no host".to_owned());
        }
        let hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
        if hosts.iter().any(|host| host.is_empty()) {
            return Err("has an empty host".to_owned());
        }
        let parameters = parameters.split('&').filter(|parameter| !parameter.is_empty());
        let parameters = parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, ""))).collect();
        Ok(Hosts { user, hosts, path, parameters })
    }

    pub(super) fn cluster(self, scheme: &str) -> Result<Vec<ConnectionInfo>, String> {
        if !matches!(self.path, "" | "0") {
            return Err("names a database, and a Cluster has only the database 0".to_owned());
        }
        self.no_more_parameters(&[])?;
        self.hosts.iter().map(|host| server(&format!("{scheme}://{}{host}", self.user))).collect()
    }

    pub(super) fn sentinel(self, scheme: &str) -> Result<Servers, String> {
        let (service, database) = self.path.split_once('/').unwrap_or((self.path, ""));
        if service.is_empty() {
            return Err("lacks the name of the master, which stands after the hosts: `…/name`".to_owned());
        }
        if database.contains('/') {
            return Err("has more than a database after the name of the master".to_owned());
        }
        let (user, password) = ("sentinel_user", "sentinel_password");
        self.no_more_parameters(&[user, password])?;
        let (name, password) = (self.parameter(user), self.parameter(password));
        if name.is_some() && password.is_none() {
            return Err("has a `sentinel_user` without `sentinel_password`".to_owned());
        }
        let first = self.hosts.first().copied().unwrap_or_default();
        let master = server(&format!("{scheme}://{}{first}/{database}", self.user))?;
        let login = password.map(|password| format!("{}:{password}@", name.unwrap_or_default())).unwrap_or_default();
        let sentinels = self.hosts.iter().map(|host| {
            let port = if has_port(host) { String::new() } else { format!(":{SENTINEL}") };
            let read = server(&format!("{scheme}://{login}{host}{port}"))?;
            // Sentinels of Redis 6.0 know neither the newer protocol nor names of clients.
            let plain = read.redis_settings().clone().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
            Ok(read.set_redis_settings(plain))
        });
        Ok(Servers::Sentinel {
            sentinels: sentinels.collect::<Result<_, String>>()?,
            service: unescaped(service).ok_or("cannot be read (the name of the master is no text)")?,
            master,
        })
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn no_more_parameters(&self, known: &[&str]) -> Result<(), String> {
        match self.parameters.iter().find(|(name, _)| !known.contains(name)) {
            // The name alone: the value may be a password.
            Some((name, _)) => Err(format!("has the unknown parameter `{name}`")),
            None => Ok(()),
        }
    }
}

/// Colons within brackets belong to an address of IPv6.
fn has_port(host: &str) -> bool {
    host.rsplit(']').next().is_some_and(|end| end.contains(':'))
}

/// With what stands in it as `%` and two digits.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'%' => {
                let (digits, after) = after.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = after;
            }
            byte => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(info: &ConnectionInfo) -> String {
        let settings = info.redis_settings();
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        format!("{} {}:{} {}", info.addr(), text(settings.username()), text(settings.password()), settings.db())
    }

    #[test]
    fn a_cluster_has_several_hosts_and_one_password() {
        let read = Hosts::read("app:s%40cret@a:1,[::1]:2,c/0").unwrap().cluster("redis").unwrap();
        let read: Vec<_> = read.iter().map(shown).collect();
        assert_eq!(read, ["a:1 app:s@cret 0", "::1:2 app:s@cret 0", "c:6379 app:s@cret 0"]);
    }

    #[test]
    fn sentinels_have_a_password_of_their_own() {
        let text = "app:secret@a,[::1],c:3/the%20main/2?sentinel_user=watch&sentinel_password=s%2Fy";
        let Servers::Sentinel { sentinels, service, master } = Hosts::read(text).unwrap().sentinel("redis").unwrap()
        else {
            panic!("no sentinels")
        };
        let sentinels: Vec<_> = sentinels.iter().map(shown).collect();
        assert_eq!(sentinels, ["a:26379 watch:s/y 0", "::1:26379 watch:s/y 0", "c:3 watch:s/y 0"]);
        assert_eq!((&*service, &*shown(&master)), ("the main", "a:6379 app:secret 2"));
        assert_eq!(master.redis_settings().protocol(), ProtocolVersion::RESP3);
    }
}
