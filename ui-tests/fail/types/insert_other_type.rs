use cachekit::cache;

#[cache]
fn user(id: u64) -> Result<String, String> {
    Ok(id.to_string())
}

fn main() {
    user::insert(1, Ok("Ann".to_owned()));
}
