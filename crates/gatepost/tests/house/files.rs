//! What every manifest, source file and document must look like.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{TestResult, files, report, root};

/// Lines of a source file; see CONTRIBUTING.md. A longer one has more than one purpose.
const MAX_LINES: usize = 600;

fn with_extension(extension: &str) -> std::io::Result<Vec<PathBuf>> {
    Ok(files()?.into_iter().filter(|path| path.extension().is_some_and(|e| e == extension)).collect())
}

fn has_source(path: &Path) -> bool {
    path.starts_with("crates") && path.components().any(|part| part.as_os_str() == "src")
}

#[test]
fn source_files_have_one_purpose_and_stay_short() -> TestResult {
    let mut faults = Vec::new();
    for path in with_extension("rs")?.iter().filter(|path| has_source(path)) {
        let lines = fs::read_to_string(root().join(path))?.lines().count();
        if lines > MAX_LINES {
            faults.push(format!(
                "short files: {} has {lines} lines, more than {MAX_LINES}. Split it by purpose; tests may move to a \
                 file of their own beside it.",
                path.display()
            ));
        }
    }
    report(&faults);
    Ok(())
}

#[test]
fn lints_are_expected_with_a_reason_never_allowed() -> TestResult {
    // In pieces, or this file would find itself.
    let outer = concat!("#[al", "low(");
    let inner = concat!("#![al", "low(");
    let mut faults = Vec::new();
    for path in with_extension("rs")? {
        for (number, line) in fs::read_to_string(root().join(&path))?.lines().enumerate() {
            if line.contains(outer) || line.contains(inner) {
                faults.push(format!(
                    "expect, not allow: {}:{} switches a lint off for good. Write #[expect(…, reason = \"…\")]; it \
                     warns once it is no longer needed.",
                    path.display(),
                    number + 1
                ));
            }
        }
    }
    report(&faults);
    Ok(())
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() -> TestResult {
    let mut faults = Vec::new();
    for path in files()?.iter().filter(|path| path.starts_with("crates") && path.ends_with("Cargo.toml")) {
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(root().join(path))?)?;
        let inherits = manifest.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool);
        if inherits != Some(true) {
            faults.push(format!("one set of lints: {} lacks [lints] workspace = true", path.display()));
        }
    }
    report(&faults);
    Ok(())
}

/// Names of third-party crates in `[workspace.dependencies]` whose line ends without a comment.
fn uncommented(manifest: &str) -> Vec<&str> {
    manifest
        .lines()
        .skip_while(|line| line.trim() != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").filter(|(name, _)| !name.starts_with(['#', ' '])))
        .filter(|(name, rest)| {
            let reason = rest.rsplit_once(" # ").map_or("", |(_, reason)| reason.trim());
            !name.starts_with("gatepost-") && reason.len() < 3
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn every_dependency_says_why_it_is_there() -> TestResult {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let faults: Vec<_> = uncommented(&manifest)
        .into_iter()
        .map(|name| {
            format!("dependencies: {name} in the root Cargo.toml has no comment on its line that says why")
        })
        .collect();
    report(&faults);
    let planted = "[workspace.dependencies]\ngatepost-core = { path = \"x\" }\na = \"1\" # why\nb = \"1\"\n[profile]\nc = 1";
    assert_eq!(uncommented(planted), ["b"]);
    Ok(())
}

#[test]
fn every_decision_is_listed_and_complete() -> TestResult {
    let list = fs::read_to_string(root().join("docs/adr/README.md"))?;
    let mut faults = Vec::new();
    let mut numbers = Vec::new();
    for path in files()?.iter().filter(|path| path.starts_with("docs/adr") && !path.ends_with("README.md")) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !list.contains(&format!("]({name})")) {
            faults.push(format!("decisions: docs/adr/README.md does not list {name}"));
        }
        let text = fs::read_to_string(root().join(path))?;
        for heading in ["## Context", "## Decision", "## Consequences"] {
            if !text.lines().any(|line| line == heading) {
                faults.push(format!("decisions: {name} has no section \"{heading}\""));
            }
        }
        numbers.push(name.split('-').next().and_then(|n| n.parse::<usize>().ok()).unwrap_or_default());
    }
    numbers.sort_unstable();
    assert_eq!(
        numbers,
        (1..=numbers.len()).collect::<Vec<_>>(),
        "decisions are numbered 0001, 0002, … once each"
    );
    report(&faults);
    Ok(())
}

/// The targets of inline links of a Markdown text that name a file of the repository.
fn linked_files(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn documents_link_to_files_that_exist() -> TestResult {
    let mut faults = Vec::new();
    for path in with_extension("md")? {
        let text = fs::read_to_string(root().join(&path))?;
        let directory = root().join(path.parent().unwrap_or(Path::new("")));
        for target in linked_files(&text) {
            if !directory.join(target).exists() {
                faults.push(format!("links: {} points to {target}, which does not exist", path.display()));
            }
        }
    }
    report(&faults);
    assert_eq!(linked_files("[a](b.md#c) [d](https://e.example) [f](#g)"), ["b.md"]);
    Ok(())
}
