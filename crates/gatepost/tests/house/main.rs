//! The rules of the house that no compiler knows: who may depend on whom, and what may lie in the repository.
//!
//! Every fault names the rule that was broken and the way out. CONTRIBUTING.md explains the rules.

mod dependencies;
mod files;
mod fuzz;
mod secrets;
mod third_party;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

type TestResult = Result<(), Box<dyn Error>>;

/// The root of the repository.
fn root() -> PathBuf {
    // The path of this package is <root>/crates/gatepost.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("/")).to_owned()
}

/// Every file that belongs to the repository or would, if it were added now: paths relative to the root.
///
/// Git knows best what is ignored; an unpacked source archive has no git, so there the directories are walked.
fn files() -> std::io::Result<Vec<PathBuf>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut found: Vec<PathBuf> = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .collect(),
        _ => walk()?,
    };
    // A file that was deleted and not yet committed is still listed.
    found.retain(|path| root().join(path).is_file());
    found.sort();
    found.dedup();
    assert!(
        found.iter().any(|path| path == Path::new("Cargo.toml")),
        "the listing of the repository is empty"
    );
    Ok(found)
}

fn walk() -> std::io::Result<Vec<PathBuf>> {
    let root = root();
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let ignored = matches!(entry.file_name().to_str(), Some(".git" | "target" | "node_modules"));
            if kind.is_dir() && !ignored {
                directories.push(entry.path());
            } else if kind.is_file() {
                files.extend(entry.path().strip_prefix(&root).map(Path::to_owned));
            }
        }
    }
    Ok(files)
}

/// Fails with all faults at once.
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "{} fault(s):\n- {}", faults.len(), faults.join("\n- "));
}

#[test]
fn git_and_the_walk_agree_on_the_sources() -> TestResult {
    let is_source =
        |path: &&PathBuf| path.starts_with("crates") && path.extension().is_some_and(|e| e == "rs");
    let mut walked = walk()?;
    walked.sort();
    let walked: Vec<_> = walked.iter().filter(is_source).collect();
    let listed = files()?;
    assert_eq!(listed.iter().filter(is_source).collect::<Vec<_>>(), walked);
    Ok(())
}
