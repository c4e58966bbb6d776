//! docs/configuration.md is what is understood.

use super::{environment, file, variables};
use crate::cache::Setting;

const DOCUMENT: &str = include_str!("../../../docs/configuration.md");

#[test]
fn its_examples_are_understood() {
    let examples: Vec<&str> = DOCUMENT.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 4);
    for example in &examples {
        if let Err(mistakes) = file::parse(example, "the example") {
            panic!("{mistakes:?} in\n{example}");
        }
    }
    let said: Vec<Setting> = examples
        .iter()
        .flat_map(|example| file::parse(example, "").map(|whole| whole.rules).unwrap_or_default())
        .flat_map(|rule| rule.settings.into_keys())
        .collect();
    for setting in Setting::ALL {
        assert!(said.contains(&setting), "there is no example of {setting}");
    }
}

#[test]
fn its_tables_have_every_setting_and_every_variable() {
    for setting in Setting::ALL {
        assert_eq!(DOCUMENT.matches(&format!("\n| `{setting}` |")).count(), 1, "{setting}");
    }
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    let named: Vec<&str> = rows
        .filter_map(|row| row.split('`').find(|part| part.starts_with("CACHEKIT_")))
        .filter(|name| !name.contains('…'))
        .collect();
    for name in variables::KNOWN {
        assert!(named.contains(&name), "{name} is in no table");
    }
    for name in named {
        assert!(variables::KNOWN.contains(&name), "there is no {name}");
    }
    // Each setting of connections by its name in the file.
    let redis = ["url", "connect_timeout", "response_timeout"].map(|name| format!("redis.{name}"));
    let file = ["directory", "max_bytes", "page_cache"].map(|name| format!("file.{name}"));
    let all = ["namespace", "max_value_bytes", "near_outage", "strict", "reload_every"].map(str::to_owned);
    for name in all.into_iter().chain(redis).chain(file) {
        assert!(DOCUMENT.contains(&format!("\n| `{name}` |")), "{name} is in no table");
    }
    assert!(environment::read().is_ok());
}
