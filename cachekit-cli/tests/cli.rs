//! The command, through its binary, against real servers and real file stores.

#[path = "cli/broken.rs"]
mod broken;
#[path = "cli/destroying.rs"]
mod destroying;
#[path = "cli/doctor.rs"]
mod doctor;
#[path = "cli/entries.rs"]
mod entries;
#[path = "cli/exact.rs"]
mod exact;
#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/forms.rs"]
mod forms;
#[path = "cli/interrupted.rs"]
mod interrupted;
#[path = "cli/live.rs"]
mod live;
#[path = "cli/moving.rs"]
mod moving;
#[path = "cli/plain.rs"]
mod plain;
#[path = "cli/refused.rs"]
mod refused;
#[path = "cli/service.rs"]
mod service;
#[path = "cli/shop.rs"]
mod shop;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/top.rs"]
mod top;
#[path = "cli/trace_forms.rs"]
mod trace_forms;
#[path = "cli/traces.rs"]
mod traces;
