//! `cargo xtask http-conformance`: the public suite of HTTP caches against a reverse proxy around `CacheLayer`.
//!
//! Neither the suite (the repository http-tests/cache-tests) nor its driver is part of the project: both are folders outside of it. The suite needs Node, so this is no
//! part of `cargo xtask test`.

use std::net::TcpListener;
use std::path::Path;

use crate::shell::Cmd;
use crate::{Result, workspace};

const USAGE: &str =
    "`cargo xtask http-conformance --suite CHECKOUT --driver FOLDER [--profile rfc|defaults|defaults+cdn]`";

/// The profiles of the proxy, each with the least that it has to pass: required tests, of 160, and optimal ones, of 105.
const BARS: [(&str, u32, u32); 3] = [("rfc", 157, 93), ("defaults+cdn", 152, 84), ("defaults", 144, 77)];

#[derive(Debug, PartialEq)]
struct Options {
    suite: String,
    driver: String,
    profile: Option<String>,
}

pub(crate) fn main(words: &[&str]) -> Result {
    let options = read(words)?;
    let script = Path::new(&options.driver).join("run.sh");
    if !script.is_file() || !Path::new(&options.suite).join("test-engine").is_dir() {
        return Err(format!("no driver with a `run.sh`, or no checkout of the suite, in these folders: {USAGE}"));
    }
    Cmd::cargo("build -p cachekit-tests --bin http_proxy").run()?;
    let proxy = workspace::target().join("debug/http_proxy").display().to_string();
    let mut failed = Vec::new();
    for (profile, required, optimal) in
        BARS.iter().filter(|bar| options.profile.as_deref().is_none_or(|one| one == bar.0))
    {
        println!("\n== {profile}: at least {required} required and {optimal} optimal ==");
        let (origin, port) = (free_port()?, free_port()?);
        let cmd = Cmd::new("bash").arg(script.display().to_string()).arg("-c").arg(&options.suite);
        let cmd = cmd.arg("-u").arg(format!("http://127.0.0.1:{port}")).arg("-p").arg(origin.to_string());
        let cmd = cmd.arg("-k").arg("100").arg("-m").arg(required.to_string()).arg("-M").arg(optimal.to_string());
        if cmd.arg("--").arg(&proxy).arg(port.to_string()).arg(*profile).run().is_err() {
            failed.push(*profile);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("below the bar: {}", failed.join(", "))) }
}

/// One that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

fn read(words: &[&str]) -> Result<Options> {
    let (mut suite, mut driver, mut profile) = (None, None, None);
    for pair in words.chunks(2) {
        let [flag, value] = pair else { return Err(format!("`{}` needs a value: {USAGE}", pair[0])) };
        let place = match *flag {
            "--suite" => &mut suite,
            "--driver" => &mut driver,
            "--profile" if BARS.iter().any(|(name, ..)| name == value) => &mut profile,
            _ => return Err(format!("`{flag} {value}` is not understood: {USAGE}")),
        };
        *place = Some((*value).to_owned());
    }
    match (suite, driver) {
        (Some(suite), Some(driver)) => Ok(Options { suite, driver, profile }),
        _ => Err(format!("the folders of the suite and of its driver are needed: {USAGE}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_folders_are_needed_and_profiles_are_known() {
        let both = ["--suite", "a", "--driver", "b"];
        let options = Options { suite: "a".to_owned(), driver: "b".to_owned(), profile: None };
        assert_eq!(read(&both).unwrap(), options);
        let one = [&both[..], &["--profile", "rfc"]].concat();
        assert_eq!(read(&one).unwrap().profile.as_deref(), Some("rfc"));
        for bad in [&[][..], &["--suite", "a"], &["--suite"], &["--profile", "nginx"], &["--x", "y"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
