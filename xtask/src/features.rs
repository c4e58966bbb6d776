//! Feature combinations of the crates that users compile: default, none, each alone, all.

use crate::shell::Cmd;
use crate::{Result, workspace};

const CRATES: [&str; 5] = ["cachekit", "cachekit-macros", "cachekit-runtime", "cachekit-http", "cachekit-cli"];

pub(crate) struct Combination {
    pub(crate) name: String,
    pub(crate) cmd: Cmd,
}

pub(crate) fn combinations() -> Result<Vec<Combination>> {
    let mut all = Vec::new();
    for package in CRATES {
        let manifest = workspace::read(&workspace::root().join(package).join("Cargo.toml"))?;
        for flags in flag_sets(&names(&manifest)) {
            let shown = if flags.is_empty() { "default".to_owned() } else { flags.clone() };
            // Clippy instead of check: the same work, and a warning that only one combination has is a failure too.
            let cmd = Cmd::cargo(&format!("clippy -p {package} {flags} -- -D warnings"));
            all.push(Combination { name: format!("{package} {shown}"), cmd });
        }
    }
    Ok(all)
}

fn flag_sets(features: &[String]) -> Vec<String> {
    let mut sets = vec![String::new()];
    if !features.is_empty() {
        sets.push("--no-default-features".to_owned());
        sets.extend(features.iter().map(|feature| format!("--no-default-features --features {feature}")));
        sets.push("--all-features".to_owned());
    }
    sets
}

/// The keys of `[features]` without `default`.
fn names(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') && !line.starts_with("[\"") {
            inside = line == "[features]";
        } else if let (true, Some((key, _))) = (inside && !line.starts_with(['#', '"', ']']), line.split_once('=')) {
            names.push(key.trim().trim_matches('"').to_owned());
        }
    }
    names.retain(|name| name != "default");
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_read_from_their_section_only() {
        let manifest = "[package]\nname = \"x\"\n\n[features]\ndefault = [\"a\"]\n# c = []\na = [\n    \"dep:z\",\n]\nb-c = []\n\n[dependencies]\nz = \"1\"\n";
        assert_eq!(names(manifest), ["a", "b-c"]);
    }

    #[test]
    fn default_none_each_alone_and_all() {
        let features = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            flag_sets(&features),
            [
                "",
                "--no-default-features",
                "--no-default-features --features a",
                "--no-default-features --features b",
                "--all-features"
            ]
        );
        assert_eq!(flag_sets(&[]), [""]);
    }

    #[test]
    fn the_feature_of_the_facade_is_found() {
        let all = combinations().unwrap();
        assert!(all.iter().any(|c| c.name == "cachekit --no-default-features --features tokio"));
    }
}
