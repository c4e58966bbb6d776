//! Advice of a live service: what its samples of a cache's calls say.

use super::verdict::{Setting, Verdict, judge};
use crate::{
    args::Live,
    commands::simulate::write_plot,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out, Table},
    progress,
    service::{self, Detail, Service, about},
    simulate::{Line, Plot},
};
use cachekit_runtime::advice::{Advice, Outlook};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Between two looks at the clock.
const STEP: Duration = Duration::from_millis(50);

/// With fewer calls for each entry the simulations have only begun to evict.
const CALLS_AN_ENTRY: u64 = 10;

/// Less than this is nothing: half a point.
const SAME: f64 = 0.005;

#[derive(Deserialize)]
struct Told {
    advice: Option<Advice>,
}

/// As of a trace, with what only a service knows.
#[derive(Serialize)]
struct Document<'a> {
    service: &'a str,
    cache: &'a str,
    accesses: u64,
    keys: u64,
    sampled: u64,
    dropped: u64,
    /// What the cache itself has hit in that time.
    measured: Option<f64>,
    #[serde(flatten)]
    verdict: Verdict,
    /// The change that is advised, as `cachekit set` takes it; empty: none is worth it.
    set: Vec<String>,
    outlooks: &'a [Outlook],
}

pub(super) fn run(
    cache: &str,
    live: Live<'_>,
    (sample, load_time, svg): (Option<Duration>, Option<Duration>, Option<&Path>),
    out: &mut Out,
) -> Result<Exit, Failure> {
    let service = service::open(live)?;
    let cache = service.cache(cache)?;
    let path = format!("{}/advice", about(&cache.name));
    let was_sampled = cache.advised == Some(true);
    if let Some(time) = sample {
        sampled(&service, &path, was_sampled, time, out.json)?;
    }
    let told = service.get::<Told>(&path);
    if sample.is_some() && !was_sampled {
        // Also where the answer did not come.
        service.delete(&path)?;
    }
    let advice = told?.advice.ok_or_else(|| {
        Failure::nothing(format_args!("{} does not sample the calls of {}", service.name, cache.name)).next(
            format_args!(
                "`cachekit advise {} --for 1m --admin …` lets it do so for a minute, which takes it some megabytes",
                cache.name
            ),
        )
    })?;
    let document = document(&advice, &cache, &service, load_time).map_err(|failure| match interrupt::asked() {
        true => Failure::interrupted(failure),
        false => failure,
    })?;
    if let Some(path) = svg {
        plot(&advice, &document, path)?;
    }
    if out.json {
        out.document(&document)?;
    } else {
        show(&advice, &document, load_time, out)?;
    }
    Ok(if interrupt::asked() { Exit::Interrupted } else { Exit::Fine })
}

/// Lets the service sample for so long, or until Ctrl-C.
fn sampled(service: &Service, path: &str, was_sampled: bool, time: Duration, quiet: bool) -> Result<(), Failure> {
    // From here on Ctrl-C ends it where sampling is ended too.
    interrupt::note();
    if !was_sampled {
        // Somebody waits for it, and it ends soon.
        let answer = service.send(&format!("{path}?thorough=true"), &json!({})).inspect_err(|_| {
            // It may have begun all the same. Why it is not known is said; that this cannot be told either is the same thing again.
            service.delete(path).ok();
        })?;
        service.typed::<Value>(path, answer)?;
    }
    let bar = progress::bar(Some(time.as_secs()), "seconds of calls", quiet);
    let began = Instant::now();
    while began.elapsed() < time && !interrupt::asked() {
        thread::sleep(STEP.min(time));
        bar.set_position(began.elapsed().as_secs());
    }
    bar.finish_and_clear();
    Ok(())
}

fn setting(outlook: &Outlook) -> Setting {
    Setting { strategy: outlook.strategy.clone(), capacity: outlook.capacity, hit_ratio: outlook.hit_ratio }
}

