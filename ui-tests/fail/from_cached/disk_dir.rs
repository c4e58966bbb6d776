use cachekit::cache;

#[cache(disk = true, disk_dir = "data/users", durable = true)]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
