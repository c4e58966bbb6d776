//! What users read when they are wrong, and that what is right compiles.
//!
//! `TRYBUILD=overwrite cargo test -p cachekit-ui-tests` writes the `.stderr` files anew; read each as the user who gets it.

use std::path::Path;

#[test]
fn fixtures() {
    let cases = trybuild::TestCases::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    if here.join("fail").is_dir() {
        cases.compile_fail("fail/**/*.rs");
    }
    if here.join("pass").is_dir() {
        cases.pass("pass/**/*.rs");
    }
}
