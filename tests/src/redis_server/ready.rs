//! Is a server up? Asked with a few bytes over a plain connection, because it is asked often.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Does it accept connections?
pub(super) fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Does it answer, and is it done with loading?
pub(super) fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    };
    // A server with a password says so instead.
    ask().is_ok_and(|answer| answer.starts_with(b"+PONG") || answer.starts_with(b"-NOAUTH"))
}
