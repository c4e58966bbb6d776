//! Compression of payloads.

use lz4_flex::block;

/// Below this many bytes compression saves less than it costs.
const WORTHWHILE: usize = 1 << 10;

/// The compressed bytes, if they are worth it: above 1 KiB, and smaller.
pub(crate) fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() <= WORTHWHILE {
        return None;
    }
    let compressed = block::compress(bytes);
    (compressed.len() < bytes.len()).then_some(compressed)
}

/// The `length` bytes of which these are the compressed ones; `None` if they are not. No more than `length` bytes are allocated: the caller has
/// checked it.
pub(crate) fn decompress(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    // A byte of input stands for at most 255 of output, so that a large length is not believed either.
    if length / 256 > bytes.len() {
        return None;
    }
    let whole = block::decompress(bytes, length).ok()?;
    (whole.len() == length).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_large_and_becomes_smaller_is_compressed() {
        assert!(compress(&[0; 1024]).is_none());
        assert!(compress(&[0; 1025]).is_some());
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(4096)
        .collect();
        assert!(compress(&noise).is_none());
    }

    #[test]
    fn it_comes_back_and_only_with_its_length() {
        let text = "abcabd".repeat(1000).into_bytes();
        let compressed = compress(&text).unwrap();
        assert_eq!(decompress(&compressed, text.len()).unwrap(), text);
        assert!(decompress(&compressed, text.len() - 1).is_none());
        assert!(decompress(&compressed, text.len() + 1).is_none());
        assert!(decompress(&compressed, usize::MAX).is_none());
        assert!(decompress(&[], 0).is_none() || decompress(&[], 0).is_some_and(|empty| empty.is_empty()));
    }
}
