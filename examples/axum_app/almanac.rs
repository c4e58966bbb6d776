//! The data: a table of days, made at start, and notes that visitors leave.

use crate::sun;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

const CITIES: [(&str, f64, f64); 8] = [
    ("berlin", 52.52, 13.40),
    ("cairo", 30.04, 31.24),
    ("lima", -12.05, -77.04),
    ("nairobi", -1.29, 36.82),
    ("oslo", 59.91, 10.75),
    ("quito", -0.18, -78.47),
    ("sydney", -33.87, 151.21),
    ("tokyo", 35.68, 139.65),
];

#[derive(Debug, Serialize)]
pub(crate) struct Day {
    city: String,
    day: u32,
    sunrise_utc: String,
    sunset_utc: String,
    minutes_of_light: u32,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Extreme {
    day: u32,
    minutes_of_light: u32,
}

pub(crate) struct Almanac {
    database: Mutex<Connection>,
    queries: AtomicU64,
}

impl Almanac {
    pub(crate) fn open() -> rusqlite::Result<Self> {
        let mut database = Connection::open_in_memory()?;
        database.execute_batch(
            "CREATE TABLE days (city TEXT, day INTEGER, sunrise REAL, sunset REAL, PRIMARY KEY (city, day));
             CREATE TABLE notes (city TEXT, day INTEGER, text TEXT);",
        )?;
        let all = database.transaction()?;
        for (city, north, east) in CITIES {
            for day in 1..=366 {
                let (sunrise, sunset) = sun::rises_and_sets(day, north, east);
                all.execute("INSERT INTO days VALUES (?1, ?2, ?3, ?4)", params![city, day, sunrise, sunset])?;
            }
        }
        all.commit()?;
        Ok(Almanac { database: Mutex::new(database), queries: AtomicU64::new(0) })
    }

    fn ask(&self) -> MutexGuard<'_, Connection> {
        self.queries.fetch_add(1, Ordering::Relaxed);
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the database was asked.
    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    pub(crate) fn days(&self) -> rusqlite::Result<u32> {
        self.ask().query_row("SELECT count(*) FROM days", [], |row| row.get(0))
    }

    pub(crate) fn cities(&self) -> rusqlite::Result<Vec<String>> {
        let database = self.ask();
        let mut all = database.prepare("SELECT DISTINCT city FROM days ORDER BY city")?;
        all.query_map([], |row| row.get(0))?.collect()
    }

    /// `None`: there is no such day.
    pub(crate) fn day(&self, city: &str, day: u32) -> rusqlite::Result<Option<Day>> {
        let database = self.ask();
        let times = database
            .query_row("SELECT sunrise, sunset FROM days WHERE city = ?1 AND day = ?2", params![city, day], |row| {
                Ok((row.get::<_, f64>(0)?, row.get::<_, f64>(1)?))
            })
            .optional()?;
        let Some((sunrise, sunset)) = times else { return Ok(None) };
        let mut notes = database.prepare("SELECT text FROM notes WHERE city = ?1 AND day = ?2 ORDER BY rowid")?;
        let notes = notes.query_map(params![city, day], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Some(Day {
            city: city.to_owned(),
            day,
            sunrise_utc: clock(sunrise),
            sunset_utc: clock(sunset),
            minutes_of_light: (sunset - sunrise).round() as u32,
            notes,
        }))
    }

    pub(crate) fn extremes(&self, city: &str, is_longest: bool, count: u32) -> rusqlite::Result<Vec<Extreme>> {
        let order = if is_longest { "DESC" } else { "ASC" };
        let database = self.ask();
        let mut days = database.prepare(&format!(
            "SELECT day, sunset - sunrise AS light FROM days WHERE city = ?1 ORDER BY light {order}, day LIMIT ?2"
        ))?;
        let extreme = |row: &rusqlite::Row<'_>| {
            Ok(Extreme { day: row.get(0)?, minutes_of_light: row.get::<_, f64>(1)?.round() as u32 })
        };
        days.query_map(params![city, count], extreme)?.collect()
    }

    pub(crate) fn note(&self, city: &str, day: u32, text: &str) -> rusqlite::Result<()> {
        self.ask().execute("INSERT INTO notes VALUES (?1, ?2, ?3)", params![city, day, text]).map(|_| ())
    }
}

fn clock(minutes: f64) -> String {
    let minutes = (minutes.round() as i64).rem_euclid(24 * 60);
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}
