//! The checks themselves.

/// The checks of [`codec_suite!`](super::codec_suite), for those who write their own tests around them. Each panics where the codec breaks the contract of
/// [`Codec`](crate::codec::Codec).
pub mod codec_checks {
    use super::super::samples::{CodecSample, SerdeCodec};
    use crate::{codec::Codec, testing::policy_suite::Random};
    use bytes::Bytes;
    use std::{collections::HashMap, fmt::Debug, thread};

    const MAX: usize = crate::codec::DEFAULT_MAX_VALUE_BYTES;
    /// A stack that a few hundred levels of nesting overflow.
    const SMALL_STACK: usize = 1 << 20;
    const DEEP: usize = 100_000;

    /// Enough of a value to know it by.
    fn shown(value: &impl Debug) -> String {
        let mut text = format!("{value:?}");
        text.truncate(text.floor_char_boundary(300));
        text
    }

    #[track_caller]
    fn encoded<C: Codec<V> + Default, V: Debug>(value: &V) -> Vec<u8> {
        let mut out = Vec::new();
        if let Err(error) = C::default().encode(value, &mut out) {
            panic!("a value is not encoded: {error}; {}", shown(value));
        }
        out
    }

    #[track_caller]
    fn round_trip<C: Codec<V> + Default, V: PartialEq + Debug>(value: &V) {
        let bytes = encoded::<C, V>(value);
        for back in [C::default().decode(&bytes), C::default().decode_within(&bytes.clone().into(), MAX)] {
            match back {
                Ok(back) => assert!(&back == value, "another value comes back: {} was {}", shown(&back), shown(value)),
                Err(error) => panic!("a value does not come back: {error}; {} was {}", shown(value), shown(&bytes)),
            }
        }
        // `==` takes -0.0 for 0.0, and other types other things.
        if let Ok(back) = C::default().decode(&bytes) {
            assert!(format!("{back:?}") == format!("{value:?}"), "another value comes back: {}", shown(&back));
        }
    }

    /// What was encoded is decoded as an equal value, which prints alike.
    pub fn gives_back_what_it_was_given<C: Codec<V> + Default, V: PartialEq + Debug>(values: &[V]) {
        assert!(!values.is_empty(), "the suite needs values");
        values.iter().for_each(round_trip::<C, V>);
    }

    /// A value gives the same bytes each time, behind what is there already.
    pub fn appends_the_same_each_time<C: Codec<V> + Default, V: Debug>(values: &[V]) {
        let codec = C::default();
        let mut all = b"before".to_vec();
        for value in values {
            let mut expected = all.clone();
            expected.extend(encoded::<C, V>(value));
            codec.encode(value, &mut all).unwrap_or_else(|error| panic!("{error}: {}", shown(value)));
            assert!(all == expected, "what was there is changed, or the bytes of {} differ", shown(value));
        }
    }

    /// Neither encoding nor decoding goes over the limit that it is given.
    pub fn keeps_within_its_limits<C: Codec<V> + Default, V: Debug>(values: &[V]) {
        let codec = C::default();
        for value in values {
            let bytes = Bytes::from(encoded::<C, V>(value));
            let plenty = bytes.len().saturating_mul(1_000).saturating_add(1 << 16);
            assert!(codec.encode_within(value, &mut Vec::new(), plenty).is_ok(), "within the limit: {}", shown(value));
            assert!(codec.decode_within(&bytes, plenty).is_ok(), "within the limit: {}", shown(value));
            if let Some(less) = bytes.len().checked_sub(1) {
                assert!(
                    codec.encode_within(value, &mut Vec::new(), less).is_err(),
                    "more than the limit: {}",
                    shown(value)
                );
                assert!(codec.decode_within(&bytes, less).is_err(), "more than the limit: {}", shown(value));
            }
        }
    }

    /// With a byte more, the bytes are not taken for the value that they were.
    pub fn takes_nothing_else_for_a_value<C: Codec<V> + Default, V: PartialEq + Debug>(values: &[V]) {
        let codec = C::default();
        for value in values {
            let mut bytes = encoded::<C, V>(value);
            for more in 0..=255 {
                bytes.push(more);
                if let Ok(taken) = codec.decode(&bytes) {
                    assert!(&taken != value, "the byte {more} behind {} is overlooked", shown(value));
                }
                bytes.pop();
            }
        }
    }

    /// Random bytes, some of them likely ones, neither panic nor hang. A failure names the seed.
    pub fn survives_random_bytes<C: Codec<V> + Default, V>() {
        for seed in 0..2_000 {
            let mut random = Random(seed);
            let length = random.below(64);
            let bytes: Vec<u8> = (0..length)
                .map(|_| match random.below(4) {
                    0 => random.below(8) as u8,
                    1 => b"[]{}\",:0\xff\x80\xc1\xdd\xdf\x7f\xfc\xfd"[random.below(16) as usize],
                    _ => random.next() as u8,
                })
                .collect();
            quietly::<C, V>(&bytes, seed);
        }
    }

