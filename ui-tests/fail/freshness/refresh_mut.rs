use cachekit::cache;

#[cache(ttl = "30s", refresh_ahead = "80%", skip(log))]
fn user(id: u64, log: &mut Vec<u64>) -> u64 {
    log.push(id);
    id
}

fn main() {}
