//! What users of backends read when they are wrong, and that what is right compiles and works.

#[test]
fn fixtures() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/**/*.rs");
    cases.pass("pass/*.rs");
}
