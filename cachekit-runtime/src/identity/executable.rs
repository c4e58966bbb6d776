//! A hash of the running program, for shapes that cannot be traced: another build is then another namespace.

use std::{
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    path::PathBuf,
    sync::OnceLock,
};

/// The hash of this process's executable; computed once, which takes milliseconds. Where it cannot be read: random bytes, so that this process
/// shares nothing with another.
pub(super) fn digest() -> &'static [u8; 32] {
    static DIGEST: OnceLock<[u8; 32]> = OnceLock::new();
    DIGEST.get_or_init(|| match open().and_then(hash) {
        Ok(digest) => digest,
        Err(error) => {
            tracing::warn!(
                %error,
                "cannot read this program's file: entries whose shape cannot be traced are not shared with other processes nor kept beyond this \
                 one; `version` helps"
            );
            random()
        }
    })
}

/// The file of the running program itself. By its name one could meet the next version already, which a deployment has put there.
fn open() -> io::Result<File> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let path = PathBuf::from("/proc/self/exe");
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let path: PathBuf = std::env::current_exe()?;
    File::open(&path).or_else(|_| File::open(std::env::current_exe()?))
}

fn hash(mut source: impl Read) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(*hasher.finalize().as_bytes()),
            Ok(length) => _ = hasher.update(buffer.get(..length).unwrap_or(&buffer)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// From the seeds of `std`'s hash maps, which the operating system gives once per thread, and which differ from map to map.
fn random() -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for _ in 0..4 {
        hasher.update(&RandomState::new().hash_one(std::process::id()).to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hash_of_the_file() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(digest(), blake3::hash(&bytes).as_bytes());
        assert!(std::ptr::eq(digest(), digest()), "computed once");
    }

    #[test]
    fn a_source_that_comes_in_pieces_and_interrupts_is_read_to_its_end() {
        struct Pieces(Vec<io::Result<&'static [u8]>>);
        impl Read for Pieces {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let piece = self.0.pop().unwrap_or(Ok(b""))?;
                buffer[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            }
        }
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let pieces = Pieces(vec![Ok(b"cd"), interrupted(), Ok(b"ab")]);
        assert_eq!(hash(pieces).unwrap(), *blake3::hash(b"abcd").as_bytes());
        assert!(hash(Pieces(vec![Err(io::ErrorKind::PermissionDenied.into()), Ok(b"a")])).is_err());
    }

    #[test]
    fn what_stands_in_for_it_is_never_the_same() {
        assert_ne!(random(), random());
    }
}
