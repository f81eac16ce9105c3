//! The table of keys against what is read, and against the page.
#![expect(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::config::Config;
use crate::config::load::parse;

/// The file that the examples make.
fn example_file() -> String {
    let mut text = String::new();
    for key in KEYS.iter().filter(|key| !key.path.contains("[]")) {
        let _ = writeln!(text, "{} = {}", key.path, key.example);
    }
    text
}

#[test]
fn every_example_is_accepted() {
    assert!(parse(Path::new("gatepost.toml"), &example_file()).is_ok());
}

/// What serde itself says that it knows, section by section, is what the table lists.
#[test]
fn the_table_lists_exactly_the_keys_there_are() {
    let known_to_serde = |prefix: &str, text: &str| -> BTreeSet<String> {
        let error = toml::from_str::<Config>(text).err().unwrap().to_string();
        let list = error.split("expected").nth(1).unwrap().to_owned();
        list.split('`').skip(1).step_by(2).map(|name| format!("{prefix}{name}")).collect()
    };
    let mut serde = BTreeSet::new();
    let top = known_to_serde("", "zzz = 1");
    for name in &top {
        if name == "data_dir" {
            serde.insert(name.clone());
        } else {
            serde.extend(known_to_serde(&format!("{name}."), &format!("{name}.zzz = 1")));
        }
    }
    serde.extend(known_to_serde("egress.exceptions[].", "egress.exceptions = [{ host = \"a\", zzz = 1 }]"));
    serde.extend(known_to_serde(
        "limits.presets[].",
        "limits.presets = [{ name = \"a\", windows = [], zzz = 1 }]",
    ));
    let provider = "key = \"a\", name = \"a\", kind = \"a\", client_id = \"a\"";
    serde.extend(known_to_serde("sso.providers[].", &format!("sso.providers = [{{ {provider}, zzz = 1 }}]")));
    let table: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(table, serde);
}

#[test]
fn the_reference_is_up_to_date() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md"));
    if std::env::vars_os().any(|(name, _)| name == "GATEPOST_UPDATE") {
        std::fs::write(path, markdown()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, markdown(), "run GATEPOST_UPDATE=1 cargo test -p gatepost reference");
}
