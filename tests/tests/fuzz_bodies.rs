//! The bodies of the fuzz targets for a bounded time: random bytes, damaged valid ones, and what recurses. None panics, overflows a small stack, or allocates
//! over the limit. In a binary of its own, because the counting allocator is global.

use allocation_counter::measure;
use cachekit_tests::fuzz_bodies::{ALL, Body, MAX, valid};
use proptest::prelude::*;
use std::{collections::BTreeSet, fs, path::PathBuf, thread};

/// Runs it where a recursion of a few hundred levels would overflow, and counts.
fn runs(body: Body, input: &[u8]) {
    let used = measure(|| body(input));
    // The input is copied, and what was decoded is encoded and decoded once more: three times the limit, and what prints it.
    let most = 3 * MAX as u64 + 64 * input.len() as u64 + 16_384;
    assert!(used.bytes_max <= most, "{} bytes were allocated at once for {} of input", used.bytes_max, input.len());
}

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn every_body_has_a_target_and_accepts_something() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for (name, body) in ALL {
        assert!(root.join("fuzz_targets").join(format!("{name}.rs")).is_file(), "no target for {name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in the manifest");
        let inputs = valid(name);
        assert!(!inputs.is_empty(), "{name}");
        inputs.iter().for_each(|input| body(input));
    }
    let names: BTreeSet<_> = ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), fs::read_dir(root.join("fuzz_targets")).unwrap().count());
}

#[test]
fn bytes_that_recurse_are_errors() {
    on_a_small_stack(|| {
        let units: Vec<Vec<u8>> = (0..=255)
            .map(|byte| vec![byte])
            .chain((0..=40).flat_map(|tag| [vec![tag, 1], vec![tag, 2], vec![tag, 1, 1, b'x']]))
            .chain(
                ["{\"a\":", "{\"List\":[", "{\"Nested\":", "{\"Map\":{\"a\":", "[[", "\u{20}"]
                    .map(|text| text.as_bytes().to_vec()),
            )
            .chain([b"\x81\xa6Nested".to_vec(), b"\x81\xa4List\x91".to_vec(), b"\x81\xa3Map\x81\xa1a".to_vec()])
            .collect();
        for (_, body) in ALL {
            for unit in &units {
                body(&unit.repeat(MAX / unit.len()));
                body(&unit.repeat(300));
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn random_bytes_are_errors_or_values(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, body) in ALL {
            runs(body, &bytes);
        }
    }

    #[test]
    fn damaged_bytes_are_errors_or_values(
        pick: prop::sample::Index,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4), 1..4),
    ) {
        for (name, body) in ALL {
            let inputs = valid_once(name);
            let mut bytes = inputs[pick.index(inputs.len())].clone();
            for (at, byte, how) in &damage {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] ^= 1 << (byte % 8),
                    1 => bytes[at] = *byte,
                    2 => bytes.truncate(at),
                    _ => bytes.insert(at, *byte),
                }
            }
            runs(body, &bytes);
        }
    }
}

fn valid_once(name: &str) -> &'static [Vec<u8>] {
    use std::{collections::HashMap, sync::LazyLock};
    static VALID: LazyLock<HashMap<&str, Vec<Vec<u8>>>> =
        LazyLock::new(|| ALL.iter().map(|(name, _)| (*name, valid(name))).collect());
    &VALID[name]
}
