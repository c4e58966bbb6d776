//! The runtime's read-through: every invariant of the design, by topic.

mod adaptive;
mod batch;
mod calls;
mod cycles;
mod errors;
mod invalidation;
mod leaders;
mod live;
mod live_stress;
mod map;
mod max_loads;
mod mixed;
mod model;
mod model_of_time;
mod panics;
mod processes;
mod scopes;
mod sendness;
mod single_flight;
mod stale;
mod statistics;
mod sweeps;
mod timeouts;
mod ttl;
