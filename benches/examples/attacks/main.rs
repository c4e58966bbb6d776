//! The attack cases of the HTTP cache, and its peers: who holds where.
//!
//! `cargo run -p cachekit-benches --example attacks` prints the table of docs/guides/http.md. The tests of our own are in
//! `cachekit-http/tests/layer/attacks.rs`.

mod cases;
mod contestants;
mod nginx;
mod scene;

use contestants::Contestant;
use std::time::Duration;

fn main() -> std::io::Result<()> {
    // Panics are among what is counted.
    std::panic::set_hook(Box::new(|_| {}));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let names = contestants::ALL.map(|contestant| format!(" {} |", contestant.name())).concat();
    println!("| case |{names}\n|---|{}", contestants::ALL.map(|_| "---|").concat());
    let mut is_ours_whole = true;
    for (title, case) in cases::ALL {
        let mut row = format!("| {title} |");
        for contestant in contestants::ALL {
            let lost = runtime.block_on(async {
                // sleeps: a case that does not end is lost, whenever that is said.
                match tokio::time::timeout(Duration::from_secs(60), tokio::spawn(case(contestant))).await {
                    Ok(Ok(lost)) => lost,
                    Ok(Err(error)) if error.is_panic() => Err("it panics".to_owned()),
                    _ => Err("it does not end".to_owned()),
                }
            });
            let word = match &lost {
                Ok(()) => "holds".to_owned(),
                Err(why) if why == cases::NOT_ASKED => why.clone(),
                Err(why) => format!("**fails**: {why}"),
            };
            row.push_str(&format!(" {word} |"));
            let is_known = *title == cases::UNKNOWABLE;
            is_ours_whole &= lost.is_ok() || contestant != Contestant::Cachekit || is_known;
        }
        println!("{row}");
    }
    match nginx::injected() {
        Ok(Ok(())) => println!("\nnginx with `proxy_cache`: no field is injected by stored bytes: holds"),
        Ok(Err(why)) => println!("\nnginx with `proxy_cache`: no field is injected by stored bytes: **fails**: {why}"),
        Err(error) => println!("\nnginx with `proxy_cache` takes no part: {error}"),
    }
    if is_ours_whole { Ok(()) } else { Err(std::io::Error::other("cachekit does not hold")) }
}
