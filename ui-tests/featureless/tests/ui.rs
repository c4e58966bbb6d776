//! What users read when a feature is off.

#[test]
fn fixtures() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