fn document<'a>(
    advice: &'a Advice,
    cache: &'a Detail,
    service: &'a Service,
    load_time: Option<Duration>,
) -> Result<Document<'a>, Failure> {
    let few = || {
        Failure::nothing(format_args!("{} has seen too few calls of {} for advice", service.name, cache.name))
            .next("look again when there were some thousand calls; `--for 1m` lets it sample for a minute")
    };
    if advice.sampled == 0 {
        return Err(few());
    }
    // A strategy of the program's own is not simulated: then the cache is compared as it was measured.
    let measured = || {
        advice.measured.map(|hit_ratio| Setting {
            strategy: advice.strategy.clone(),
            capacity: advice.capacity,
            hit_ratio,
        })
    };
    let here = advice.outlook(&advice.strategy, advice.capacity);
    let now = here.map(setting).or_else(measured).ok_or_else(few)?;
    let reliable = reliable(advice, &cache.name)?;
    let load_ms = load_time
        .map(|time| time.as_secs_f64() * 1e3)
        .or((advice.load_nanos > 0).then(|| advice.load_nanos as f64 / 1e6));
    let verdict = judge(&reliable, u64::MAX, now, advice.accesses, load_ms).ok_or_else(few)?;
    let knee = advice.outlook(&verdict.knee.strategy, verdict.knee.capacity).ok_or_else(few)?;
    Ok(Document {
        service: &service.name,
        cache: &cache.name,
        accesses: advice.accesses,
        keys: advice.keys,
        sampled: advice.sampled,
        dropped: advice.dropped,
        measured: advice.measured,
        set: changes(knee, &verdict.now, here.map_or(0.0, |here| here.error), cache),
        verdict,
        outlooks: &advice.outlooks,
    })
}

/// What cannot be relied on is no advice.
fn reliable(advice: &Advice, cache: &str) -> Result<Vec<Setting>, Failure> {
    let reliable: Vec<Setting> = advice.outlooks.iter().filter(|outlook| outlook.predictable).map(setting).collect();
    if !reliable.is_empty() || advice.one_in < 1.5 {
        return Ok(reliable);
    }
    let (one_in, entries) = (advice.one_in, output::count(advice.capacity));
    let few =
        Failure::nothing(format_args!("one key in {one_in:.0} says too little of the {entries} entries of {cache}"));
    Err(few.next(
        "stop that sample, on the admin page or in the code; then `cachekit advise … --for 1m` takes a thorough one",
    ))
}

/// What to say to `cachekit set`.
fn changes(knee: &Outlook, now: &Setting, error: f64, cache: &Detail) -> Vec<String> {
    let gain = knee.hit_ratio - now.hit_ratio;
    // As many hits as now, within what is known, and no less room needed for them.
    if gain.abs() <= SAME.max(knee.error).max(error) && knee.capacity >= now.capacity {
        return Vec::new();
    }
    let mut changes = Vec::new();
    if knee.strategy != now.strategy {
        changes.push(format!("strategy={}", knee.strategy));
    }
    if knee.capacity != now.capacity {
        let is_of_bytes = !cache.configuration.bound["weight"].is_null();
        let capacity = match (is_of_bytes, knee.bytes) {
            (true, Some(bytes)) => Some(format!("{}KiB", bytes.div_ceil(1_024))),
            (true, None) => None,
            (false, _) => Some(knee.capacity.to_string()),
        };
        changes.extend(capacity.map(|capacity| format!("capacity={capacity}")));
    }
    changes
}

