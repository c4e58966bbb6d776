//! Methods, generic functions and functions in functions over one backend of bytes: none of them finds what another one stored.
use cachekit::backend::MemoryBytes;
use cachekit::cache;
use std::fmt::Debug;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);
static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

struct Repo<T> {
    tenant: u32,
    kept: Vec<T>,
}

impl<T: Debug + Clone + Send + Sync + 'static> Repo<T> {
    #[cache(backend = BYTES, name = "count", key = (self.tenant, more))]
    fn count(&self, more: usize) -> usize {
        computed();
        self.kept.len() + more
    }

    #[cache(backend = ["memory", BYTES], name = "shown", skip(self))]
    fn shown(&self, id: u64) -> String {
        computed();
        format!("{id} of {:?}", self.kept)
    }

    #[cache(method, backend = BYTES, name = "made", codec = "json")]
    fn made<K>(key: K) -> Result<Vec<String>, String>
    where
        K: cachekit::Key + serde::Serialize + Debug,
    {
        computed();
        Ok(vec![format!("{key:?}")])
    }
}

#[cache(backend = ["memory", BYTES], name = "first")]
fn first<T, const N: usize>(values: [T; N]) -> Option<T>
where
    [T; N]: serde::Serialize,
    T: cachekit::Key + serde::Serialize + serde::de::DeserializeOwned,
{
    computed();
    values.into_iter().next()
}

#[cache(backend = BYTES, name = "text")]
fn text<T: cachekit::Key + serde::Serialize + Debug>(value: &T) -> String {
    computed();
    format!("{value:?} {}", std::any::type_name::<T>())
}

trait Find {
    fn find(&self, id: u64) -> u64;
    fn named(&self, name: &str) -> Option<Vec<u8>>;
}

struct Plain;
impl Find for Plain {
    #[cache(companion = false, backend = BYTES, name = "find", skip(self))]
    fn find(&self, id: u64) -> u64 {
        computed();
        id + 1
    }

    #[cache(companion = false, backend = BYTES, name = "named", codec = "postcard", skip(self))]
    fn named(&self, name: &str) -> Option<Vec<u8>> {
        computed();
        Some(name.into())
    }
}

struct Other;
#[cache]
impl Find for Other {
    #[cache(backend = ["memory", BYTES], name = "other", skip(self))]
    fn find(&self, id: u64) -> u64 {
        computed();
        id + 2
    }

    fn named(&self, _: &str) -> Option<Vec<u8>> {
        None
    }
}

trait Default {
    fn seed(&self) -> u64;

    #[cache(companion = false, backend = BYTES, name = "default", key = (id,), skip(self))]
    fn seeded(&self, id: u64) -> u64 {
        computed();
        self.seed() + id
    }
}

impl Default for Plain {
    fn seed(&self) -> u64 {
        10
    }
}

impl Default for Other {
    fn seed(&self) -> u64 {
        20
    }
}

macro_rules! made {
    ($name:ident, $more:expr) => {
        #[cache(backend = BYTES, companion = false)]
        fn $name(id: u64, (a, b): (u8, u8)) -> u64 {
            computed();
            id + u64::from(a) + u64::from(b) + $more
        }
    };
}

made!(by_one, 1);
made!(by_two, 2);

fn one(id: u64) -> u64 {
    #[cache(backend = BYTES)]
    fn nested(id: u64) -> u64 {
        computed();
        id + 1
    }
    nested(id)
}

fn two(id: u64) -> u64 {
    #[cache(backend = BYTES)]
    fn nested(id: u64) -> u64 {
        computed();
        id + 2
    }
    nested(id)
}

/// Computes once.
fn once<T: PartialEq + Debug>(call: impl Fn() -> T) -> T {
    let before = COMPUTED.load(SeqCst);
    let value = call();
    assert_eq!(call(), value);
    assert_eq!(COMPUTED.load(SeqCst), before + 1, "{value:?}");
    value
}

fn main() {
    let (numbers, words) = (Repo { tenant: 1, kept: vec![1_u8] }, Repo { tenant: 1, kept: vec!["a", "b"] });
    assert_eq!((once(|| numbers.count(1)), once(|| words.count(1))), (2, 3));
    assert_eq!((once(|| numbers.shown(7)), once(|| words.shown(7))), ("7 of [1]".into(), "7 of [\"a\", \"b\"]".into()));
    assert_eq!(Repo::<u8>::shown_cache().get(&7).as_deref(), Some("7 of [1]"));
    assert_eq!(once(|| Repo::<u8>::made(1_u8)), Ok(vec!["1".to_owned()]));
    assert_eq!(once(|| Repo::<u8>::made(1_u16)), Ok(vec!["1".to_owned()]));
    assert_eq!(once(|| Repo::<u16>::made(1_u16)), Ok(vec!["1".to_owned()]));

    assert_eq!((once(|| first([1_u8, 2])), once(|| first([1_u8])), once(|| first([1_u64]))), (Some(1), Some(1), Some(1)));
    assert_eq!(first::get([1_u8]), Some(Some(1)));
    assert_eq!((once(|| text(&1_u8)), once(|| text(&1_u16))), ("1 u8".into(), "1 u16".into()));
    text::clear::<u8>();
    assert_eq!((text::get(&1_u8), text::get(&1_u16).as_deref()), (None, Some("1 u16")));

    assert_eq!((once(|| Plain.find(1)), once(|| Other.find(1))), (2, 3));
    assert_eq!(once(|| Plain.named("a")), Some(b"a".to_vec()));
    assert_eq!((once(|| Plain.seeded(1)), once(|| Other.seeded(1))), (11, 21));
    assert_eq!((once(|| one(1)), once(|| two(1))), (2, 3));
    assert_eq!((once(|| by_one(1, (2, 3))), once(|| by_two(1, (2, 3)))), (7, 8));
}
