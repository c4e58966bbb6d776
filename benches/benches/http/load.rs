//! The process that asks: so many connections, each with one request under way, whole responses read and their bodies counted.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

const ROLE: &str = "CACHEKIT_BENCH_LOAD";

pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// The other process, as the benchmark sees it.
pub(crate) struct Load {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Load {
    pub(crate) fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the process has no pipes"));
        };
        Ok(Load { child, questions, answers: BufReader::new(answers) })
    }

    /// How long so many requests took together.
    pub(crate) fn ask(&mut self, port: u16, bytes: usize, connections: usize, requests: usize) -> io::Result<Duration> {
        writeln!(self.questions, "{port} {bytes} {connections} {requests}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let nanos: Option<u64> = answer.trim().parse().ok();
        nanos.map(Duration::from_nanos).ok_or_else(|| io::Error::other(format!("the load failed: {answer}")))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The life of the other process.
pub(crate) fn answer_questions() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let numbers: Vec<usize> = line.split(' ').filter_map(|number| number.parse().ok()).collect();
        let [port, bytes, connections, requests] = numbers[..] else { return Err(io::Error::other(line)) };
        match drive(port as u16, bytes, connections, requests) {
            Ok(took) => println!("{}", took.as_nanos()),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

fn drive(port: u16, bytes: usize, connections: usize, requests: usize) -> io::Result<Duration> {
    let request = format!("GET /{bytes} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n");
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let mut buffer = vec![0; 256 * 1024];
    let started = Instant::now();
    let mut left = requests;
    while left > 0 {
        let now = left.min(connections);
        for stream in streams.iter_mut().take(now) {
            stream.write_all(request.as_bytes())?;
        }
        for stream in streams.iter_mut().take(now) {
            let body = read_response(stream, &mut buffer)?;
            if body != bytes {
                return Err(io::Error::other(format!("a body of {body} bytes instead of {bytes}")));
            }
        }
        left -= now;
    }
    Ok(started.elapsed())
}

/// The length of the body, which is read and let go.
fn read_response(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    let head = loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        if let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).map_err(io::Error::other)?;
    if !text.starts_with("HTTP/1.1 200") {
        return Err(io::Error::other(text.lines().next().unwrap_or_default().to_owned()));
    }
    let field = |name: &str| {
        text.lines().find_map(|line| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name)))
    };
    if field("transfer-encoding").is_some() {
        buffer.copy_within(head..filled, 0);
        return read_chunks(stream, buffer, filled - head);
    }
    let length = field("content-length").and_then(|(_, value)| value.trim().parse::<usize>().ok());
    let length = length.ok_or_else(|| io::Error::other("neither a length nor chunks"))?;
    let mut there = filled - head;
    while there < length {
        let most = buffer.len().min(length - there);
        let read = stream.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        there += read;
    }
    Ok(length)
}

/// The length of a body in chunks, of which so many bytes are in the buffer.
fn read_chunks(stream: &mut TcpStream, buffer: &mut [u8], mut filled: usize) -> io::Result<usize> {
    let (mut at, mut length) = (0, 0);
    loop {
        let line = buffer[at..filled].windows(2).position(|window| window == b"\r\n");
        let size = line.and_then(|end| {
            let text = std::str::from_utf8(&buffer[at..at + end]).ok()?;
            Some((at + end + 2, usize::from_str_radix(text.trim(), 16).ok()?))
        });
        match size {
            Some((begin, size)) if begin + size + 2 <= filled => {
                if size == 0 {
                    return Ok(length);
                }
                (at, length) = (begin + size + 2, length + size);
            }
            _ => {
                let read = stream.read(&mut buffer[filled..])?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                filled += read;
            }
        }
    }
}
