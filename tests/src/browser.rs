//! A real browser without a window: Chromium, driven by chromedriver over the protocol of W3C WebDriver.

use crate::waiting::{PATIENCE, eventually_or};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One window, which ends with its test.
pub struct Browser {
    driver: Driver,
    session: String,
}

/// The process of chromedriver, and where its files are.
struct Driver {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        let _ = self.folder.path();
    }
}

impl Driver {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let child = Self::spawn(&log, folder.path());
        let mut driver = Driver { child, port: 0, folder };
        let said = || fs::read_to_string(&log).unwrap_or_default();
        eventually_or("chromedriver listens", said, || {
            let port = said().split("successfully on port ").nth(1).and_then(|rest| {
                rest.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|port| port.parse().ok())
            });
            driver.port = port.unwrap_or_default();
            // It takes a port of IPv4 that is free, and ends if that of IPv6 is not.
            if driver.port == 0 && driver.child.try_wait().is_ok_and(|end| end.is_some()) {
                driver.child = Self::spawn(&log, driver.folder.path());
            }
            driver.port > 0
        });
        driver
    }

    fn spawn(log: &Path, folder: &Path) -> Child {
        let log = fs::File::create(log).expect("a log");
        let errors = log.try_clone().expect("a log for errors too");
        Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("chromedriver cannot be started ({error}): `apt-get install -y chromium chromium-driver`")
            })
    }

    /// The `value` of the answer; `Err`: what WebDriver calls an error.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let answer = whole(&mut stream).map_err(|error| format!("{method} {path}: {error}"))?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|error| format!("{answer}: {error}"))?;
        let value = answer["value"].take();
        match value.get("error") {
            Some(error) => Err(format!("{method} {path}: {error}: {}", value["message"])),
            None => Ok(value),
        }
    }
}

/// The body of an answer that keeps its connection open.
fn whole(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut all, mut buffer) = (Vec::new(), [0; 65_536]);
    loop {
        let count = stream.read(&mut buffer)?;
        all.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let text = String::from_utf8_lossy(&all);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if count == 0 || length.is_some_and(|length| body.len() >= length) {
                return Ok(body.to_owned());
            }
        } else if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

impl Browser {
    /// A window of 1280 by 1000.
    ///
    /// # Panics
    /// If there is no Chromium with its driver.
    #[must_use]
    pub fn open() -> Self {
        let driver = Driver::start();
        // As root there is no sandbox, and in a container no room for shared memory.
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1280,1000",
            "--hide-scrollbars",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let session = driver.ask("POST", "/session", &wanted).expect("a session");
        let session = session["sessionId"].as_str().expect("its id").to_owned();
        Browser { driver, session }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.driver.ask(method, &format!("/session/{}{path}", self.session), body)
    }

    /// Goes there.
    ///
    /// # Panics
    /// If that fails, as all that follows.
    pub fn go(&self, url: &str) {
        self.ask("POST", "/url", &json!({ "url": url })).expect("a page");
    }

    /// What a script gives: the body of a function.
    ///
    /// # Panics
    /// If it throws.
    #[must_use]
    pub fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", &json!({ "script": script, "args": [] })).expect(script)
    }

    /// Runs a script for what it does.
    ///
    /// # Panics
    /// If it throws.
    pub fn act(&self, script: &str) {
        let _ = self.run(script);
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// If it does not become true.
    pub fn until(&self, expression: &str) {
        let instead = || format!("{}\n{}", self.text("body"), self.console().join("\n"));
        eventually_or(expression, instead, || self.run(&format!("return Boolean({expression})")) == true);
    }

    fn element(&self, css: &str) -> Result<String, String> {
        let found = self.ask("POST", "/element", &json!({ "using": "css selector", "value": css }))?;
        Ok(found[ELEMENT].as_str().unwrap_or_default().to_owned())
    }

    /// Clicks what the selector finds, as a person does: it must be visible.
    ///
    /// # Panics
    /// If it cannot be clicked.
    pub fn click(&self, css: &str) {
        let element = self.element(css).expect(css);
        self.ask("POST", &format!("/element/{element}/click"), &json!({})).expect(css);
    }

    /// Writes in place of what is there.
    ///
    /// # Panics
    /// If there is no such field.
    pub fn write(&self, css: &str, text: &str) {
        let element = self.element(css).expect(css);
        self.ask("POST", &format!("/element/{element}/clear"), &json!({})).expect(css);
        self.ask("POST", &format!("/element/{element}/value"), &json!({ "text": text })).expect(css);
    }

    /// Presses keys, one after the other, wherever the focus is.
    ///
    /// # Panics
    /// If the browser does not take them.
    pub fn press(&self, keys: &[char]) {
        let of = |key: &char| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        let actions: Vec<Value> = keys.iter().flat_map(of).collect();
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.ask("POST", "/actions", &body).expect("keys");
    }

    /// The visible text of what the selector finds.
    ///
    /// # Panics
    /// If it finds nothing.
    #[must_use]
    pub fn text(&self, css: &str) -> String {
        let element = self.element(css).expect(css);
        let text = self.ask("GET", &format!("/element/{element}/text"), &Value::Null).expect(css);
        text.as_str().unwrap_or_default().to_owned()
    }

    /// A command of Chromium's own.
    ///
    /// # Panics
    /// If it fails.
    #[must_use]
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters })).expect(command)
    }

    /// The errors that the page has caused since the last look, those of its content security policy too.
    ///
    /// # Panics
    /// If the browser has no log.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let log = self.ask("POST", "/se/log", &json!({ "type": "browser" })).expect("the log");
        let lines = log.as_array().into_iter().flatten().filter(|line| line["level"] == "SEVERE");
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// A picture of the window, as PNG.
    ///
    /// # Panics
    /// If there is none, or it cannot be written.
    pub fn screenshot(&self, to: &Path) {
        // Motion and focus rings come to rest.
        std::thread::sleep(Duration::from_millis(300)); // sleeps: the browser says nothing of what it has painted
        let picture = self.ask("GET", "/screenshot", &Value::Null).expect("a picture");
        fs::write(to, decoded(picture.as_str().expect("base64"))).expect("a file");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.ask("DELETE", "", &Value::Null).ok();
    }
}

/// Base64.
fn decoded(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len() * 3 / 4), 0_u32, 0);
    for letter in text.bytes() {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        (bits, count) = (bits << 6 | u32::from(six), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