    /// What was encoded, cut, with bits flipped, parts exchanged or doubled, neither panics nor hangs. A failure names the seed.
    pub fn survives_damage<C: Codec<V> + Default, V: Debug>(values: &[V]) {
        for (number, value) in (0..).zip(values) {
            let whole = encoded::<C, V>(value);
            for length in 0..whole.len().min(1_000) {
                quietly::<C, V>(&whole[..length], number);
            }
            for round in 0..100 {
                let seed = number << 32 | round;
                let mut random = Random(seed);
                let mut bytes = whole.clone();
                for _ in 0..=random.below(3) {
                    damage(&mut bytes, &mut random);
                }
                quietly::<C, V>(&bytes, seed);
            }
        }
    }

    fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
        let Some(at) = (!bytes.is_empty()).then(|| random.below(bytes.len() as u64) as usize) else {
            return bytes.push(random.next() as u8);
        };
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.next() as u8),
            _ => {
                let part = bytes[at..].to_vec();
                bytes.extend(part);
            }
        }
    }

    fn quietly<C: Codec<V> + Default, V>(bytes: &[u8], seed: u64) {
        let named = NamesSeed(seed);
        let _ = C::default().decode(bytes);
        drop(named);
    }

    struct NamesSeed(u64);

    impl Drop for NamesSeed {
        fn drop(&mut self) {
            if thread::panicking() {
                println!("the bytes are those of seed {}", self.0);
            }
        }
    }

    /// Values that are no enum: numbers, strings, options, sequences, maps.
    pub fn carries_values_at_the_top<C: SerdeCodec>() {
        round_trip::<C, ()>(&());
        [false, true].iter().for_each(round_trip::<C, bool>);
        [0, 1, u64::MAX].iter().for_each(round_trip::<C, u64>);
        [i128::MIN, 0, i128::MAX].iter().for_each(round_trip::<C, i128>);
        [0.0, -0.0, 0.1, f64::MAX].iter().for_each(round_trip::<C, f64>);
        ["", "ä\"\n"].map(str::to_owned).iter().for_each(round_trip::<C, String>);
        [None, Some(0)].iter().for_each(round_trip::<C, Option<u32>>);
        [vec![], vec![0, 255]].iter().for_each(round_trip::<C, Vec<u8>>);
        round_trip::<C, (u8, String)>(&(7, "seven".to_owned()));
        round_trip::<C, HashMap<String, i64>>(&HashMap::new());
        let map: HashMap<String, i64> = HashMap::from([("a".to_owned(), -1)]);
        round_trip::<C, _>(&map);
    }

    /// A megabyte of text and a hundred thousand elements.
    pub fn carries_large_values<C: SerdeCodec>() {
        round_trip::<C, String>(&"large \"text\" ".repeat(100_000));
        round_trip::<C, Vec<u8>>(&(0..100_000).map(|n| n as u8).collect());
        round_trip::<C, Vec<CodecSample>>(&(0..100_000).map(CodecSample::U32).collect());
    }

    /// All that is shorter than a value is refused.
    pub fn refuses_every_truncation<C: SerdeCodec>() {
        let codec = C::default();
        for value in CodecSample::all() {
            let bytes = encoded::<C, CodecSample>(&value);
            for length in 0..bytes.len() {
                let taken: Result<CodecSample, _> = codec.decode(&bytes[..length]);
                assert!(
                    taken.is_err(),
                    "{length} of {} bytes are taken for {taken:?}; they were {value:?}",
                    bytes.len()
                );
            }
        }
    }

    /// A value that nests a hundred thousand levels is an error on its way out, and bytes that do so on their way in; on a thread with
    /// a stack of a megabyte.
    pub fn refuses_what_nests_too_deeply<C: SerdeCodec>() {
        let check = || {
            let codec = C::default();
            let deep = CodecSample::nested(DEEP);
            let mut out = Vec::new();
            let refused = codec.encode(&deep, &mut out).is_err();
            deep.unravel();
            assert!(refused, "a value of {DEEP} levels is encoded");

            let nest = |levels: usize| {
                // A level is what two of them have more than one.
                let (one, two) = (CodecSample::nested(1), CodecSample::nested(2));
                let (one, two) = (encoded::<C, CodecSample>(&one), encoded::<C, CodecSample>(&two));
                let before = two.windows(one.len()).rposition(|part| part == one)?;
                let (before, after) = (&two[..before], &two[before + one.len()..]);
                Some([before.repeat(levels - 1), one.clone(), after.repeat(levels - 1)].concat())
            };
            // Where a level has its length in front, as in no format of ours, there are no such bytes.
            let Some(bytes) = nest(40) else { return };
            let taken: Result<CodecSample, _> = codec.decode(&bytes);
            assert_eq!(taken.ok(), Some(CodecSample::nested(40)), "40 levels are an ordinary value");
            for levels in [1_000, DEEP] {
                let bytes = nest(levels).unwrap_or_default();
                let taken: Result<CodecSample, _> = codec.decode(&bytes);
                let refused = taken.map(CodecSample::unravel).is_err();
                assert!(refused, "bytes of {levels} levels are decoded");
            }
        };
        let thread = thread::Builder::new().stack_size(SMALL_STACK).spawn(check);
        match thread.map(thread::JoinHandle::join) {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("no thread: {error}"),
        }
    }
}
