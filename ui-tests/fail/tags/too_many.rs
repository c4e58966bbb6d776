use cachekit::cache;

#[cache(tags = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12", "t13", "t14", "t15", "t16"])]
fn user(id: u64) -> u64 {
    id
}

fn main() {}
