//! What is promised across processes, checked for half a minute: four processes, a real Cluster, what can befall it, from a seed. For longer:
//! `cargo xtask check-coherence --seed N --minutes M`.

use cachekit_tests::coherence::{Plan, run};
use std::time::Duration;

#[test]
fn no_call_is_given_anything_older_than_promised() {
    let plan = Plan {
        seed: 20_261_127,
        duration: Duration::from_secs(30),
        nodes: 4,
        without: Vec::new(),
        often: Vec::new(),
        program: env!("CARGO_BIN_EXE_coherence").into(),
    };
    let report = run(&plan);
    println!("{report}");
    assert_eq!((report.violations(), report.died().len()), (0, 0), "{report}");
    // It has been looked at something: calls were hits and misses, invalidations were shared, and faults occurred.
    assert!(report.calls() > 1_000 && report.loads() > 100, "{report}");
    assert!(report.shared() > 100 && report.faults() >= 3, "{report}");
    assert!(report.failovers() > 0, "{report}");
}
