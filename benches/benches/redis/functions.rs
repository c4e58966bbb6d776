//! One function, memoized in Redis by each contestant.

use redis::aio::MultiplexedConnection;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// So long that nothing expires while it is measured.
const TTL: Duration = Duration::from_secs(3_600);

/// How often any of the functions has computed, so that it can be seen that hits were hits.
pub(crate) static LOADS: AtomicU64 = AtomicU64::new(0);

/// Where the server is; set before the first call.
pub(crate) static URL: OnceLock<String> = OnceLock::new();

/// What is cached: some 200 bytes as JSON.
#[derive(Debug, Clone, Serialize, Deserialize, hitbox_fn::CacheableResponse)]
pub(crate) struct User {
    id: u64,
    name: String,
    email: String,
    teams: Vec<String>,
    is_active: bool,
}

/// The body of all of them.
fn load(id: u64) -> User {
    LOADS.fetch_add(1, Ordering::Relaxed);
    User {
        id,
        name: format!("Ada Augusta King, Countess of Lovelace {id}"),
        email: format!("ada.lovelace.{id}@analytical-engine.example"),
        teams: vec!["engines".to_owned(), "numbers".to_owned(), "bernoulli".to_owned()],
        is_active: true,
    }
}

/// By `#[cache]`.
pub(crate) mod ours {
    use super::{User, load};
    use cachekit::cache;

    #[cache(backend = "redis", codec = "json", ttl = "1h")]
    pub(crate) async fn json(id: u64) -> User {
        load(id)
    }

    #[cache(backend = "redis", codec = "postcard", ttl = "1h")]
    pub(crate) async fn postcard(id: u64) -> User {
        load(id)
    }

    #[cache(ttl = "1h")]
    pub(crate) async fn memory(id: u64) -> User {
        load(id)
    }

    #[cache(backend = ["memory", "redis"], codec = "postcard", ttl = "1h")]
    pub(crate) async fn near(id: u64) -> User {
        load(id)
    }

    #[cache(ttl = "1h")]
    pub(crate) async fn memory_number(id: u64) -> u64 {
        load(id).id
    }

    #[cache(backend = ["memory", "redis"], ttl = "1h")]
    pub(crate) async fn near_number(id: u64) -> u64 {
        load(id).id
    }

    #[cache(backend = ["memory", "redis"], ttl = "1h", tags = ["user:{id}", "profile:{id}", "users", "pages"])]
    pub(crate) async fn near_tagged(id: u64) -> u64 {
        load(id).id
    }
}

/// As one writes it: `GET` and decode, else compute, encode and `SET`. Neither single flight nor witness, counters or breaker.
pub(crate) mod by_hand {
    use super::{MultiplexedConnection, OnceLock, TTL, URL, User, load};
    use redis::cmd;

    static CONNECTION: OnceLock<MultiplexedConnection> = OnceLock::new();

    /// The kind of connection that ours have: multiplexed, RESP3, with a time limit for answers.
    pub(crate) async fn connect() {
        let url = format!("{}?protocol=resp3", URL.get().expect("the server"));
        let client = redis::Client::open(url).expect("a client");
        let connection = client.get_multiplexed_async_connection().await.expect("a connection");
        CONNECTION.set(connection).expect("once");
    }

    async fn get(key: &str) -> Option<Vec<u8>> {
        let mut connection = CONNECTION.get()?.clone();
        cmd("GET").arg(key).query_async(&mut connection).await.ok().flatten()
    }

    async fn set(key: &str, bytes: &[u8]) {
        let Some(mut connection) = CONNECTION.get().cloned() else { return };
        let millis = TTL.as_millis() as u64;
        let set = cmd("SET").arg(key).arg(bytes).arg("PX").arg(millis).exec_async(&mut connection).await;
        set.expect("stored");
    }

    pub(crate) async fn json(id: u64) -> User {
        let key = format!("json:user:{id}");
        if let Some(found) = get(&key).await.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return found;
        }
        let user = load(id);
        set(&key, &serde_json::to_vec(&user).expect("encoded")).await;
        user
    }

    pub(crate) async fn postcard(id: u64) -> User {
        let key = format!("postcard:user:{id}");
        if let Some(found) = get(&key).await.and_then(|bytes| postcard::from_bytes(&bytes).ok()) {
            return found;
        }
        let user = load(id);
        set(&key, &postcard::to_stdvec(&user).expect("encoded")).await;
        user
    }
}

/// By `cached` 4, whose stores in Redis write MessagePack.
pub(crate) mod by_cached {
    use super::{TTL, URL, User, load};
    use cached::{AsyncRedisCache, macros::concurrent_cached};

    #[concurrent_cached(
        map_error = r##"|error| format!("{error:?}")"##,
        ty = "cached::AsyncRedisCache<u64, User>",
        create = r##"{
            let url = format!("{}?protocol=resp3", URL.get().expect("the server"));
            let cache = AsyncRedisCache::builder("user").connection_string(&url).ttl(TTL).build();
            cache.await.expect("a connection")
        }"##
    )]
    pub(crate) async fn msgpack(id: u64) -> Result<User, String> {
        Ok(load(id))
    }
}

/// By `hitbox`.
pub(crate) mod by_hitbox {
    use super::{OnceLock, TTL, URL, User, load};
    use hitbox::policy::PolicyConfig;
    use hitbox_backend::format::{BincodeFormat, JsonFormat};
    use hitbox_fn::{Cache, cached};
    use hitbox_redis::{ConnectionMode, RedisBackend};

    macro_rules! by {
        ($name:ident, $user:ident, $format:ident) => {
            #[cached]
            async fn $user(id: u64) -> User {
                load(id)
            }

            pub(crate) async fn $name(id: u64) -> User {
                static CACHE: OnceLock<Cache<RedisBackend<$format>>> = OnceLock::new();
                let cache = CACHE.get_or_init(|| {
                    let url = format!("{}?protocol=resp3", URL.get().expect("the server"));
                    let backend = RedisBackend::builder().connection(ConnectionMode::single(url)).value_format($format);
                    let policy = PolicyConfig::builder().ttl(TTL).build();
                    Cache::builder().backend(backend.build().expect("a backend")).policy(policy).build()
                });
                $user(id).cache(cache).await
            }
        };
    }

    by!(json, json_user, JsonFormat);
    by!(bincode, bincode_user, BincodeFormat);
}
