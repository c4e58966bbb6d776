//! `cachekit top`.

mod draw;
mod rates;
mod screen;

use crate::{
    args::{Sort, TopArgs},
    failure::{Exit, Failure},
    interrupt::Signals,
    output::{self, Out, Table},
    service::{self, Row, Service},
};
use draw::Said;
use rates::{Line, Looks};
use screen::{Key, Screen};
use serde::Serialize;
use std::{
    io::{self, IsTerminal},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

#[derive(Serialize)]
struct Document<'a> {
    service: &'a str,
    seconds: f64,
    /// Rates are each second.
    caches: &'a [Line],
}

/// What the table is drawn anew for.
enum News {
    Looked(Result<Vec<Row>, Failure>, Instant),
    Pressed(Key),
}

pub(crate) async fn run(args: TopArgs, out: &mut Out) -> Result<Exit, Failure> {
    let service = service::open(args.service.live())?;
    // What is wrong from the start is said as by every other command.
    let first = (service.caches()?.caches, Instant::now());
    if !args.once && !out.json && io::stdout().is_terminal() {
        // First: who ends the program in between gets the terminal back too.
        let mut signals = Signals::heard();
        // Without a keyboard nobody could end it.
        match Screen::take() {
            Ok(screen) => return live(&args, service.without_patience(), first, (screen, signals)),
            // What was heard once ends nothing by itself any more, and there is no terminal to give back.
            Err(_) => drop(tokio::spawn(async move {
                signals.one_came().await;
                std::process::exit(Exit::Interrupted as i32);
            })),
        }
    }
    once(&args, &service, first, out)
}

fn once(args: &TopArgs, service: &Service, first: (Vec<Row>, Instant), out: &mut Out) -> Result<Exit, Failure> {
    let mut looks = Looks::default();
    looks.next(first.0, Duration::ZERO);
    thread::sleep(args.interval);
    let rows = service.caches()?.caches;
    let since = first.1.elapsed();
    let mut lines = looks.next(rows, since);
    rates::sort(&mut lines, args.sort, false);
    if out.json {
        out.document(&Document { service: &service.name, seconds: since.as_secs_f64(), caches: &lines })?;
        return Ok(Exit::Fine);
    }
    if lines.is_empty() {
        output::remark(&format!("no caches in {} yet: they are there once they were called", service.name));
        return Ok(Exit::Fine);
    }
    let (titles, rows) = draw::plain(&lines);
    let titles: Vec<String> = titles
        .iter()
        .map(|(title, is_number)| if *is_number { format!("#{title}") } else { (*title).to_owned() })
        .collect();
    let mut table = Table::new(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        table.row(row);
    }
    out.table(&table)?;
    Ok(Exit::Fine)
}

/// What is on the screen, and how.
struct State {
    lines: Vec<Line>,
    trouble: Option<String>,
    by: Sort,
    is_turned: bool,
    is_held: bool,
    skipped: usize,
}

impl State {
    /// `false`: enough was seen.
    fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Quit => return false,
            Key::Letter(' ') => self.is_held = !self.is_held,
            Key::Letter(letter) => {
                if let Some(by) = column(letter) {
                    self.is_turned = by == self.by && !self.is_turned;
                    self.by = by;
                    self.skipped = 0;
                }
            }
            Key::Scroll(lines) => {
                let most = self.lines.len().saturating_sub(1);
                self.skipped = self.skipped.saturating_add_signed(lines).min(most);
            }
            Key::Resized => {}
        }
        true
    }
}

fn column(letter: char) -> Option<Sort> {
    Some(match letter {
        'c' => Sort::Cache,
        'r' => Sort::Ratio,
        'h' => Sort::Hits,
        'm' => Sort::Misses,
        'l' => Sort::Loads,
        't' => Sort::LoadTime,
        'e' => Sort::Entries,
        'w' => Sort::Weight,
        'x' => Sort::Evictions,
        _ => return None,
    })
}

fn live(
    args: &TopArgs,
    service: Service,
    first: (Vec<Row>, Instant),
    (mut screen, signals): (Screen, Signals),
) -> Result<Exit, Failure> {
    let name = service.name.clone();
    let (tell, news) = mpsc::channel();
    listen(&tell, signals);
    watch(Arc::new(service), args.interval, tell);
    let is_coloured = output::is_coloured(true);
    let mut looks = Looks::default();
    let mut since = first.1;
    let mut state = State {
        lines: looks.next(first.0, Duration::ZERO),
        trouble: None,
        by: args.sort,
        is_turned: false,
        is_held: false,
        skipped: 0,
    };
    loop {
        rates::sort(&mut state.lines, state.by, state.is_turned);
        let (width, height) = Screen::size();
        let said = Said {
            service: &name,
            trouble: state.trouble.as_deref(),
            is_held: state.is_held,
            by: state.by,
            is_turned: state.is_turned,
            skipped: state.skipped,
            is_coloured,
        };
        screen.show(&draw::screen(&state.lines, &said, width, height))?;
        match news.recv() {
            Ok(News::Pressed(key)) if state.press(key) => {}
            Ok(News::Pressed(_)) | Err(_) => return Ok(Exit::Fine),
            Ok(News::Looked(Ok(rows), at)) => {
                let lines = looks.next(rows, at.saturating_duration_since(since));
                since = at;
                state.trouble = None;
                if !state.is_held {
                    state.lines = lines;
                }
            }
            Ok(News::Looked(Err(failure), _)) => state.trouble = Some(format!("{failure}; it is asked again")),
        }
    }
}

/// Keys, and signals that end a program.
fn listen(tell: &mpsc::Sender<News>, mut signals: Signals) {
    let keys = tell.clone();
    // It waits for a key until the process ends.
    thread::spawn(move || {
        while let Ok(key) = screen::key() {
            if keys.send(News::Pressed(key)).is_err() {
                return;
            }
        }
        keys.send(News::Pressed(Key::Quit)).ok();
    });
    let ended = tell.clone();
    tokio::spawn(async move {
        signals.one_came().await;
        ended.send(News::Pressed(Key::Quit)).ok();
    });
}

/// Looks again and again.
fn watch(service: Arc<Service>, interval: Duration, tell: mpsc::Sender<News>) {
    thread::spawn(move || {
        loop {
            thread::sleep(interval);
            let looked = service.caches().map(|all| all.caches);
            if tell.send(News::Looked(looked, Instant::now())).is_err() {
                return;
            }
        }
    });
}
