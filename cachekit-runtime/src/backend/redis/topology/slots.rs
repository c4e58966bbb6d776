//! Which slot of a Redis Cluster a key belongs to.

/// How many slots there are.
pub(in crate::backend::redis) const SLOTS: u16 = 16_384;

/// The slot of a key: CRC16 (the variant of XMODEM: polynomial 0x1021, from zero) of its hash tag, else of all of it, modulo 16384. After "Redis cluster
/// specification", section "Key distribution model".
pub(super) fn slot(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS
}

/// What stands between the first opening brace and the first closing one after it, unless that is nothing.
fn tag(key: &[u8]) -> &[u8] {
    let inside = || {
        let (_, rest) = split(key, b'{')?;
        let (inside, _) = split(rest, b'}')?;
        (!inside.is_empty()).then_some(inside)
    };
    inside().unwrap_or(key)
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        let row = usize::from((crc >> 8) as u8 ^ byte);
        crc << 8 ^ TABLE.get(row).copied().unwrap_or_default()
    })
}

/// What eight steps of the division do to each byte.
static TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut row = 0;
    while row < table.len() {
        let mut crc = (row as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[row] = crc;
        row += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the specification's appendix, and what `CLUSTER KEYSLOT` of Redis 7.0 says of the others.
    #[test]
    fn slots_are_those_of_the_server() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (key, expected) in [("", 0), ("foo", 12_182), ("bar", 5_061), ("{}foo", 9_500), ("foo{", 7_673)] {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
    }

    #[test]
    fn the_tag_decides() {
        for key in ["{user1000}.following", "a{user1000}{b}", "{user1000}}", "ck:shop:d:{user1000}:00000000000000ab"] {
            assert_eq!(slot(key.as_bytes()), slot(b"user1000"), "{key}");
        }
        assert_eq!(tag(b"a{}{b}"), b"a{}{b}");
        assert_eq!(tag(b"a{{b}}"), b"{b");
        assert_eq!(tag(b"a}b{c"), b"a}b{c");
    }
}