fn plot(advice: &Advice, document: &Document<'_>, path: &Path) -> Result<(), Failure> {
    let mut names: Vec<&str> = Vec::new();
    let Verdict { now, knee, same_room, .. } = &document.verdict;
    for name in [&*now.strategy, &knee.strategy, &same_room.strategy, "lru"] {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let line = |name: &str| {
        let of_it = advice.outlooks.iter().filter(|outlook| outlook.strategy == name);
        let mut points: Vec<(u64, f64)> = of_it.map(|outlook| (outlook.capacity, outlook.hit_ratio)).collect();
        points.sort_unstable_by_key(|(capacity, _)| *capacity);
        (!points.is_empty()).then(|| Line { name: name.to_owned(), points, is_bound: false })
    };
    let plot = Plot {
        title: format!("How much room {} asks for", document.cache),
        subtitle: format!("{} calls of about {} keys", output::count(advice.accesses), output::count(advice.keys)),
        lines: names.into_iter().filter_map(line).collect(),
        marks: document.verdict.marks(),
    };
    write_plot(&plot, path)
}

fn show(advice: &Advice, document: &Document<'_>, load_time: Option<Duration>, out: &mut Out) -> Result<(), Failure> {
    let Document { service, cache, verdict, .. } = document;
    let lost = match advice.dropped {
        0 => String::new(),
        lost => format!(", {} samples lost", output::count(lost)),
    };
    out.line(&format!(
        "{cache} in {service}: {} calls of about {} keys{lost}",
        output::count(advice.accesses),
        output::count(advice.keys)
    ))?;
    out.line("")?;
    let mut table = Table::new(&["", "strategy", "#capacity", "#memory", "#hit ratio", "#loads"]);
    for (name, setting) in verdict.settings() {
        let memory = advice.entry_bytes.map(|each| output::bytes((each * setting.capacity as f64) as u64));
        let loads = ((1.0 - setting.hit_ratio) * advice.accesses as f64).round() as u64;
        table.row([
            name.to_owned(),
            setting.strategy.clone(),
            output::count(setting.capacity),
            memory.unwrap_or_else(|| "-".to_owned()),
            output::percent(setting.hit_ratio),
            output::count(loads),
        ]);
    }
    out.table(&table)?;
    out.line("")?;
    if let Some(measured) = document.measured {
        out.line(&format!(
            "The cache itself has hit {} in that time. The figures above are of simulations that began empty: compare them with one another.",
            output::percent(measured)
        ))?;
    }
    if advice.accesses < CALLS_AN_ENTRY.saturating_mul(advice.capacity) {
        output::remark(
            "note: these are few calls for so many entries; let it sample for longer before you rely on them",
        );
    }
    if document.set.is_empty() {
        return out.line("Leave it as it is: nothing that was simulated would gain more than the figures may be off.");
    }
    out.line(&format!("Set: cachekit set {cache} {} --admin {service}", document.set.join(" ")))?;
    let what = if verdict.saved_loads < 0 { "costs" } else { "saves" };
    let loads = verdict.saved_loads.unsigned_abs();
    let time = verdict.saved_ms.map(|ms| {
        let from = if load_time.is_some() { "" } else { ", by what its loads took" };
        format!(", {} of loading{from}", output::age(Duration::from_millis(ms.unsigned_abs())))
    });
    out.line(&format!(
        "It {what} {} loads of {} calls ({}){}, against now.",
        output::count(loads),
        output::count(advice.accesses),
        output::percent(loads as f64 / advice.accesses.max(1) as f64),
        time.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cachekit_runtime::advice::{Estimator, Options, Present};
    use std::hash::BuildHasher;

    #[test]
    fn a_sample_that_says_too_little_says_what_to_do() {
        let estimated = |options: Options| {
            let mut estimator = Estimator::new(&options);
            let hasher = std::hash::RandomState::new();
            (0..40_000_u64).for_each(|turn| estimator.access(hasher.hash_one(turn * turn % 499)));
            estimator.advice(&Present::of_capacity(40, "lru"))
        };
        let failure = reliable(&estimated(Options::sparing(40)), "shop::user").expect_err("too few");
        let text = format!("{failure:?}");
        assert!(text.contains("one key in 25") && text.contains("thorough"), "{text}");
        assert!(reliable(&estimated(Options::for_capacity(40)), "shop::user").is_ok_and(|all| all.len() > 10));
    }

    #[test]
    fn what_would_gain_nothing_is_no_change() {
        let setting =
            |strategy: &str, capacity, hit_ratio| Setting { strategy: strategy.to_owned(), capacity, hit_ratio };
        let set = |knee: &Setting, error, bound: Value| {
            let outlook = json!({
                "strategy": knee.strategy, "capacity": knee.capacity, "bytes": 5_000, "hit_ratio": knee.hit_ratio, "error": error,
                "cliff": false, "predictable": true, "simulated_entries": 0, "full": true, "saved_load_nanos": 0,
            });
            let outlook: Outlook = serde_json::from_value(outlook).expect("an outlook");
            let mut cache = Detail::default();
            cache.configuration.bound = bound;
            changes(&outlook, &setting("lru", 100, 0.6), 0.0, &cache)
        };
        let entries = json!({ "entries": 100 });
        assert!(set(&setting("s3-fifo", 100, 0.604), 0.0, entries.clone()).is_empty(), "less than half a point");
        assert!(set(&setting("s3-fifo", 100, 0.62), 0.03, entries.clone()).is_empty(), "less than it may be off");
        assert_eq!(set(&setting("s3-fifo", 100, 0.62), 0.0, entries.clone()), ["strategy=s3-fifo"]);
        assert_eq!(set(&setting("lru", 50, 0.6), 0.0, entries), ["capacity=50"], "the same in less room");
        assert_eq!(set(&setting("lru", 50, 0.6), 0.0, json!({ "weight": 9_000 })), ["capacity=5KiB"]);
    }
}
