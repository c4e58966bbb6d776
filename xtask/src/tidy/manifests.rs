//! Members inherit: lints, `publish = false`, and every version from the root, so that each is pinned once.

use super::problem::Problem;
use super::tree::{File, Tree};

pub(crate) fn check(tree: &Tree, problems: &mut Vec<Problem>) {
    let Some(root) = tree.get("Cargo.toml") else { return };
    if !entries(&root.text).any(|e| e.section == "workspace.package" && e.key == "publish" && e.value == "false") {
        problems.push(Problem::file(
            "Cargo.toml",
            "`publish = false` is missing in [workspace.package]: the names are other people's",
        ));
    }
    for member in members(&root.text) {
        match tree.get(&format!("{member}/Cargo.toml")) {
            Some(manifest) => check_member(manifest, problems),
            None => problems.push(Problem::file("Cargo.toml", format!("the member `{member}` has no Cargo.toml"))),
        }
    }
}

fn check_member(manifest: &File, problems: &mut Vec<Problem>) {
    let has = |section: &str, key: &str, value: &str| {
        entries(&manifest.text).any(|e| e.section == section && e.key == key && e.value == value)
    };
    // A crate with the one exception writes the list out, because inherited lints cannot be changed.
    let denies_unsafe = has("lints.rust", "unsafe_code", "\"deny\"") && has("lints.rust", "missing_docs", "\"warn\"");
    if !has("lints", "workspace", "true") && !denies_unsafe {
        problems.push(Problem::file(&manifest.path, "no `[lints]` with `workspace = true`: add it"));
    }
    if !has("package", "publish.workspace", "true") && !has("package", "publish", "false") {
        problems.push(Problem::file(&manifest.path, "it can be published: add `publish.workspace = true`"));
    }
    for entry in entries(&manifest.text).filter(|entry| is_dependencies(entry.section)) {
        let (name, field) = match entry.key.split_once('.') {
            Some((name, field)) => (name, field),
            None => (entry.key, ""),
        };
        if pins(field, entry.value) {
            let text =
                format!("`{name}` is pinned here: move the version to the root and write `{name}.workspace = true`");
            problems.push(Problem::at(&manifest.path, entry.line, text));
        }
    }
}

/// Whether a dependency's entry says where it comes from by itself. A path without a version is a sibling under another name.
fn pins(field: &str, value: &str) -> bool {
    let inline = |key: &str| {
        value.starts_with('{')
            && value.trim_start_matches('{').split(',').any(|part| part.split('=').next().map(str::trim) == Some(key))
    };
    match field {
        "" if value.starts_with('{') => inline("version") || inline("git") || !(inline("workspace") || inline("path")),
        "" | "version" | "git" => true,
        _ => false,
    }
}

struct Entry<'a> {
    section: &'a str,
    key: &'a str,
    value: &'a str,
    line: usize,
}

/// The `key = value` lines with their sections. Enough of TOML for manifests as cargo and we write them.
fn entries(manifest: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    manifest.lines().enumerate().filter_map(move |(at, line)| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = header.trim_matches(['[', ']']);
            return None;
        }
        let (key, value) = line.split_once('=').filter(|_| !line.starts_with(['#', '"']))?;
        let value = value.split(" #").next().unwrap_or(value);
        Some(Entry { section, key: key.trim(), value: value.trim(), line: at + 1 })
    })
}

fn is_dependencies(section: &str) -> bool {
    let section = section.rsplit_once('.').map_or(section, |(_, last)| last);
    ["dependencies", "dev-dependencies", "build-dependencies"].contains(&section)
}

fn members(root: &str) -> Vec<String> {
    let Some((_, rest)) = root.split_once("\nmembers") else { return Vec::new() };
    let list = rest.split(']').next().unwrap_or_default();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n]\n\n[workspace.package]\npublish = false\n";
    const GOOD: &str = "[package]\nname = \"a\"\npublish.workspace = true\n\n[dependencies]\nx.workspace = true\ny = { workspace = true, features = [\"version\"] }\nours = { path = \"../b\", package = \"b\" }\n\n[target.'cfg(loom)'.dependencies]\nz.workspace = true\n\n[lints]\nworkspace = true\n";

    fn found(root: &str, a: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(&Tree::of(&[("Cargo.toml", root), ("a/Cargo.toml", a), ("b/Cargo.toml", GOOD)]), &mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn members_that_inherit_are_fine() {
        assert_eq!(found(ROOT, GOOD), [""; 0]);
    }

    #[test]
    fn lints_and_publish_must_be_inherited() {
        let found = found(ROOT, "[package]\nname = \"a\"\n");
        assert!(found[0].starts_with("a/Cargo.toml: no `[lints]`"), "{found:?}");
        assert!(found[1].starts_with("a/Cargo.toml: it can be published"), "{found:?}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_spelling() {
        for (entry, line) in [
            ("x.workspace = true", None),
            ("serde = \"1\"", Some(17)),
            ("serde = { version = \"1\" }", Some(17)),
            ("serde = { features = [\"a\"], version = \"1\" }", Some(17)),
            ("serde.version = \"1\"", Some(17)),
            ("serde = { git = \"https://x.org/s\" }", Some(17)),
            ("ours = { path = \"../b\", version = \"1\" }", Some(17)),
        ] {
            let found = found(ROOT, &format!("{GOOD}\n[target.'cfg(unix)'.dev-dependencies]\n{entry}\n"));
            let expected: Vec<_> = line.map(|line| format!("a/Cargo.toml:{line}")).into_iter().collect();
            let places: Vec<_> = found.iter().map(|p| p.split(": ").next().unwrap().to_owned()).collect();
            assert_eq!(places, expected, "{entry}");
        }
    }

    #[test]
    fn the_root_switches_publishing_off_and_its_members_exist() {
        let found = found(&ROOT.replace("\"b\"", "\"c\"").replace("publish = false", ""), GOOD);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("`publish = false` is missing") && found[1].contains("the member `c`"));
    }
}
