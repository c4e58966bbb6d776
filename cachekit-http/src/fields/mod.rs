//! Fields of requests and responses, parsed: whatever bytes come, nothing here panics.

pub mod age;
pub mod authority;
mod cache_control;
mod cache_status;
mod connection;
pub mod date;
mod etag;
pub mod list;
mod marks;
pub mod percent;
pub mod preferences;
mod proxied;
mod range;
mod targeted;
mod vary;

pub use cache_control::{RequestDirectives, ResponseDirectives, Scope};
pub use cache_status::{CACHE_STATUS, CacheStatus, Forwarded};
pub use connection::{is_upgrade, remove_hop_by_hop};
pub use etag::{EntityTag, Tags};
pub use marks::Marks;
pub use proxied::proxied;
pub use range::ByteRange;
pub use vary::Vary;
