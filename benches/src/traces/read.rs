//! Traces from files: a key per line, plain or compressed by zstd.

use super::Trace;
use ruzstd::decoding::StreamingDecoder;
use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// All `*.txt` and `*.txt.zst` of a folder, by name.
///
/// # Errors
/// Where the folder or one of these files cannot be read, or has no requests.
pub fn from_folder(folder: &Path) -> io::Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let plain = name.strip_suffix(".zst").unwrap_or(&name);
        let Some(stem) = plain.strip_suffix(".txt") else { continue };
        let text = if plain == name { fs::read(&path)? } else { decompressed(&path)? };
        let trace = from_text(stem, &text);
        if trace.keys.is_empty() {
            return Err(io::Error::other(format!("{} has no requests", path.display())));
        }
        traces.push(trace);
    }
    traces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(traces)
}

/// Of lines; blank ones are no requests.
#[must_use]
pub fn from_text(name: &str, text: &[u8]) -> Trace {
    Trace::of(name, text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()))
}

fn decompressed(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut decoder = StreamingDecoder::new(File::open(path)?).map_err(io::Error::other)?;
    decoder.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_request() {
        let trace = from_text("t", b"17\n3\r\n\n17\nkey of text");
        assert_eq!((trace.keys.as_slice(), trace.distinct), (&[0, 1, 0, 2][..], 3));
    }
}
