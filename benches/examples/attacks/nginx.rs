//! A proxy in front of an application, for the one case that no peer within a process can lose: who changes the bytes that nginx has stored.

use crate::scene::{Lost, ensure};
use cachekit_benches::proxies;
use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

const STORED: &str = "1234567890123456";
const CHANGED: &str = "1\r\nx-b: injected";

/// Whether a client gets a field that nobody has sent, because the bytes of another one were changed where they are stored.
pub(crate) fn injected() -> io::Result<Lost> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = listener.local_addr()?.port();
    thread::spawn(move || listener.incoming().filter_map(Result::ok).for_each(|stream| _ = answer(stream)));
    let proxy = proxies::nginx(origin)?;
    let first = ask(proxy.port)?;
    if !first.contains(STORED) {
        return Err(io::Error::other(format!("nginx answers {first:?}")));
    }
    let file = stored(&proxy.folder().join("cache"))?;
    let bytes = fs::read(&file)?;
    let place = bytes.windows(STORED.len()).position(|window| window == STORED.as_bytes());
    let place = place.ok_or_else(|| io::Error::other("the field is not in what nginx has stored"))?;
    let mut changed = bytes;
    changed.splice(place..place + STORED.len(), CHANGED.bytes());
    fs::write(&file, changed)?;
    let second = ask(proxy.port)?;
    Ok(ensure(!second.contains("\r\nx-b: injected"), "the bytes come out as they are"))
}

/// What is asked first is stored, and always the same.
fn answer(mut stream: TcpStream) -> io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    let text = format!(
        "HTTP/1.1 200 OK\r\nx-a: {STORED}\r\ncache-control: max-age=60\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi"
    );
    stream.write_all(text.as_bytes())
}

fn ask(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// The one file below the folder, which comes when the client has its answer.
fn stored(folder: &Path) -> io::Result<PathBuf> {
    let began = Instant::now();
    loop {
        let mut files =
            fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file());
        if let Some(file) = files.next() {
            return Ok(file);
        }
        if began.elapsed() > Duration::from_secs(10) {
            return Err(io::Error::other("nginx stores nothing"));
        }
        // sleeps: another process writes it.
        thread::sleep(Duration::from_millis(5));
    }
}
