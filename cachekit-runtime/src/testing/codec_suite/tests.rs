use super::codec_checks;
use crate::{
    Error,
    codec::{Codec, Json, Raw},
};
use std::sync::Arc;

crate::testing::codec_suite!(json_suite, Json);
#[cfg(feature = "msgpack")]
crate::testing::codec_suite!(msgpack_suite, crate::codec::MsgPack);
#[cfg(feature = "postcard")]
crate::testing::codec_suite!(postcard_suite, crate::codec::Postcard);
#[cfg(feature = "bincode")]
crate::testing::codec_suite!(bincode_suite, crate::codec::Bincode);
crate::testing::codec_suite!(raw_strings_suite, Raw, Arc<str> = ["", "text", "ä🦀"].map(Arc::from));
crate::testing::codec_suite!(raw_bytes_suite, Raw, Vec<u8> = [vec![], vec![0; 1_000]]);

/// What a user would write.
#[derive(Default)]
struct Pair;

impl Codec<(u16, u16)> for Pair {
    const NAME: &'static str = "pair";
    fn encode(&self, value: &(u16, u16), out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend([value.0, value.1].iter().flat_map(|part| part.to_be_bytes()));
        Ok(())
    }
    fn decode(&self, bytes: &[u8]) -> Result<(u16, u16), Error> {
        match bytes {
            [a, b, c, d] => Ok((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))),
            _ => Err(Error::decode(Self::NAME, "not four bytes")),
        }
    }
}

crate::testing::codec_suite!(Pair, (u16, u16) = [(0, 0), (1, u16::MAX)]);

/// One with a chosen mistake, to see that the checks can fail.
#[derive(Default)]
struct Broken<const MISTAKE: u8>;

const LOSES_A_BIT: u8 = 0;
const IGNORES_THE_REST: u8 = 1;
const REPLACES: u8 = 2;
const PANICS: u8 = 3;
const IS_LARGER_THE_SECOND_TIME: u8 = 4;

impl<const MISTAKE: u8> Codec<(u16, u16)> for Broken<MISTAKE> {
    const NAME: &'static str = "broken";
    fn encode(&self, value: &(u16, u16), out: &mut Vec<u8>) -> Result<(), Error> {
        if MISTAKE == REPLACES {
            out.clear();
        }
        if MISTAKE == IS_LARGER_THE_SECOND_TIME && out.len() > 8 {
            out.push(0);
        }
        Pair.encode(value, out)
    }
    fn decode(&self, bytes: &[u8]) -> Result<(u16, u16), Error> {
        match MISTAKE {
            LOSES_A_BIT => Pair.decode(bytes).map(|(a, b)| (a, b & 0x7fff)),
            IGNORES_THE_REST => Pair.decode(&bytes[..bytes.len().min(4)]),
            PANICS => Pair.decode(&bytes[..4]),
            _ => Pair.decode(bytes),
        }
    }
}

const VALUES: [(u16, u16); 2] = [(0, 0), (1, u16::MAX)];

#[test]
#[should_panic(expected = "another value comes back")]
fn a_lost_bit_is_caught() {
    codec_checks::gives_back_what_it_was_given::<Broken<LOSES_A_BIT>, _>(&VALUES);
}

#[test]
#[should_panic(expected = "is overlooked")]
fn an_ignored_rest_is_caught() {
    codec_checks::takes_nothing_else_for_a_value::<Broken<IGNORES_THE_REST>, _>(&VALUES);
}

#[test]
#[should_panic(expected = "what was there is changed")]
fn a_replaced_buffer_is_caught() {
    codec_checks::appends_the_same_each_time::<Broken<REPLACES>, _>(&VALUES);
}

#[test]
#[should_panic(expected = "the bytes of")]
fn bytes_that_differ_are_caught() {
    codec_checks::appends_the_same_each_time::<Broken<IS_LARGER_THE_SECOND_TIME>, _>(&VALUES);
}

#[test]
#[should_panic(expected = "out of range")]
fn a_panic_is_caught() {
    codec_checks::survives_random_bytes::<Broken<PANICS>, _>();
}

#[test]
#[should_panic(expected = "out of range")]
fn a_panic_at_a_truncation_is_caught() {
    codec_checks::survives_damage::<Broken<PANICS>, _>(&VALUES);
}
