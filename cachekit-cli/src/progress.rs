//! Progress bars, which are shown on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal},
    time::Duration,
};

/// How often it is drawn at most, per second.
const HERTZ: u8 = 10;

/// A bar of so many `unit`; without `total` it only counts. `quiet`: none.
pub(crate) fn bar(total: Option<u64>, unit: &str, quiet: bool) -> ProgressBar {
    if quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(HERTZ));
    let counted = match total {
        Some(_) => format!(
            "{{bar:30}} {{percent:>3}} % {{human_pos}} of {{human_len}} {unit}, {{per_sec}}, {{eta}} left {{msg}}"
        ),
        None => format!("{{spinner}} {{human_pos}} {unit}, {{per_sec}} {{msg}}"),
    };
    // The templates are ours; one that could not be read would leave the default in place.
    if let Ok(style) = ProgressStyle::with_template(&counted) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
