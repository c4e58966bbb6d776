//! The scripts that the server runs: each is one step for everyone else.
//!
//! They are called by their hashes; a server that does not know one yet, because it is new or has restarted, gets the text.
//!
//! Wherever the set of a cache's fingerprints comes into being (`F`), its generation (`G`) is removed: if the set was there before and was lost, by
//! eviction or by hand, an invalidation in the meantime may have missed entries, and without the generation none of those is valid any more. A fill
//! has its fingerprint in the set before it loads, so an invalidation after that names its key.
//!
//! In a cluster F and G of a cache are on another node than its entries: there the announcement is a call of its own, before the call for the entry,
//! which is given D alone.

use crate::breaker::Purpose;
use redis::{Arg, Cmd};
use std::sync::LazyLock;

/// A script and its hash.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) text: String,
    pub(super) hash: String,
}

impl Script {
    fn new(text: String) -> Self {
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Script { text, hash }
    }
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $($text:expr),+;)+) => {$(
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new([$($text),+].concat()));
    )+};
}

/// What a server refuses whose memory is full, or who takes no writes, and invalidations are not. A generation is mostly there, and is only read then.
static FILLS: [&LazyLock<Script>; 4] = [&CLAIM, &REPLACE, &STORE, &SET];

/// What a command is for.
pub(super) fn purpose(command: &Cmd) -> Purpose {
    let mut arguments = command.args_iter();
    let mut argument = || if let Some(Arg::Simple(bytes)) = arguments.next() { bytes } else { &[] };
    let is_fill = match argument() {
        b"EVALSHA" => is_one(argument(), |script| &script.hash),
        b"EVAL" => is_one(argument(), |script| &script.text),
        _ => false,
    };
    if is_fill { Purpose::Fill } else { Purpose::Read }
}

fn is_one(named: &[u8], of: impl Fn(&Script) -> &String) -> bool {
    FILLS.iter().any(|script| of(script).as_bytes() == named)
}

/// Adds the fingerprint to the set; `KEYS[f]` = F, `KEYS[g]` = G, `ARGV[3]` = the fingerprint. Without the keys that was done before.
const ADD: &str = "
local function announce(f,g)
  if f and redis.call('SADD',f,ARGV[3])==1 and redis.call('SCARD',f)==1 then redis.call('UNLINK',g) end
end
";

/// Tells those who hear of invalidations by a channel, whose name is `ARGV[1]`. A user who may not publish invalidates all the same.
const PUBLISH: &str = "
local function publish(key)
  if ARGV[1] then redis.pcall('PUBLISH',ARGV[1],key) end
end
";

/// Is what is at D still what was seen?
const SEEN: &str = "
if redis.call('GETRANGE',KEYS[1],0,23)~=ARGV[1] then return 0 end
";

scripts! {
    /// KEYS: D F G. ARGV: head, milliseconds, fingerprint. What is at D, else nil and the head is there now.
    CLAIM = ADD, "
local there=redis.call('GET',KEYS[1])
if there then return there end
announce(KEYS[2],KEYS[3])
redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
return false";

    /// KEYS: D F G. ARGV: what was seen, head, fingerprint, milliseconds. 1: the head is there now.
    REPLACE = ADD, SEEN, "
announce(KEYS[2],KEYS[3])
redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[4])
return 1";

    /// KEYS: D. ARGV: head, milliseconds. 1: it lives so long from now.
    RENEW = SEEN, "
return redis.call('PEXPIRE',KEYS[1],ARGV[2])";

    /// KEYS: D. ARGV: what was seen, bytes, milliseconds or nothing for no end. 1: stored.
    STORE = SEEN, "
if ARGV[3]=='' then redis.call('SET',KEYS[1],ARGV[2]) else redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) end
return 1";

    /// KEYS: D. ARGV: what was seen. 1: removed.
    DROP = SEEN, "
return redis.call('UNLINK',KEYS[1])";

    /// KEYS: D F G. ARGV: bytes, milliseconds or nothing for no end, fingerprint.
    SET = ADD, "
announce(KEYS[2],KEYS[3])
if ARGV[2]=='' then redis.call('SET',KEYS[1],ARGV[1]) else redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) end
return 1";

    /// KEYS: S, then every D. ARGV: the channel. UNLINK comes first: a server whose memory is full refuses a script that begins with SET.
    INVALIDATE = PUBLISH, "
local n=0
for at=2,#KEYS do n=n+redis.call('UNLINK',KEYS[at]) end
redis.call('SET',KEYS[1],'')
redis.call('UNLINK',KEYS[1])
publish(KEYS[1])
return n";

    /// KEYS: F G. ARGV: -, -, fingerprint.
    ANNOUNCE = ADD, "
announce(KEYS[1],KEYS[2])
return 1";

    /// KEYS: T. ARGV: the channel, four hexadecimal digits. Adds the time of the server and the digits to the soft versions of a tag, of which eight are kept, unless there is no tag. UNLINK
    /// comes first: a server whose memory is full refuses a script that begins with SET.
    SOFTEN = PUBLISH, "
local there=redis.call('GET',KEYS[1])
if not there then return 0 end
local left=redis.call('PTTL',KEYS[1])
local time=redis.call('TIME')
local now=tonumber(time[1])*1000+math.floor(tonumber(time[2])/1000)
local last=tonumber(string.match(there,' (%x+)%x%x%x%x$') or '0',16)
if now<=last then now=last+1 end
local _,softened=string.gsub(there,' ','')
if softened>=8 then there=string.sub(there,1,16)..string.sub(there,34) end
there=there..string.format(' %012x',now)..ARGV[2]
redis.call('UNLINK',KEYS[1])
if left>0 then redis.call('SET',KEYS[1],there,'PX',left) else redis.call('SET',KEYS[1],there) end
publish(KEYS[1])
return 1";

    /// KEYS: G. ARGV: one for the case that there is none, milliseconds that it lives then, milliseconds that it has to live from now. Prolonged only
    /// when it has less than that, because whoever watches is told of every change.
    GENERATION = "
local there=redis.call('GET',KEYS[1])
if not there then
  redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
  return ARGV[1]
end
local left=redis.call('PTTL',KEYS[1])
if left>=0 and left<tonumber(ARGV[3]) then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end
return there";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stores_is_a_fill() {
        let by = |name: &str, named: &str| {
            let mut command = redis::cmd(name);
            command.arg(named).arg(1).arg("key");
            purpose(&command)
        };
        for script in FILLS {
            assert_eq!((by("EVALSHA", &script.hash), by("EVAL", &script.text)), (Purpose::Fill, Purpose::Fill));
        }
        for script in [&INVALIDATE, &SOFTEN, &DROP, &RENEW] {
            assert_eq!((by("EVALSHA", &script.hash), by("EVAL", &script.text)), (Purpose::Read, Purpose::Read));
        }
        assert_eq!(by("GET", &STORE.hash), Purpose::Read);
        assert_eq!(purpose(&Cmd::new()), Purpose::Read);
    }
}
