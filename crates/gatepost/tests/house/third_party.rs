//! THIRD_PARTY.md lists what a Gatepost binary is built from, and is true.
//!
//! `GATEPOST_REGENERATE=1 cargo test -p gatepost --test house` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

use crate::{TestResult, root};

const FILE: &str = "THIRD_PARTY.md";

/// Everything below this line is written by this test.
const MARK: &str = "<!-- generated below: GATEPOST_REGENERATE=1 cargo test -p gatepost --test house -->\n";

/// One platform, so that the list is the same on every machine.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

fn metadata() -> cargo_metadata::Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(vec!["--locked".to_owned(), "--filter-platform".to_owned(), PLATFORM.to_owned()])
        .exec()
}

/// Everything that `gatepost` depends on, directly or not; what only builds or tests it is left out.
fn reachable(metadata: &Metadata) -> BTreeSet<PackageId> {
    let nodes: BTreeMap<_, _> =
        metadata.resolve.iter().flat_map(|graph| &graph.nodes).map(|node| (&node.id, node)).collect();
    let mut waiting: Vec<_> = metadata
        .workspace_packages()
        .iter()
        .filter(|p| p.name.as_str() == "gatepost")
        .map(|p| &p.id)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            if dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal) {
                waiting.push(&dependency.pkg);
            }
        }
    }
    seen
}

fn table(metadata: &Metadata) -> String {
    let reachable = reachable(metadata);
    let rows: BTreeSet<(String, String)> = metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some() && reachable.contains(&package.id))
        .map(|package| {
            (package.name.to_string(), package.license.clone().unwrap_or_else(|| "none given".to_owned()))
        })
        .collect();
    let mut text = String::from("\n| crate | licence |\n|---|---|\n");
    for (name, licence) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {name} | {licence} |");
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "asks whether to rewrite the file; configures nothing")]
fn the_list_of_third_parties_is_true() -> TestResult {
    let path = root().join(FILE);
    let text = fs::read_to_string(&path)?;
    let (head, listed) = text.split_once(MARK).ok_or("THIRD_PARTY.md has lost its mark")?;
    let wanted = table(&metadata()?);
    assert!(
        wanted.contains("| rusqlite | MIT |"),
        "the list has lost a crate that is surely linked:\n{wanted}"
    );
    if std::env::var_os("GATEPOST_REGENERATE").is_some() {
        fs::write(&path, format!("{head}{MARK}{wanted}"))?;
        return Ok(());
    }
    assert!(
        listed == wanted,
        "{FILE} is stale: run GATEPOST_REGENERATE=1 cargo test -p gatepost --test house"
    );
    Ok(())
}
