//! What must not compile as a route, and what nobody can forge.
//!
//! Each case under `compile_fail/` is given to the compiler against the crate that was just built. The compiler's
//! error codes are compared, not its messages, which change with every compiler; a case that is right proves that the
//! others fail for their own reason.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Where the crates lie that this test was linked from.
fn deps() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The most recent build of a crate.
fn library(name: &str) -> PathBuf {
    let prefix = format!("lib{name}-");
    std::fs::read_dir(deps())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rlib"))
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix))
        .max_by_key(|path| path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH))
        .unwrap()
}

/// The codes of the errors that the compiler finds in a case.
fn errors_of(case: &str) -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"]);
    command.arg("-L").arg(format!("dependency={}", deps().display()));
    for name in ["gatepost_http", "gatepost_store"] {
        command.arg("--extern").arg(format!("{name}={}", library(name).display()));
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{case}.rmeta"));
    command.arg("-o").arg(out).arg(manifest.join(format!("tests/compile_fail/{case}.rs")));
    let output = command.output().unwrap();
    let codes: BTreeSet<String> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["level"] == "error")
        .filter_map(|message| message["code"]["code"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(output.status.success(), codes.is_empty(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
    codes
}

#[test]
fn only_handlers_with_access_register_and_nothing_is_forged() {
    let cases: [(&str, &[&str]); 11] = [
        ("right", &[]),
        ("handler_without_access", &["E0277"]),
        ("handler_without_arguments", &["E0277"]),
        ("access_not_first", &["E0277"]),
        ("optional_access", &["E0277"]),
        ("own_access", &["E0277"]),
        ("forged_grant", &["E0451"]),
        ("forged_operator", &["E0451"]),
        ("forged_public", &["E0423"]),
        ("forged_route", &["E0451"]),
        ("forged_scope", &["E0423"]),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(case, wanted)| {
            let found = errors_of(case);
            let wanted: BTreeSet<String> = wanted.iter().map(|code| (*code).to_owned()).collect();
            (found != wanted).then(|| format!("{case}: wanted {wanted:?}, found {found:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
