//! When the sun rises and sets, by the general equations of NOAA's Global Monitoring Division: good to a minute or two, away from the poles.

use std::f64::consts::TAU;

/// Minutes of a day of the year (1 to 366) in UTC, at degrees north and east. Beyond midnight they go on.
pub(crate) fn rises_and_sets(day: u32, north: f64, east: f64) -> (f64, f64) {
    let year = TAU / 366.0 * (f64::from(day) - 1.0);
    let term =
        |factor: f64, turn: f64, sine: bool| factor * if sine { (turn * year).sin() } else { (turn * year).cos() };
    let equation_of_time = 229.18
        * (0.000_075 + term(0.001_868, 1.0, false)
            - term(0.032_077, 1.0, true)
            - term(0.014_615, 2.0, false)
            - term(0.040_849, 2.0, true));
    let declination = 0.006_918 - term(0.399_912, 1.0, false) + term(0.070_257, 1.0, true)
        - term(0.006_758, 2.0, false)
        + term(0.000_907, 2.0, true)
        - term(0.002_697, 3.0, false)
        + term(0.001_48, 3.0, true);
    // The upper edge of the sun, with the refraction of the air.
    let zenith = 90.833_f64.to_radians().cos();
    let north = north.to_radians();
    let hour = (zenith / (north.cos() * declination.cos()) - north.tan() * declination.tan()).clamp(-1.0, 1.0).acos();
    let noon = 720.0 - 4.0 * east - equation_of_time;
    (noon - 4.0 * hour.to_degrees(), noon + 4.0 * hour.to_degrees())
}
