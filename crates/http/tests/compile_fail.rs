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

/// Our own words for a handler that cannot be a route.
const ADMISSION: &str = "a route needs a handler whose first argument says who may call it";
/// Our own words for a type that is no access.
const ACCESS: &str = "does not say who may call the route";

/// What the compiler finds wrong in a case.
struct Errors {
    codes: BTreeSet<String>,
    messages: Vec<String>,
}

fn errors_of(case: &str) -> Errors {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("rustc");
    command.args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"]);
    command.arg("-L").arg(format!("dependency={}", deps().display()));
    for name in ["gatepost_core", "gatepost_http", "gatepost_store"] {
        command.arg("--extern").arg(format!("{name}={}", library(name).display()));
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{case}.rmeta"));
    command.arg("-o").arg(out).arg(manifest.join(format!("tests/compile_fail/{case}.rs")));
    let output = command.output().unwrap();
    let errors: Vec<serde_json::Value> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["level"] == "error")
        .collect();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let codes: BTreeSet<String> = errors.iter().filter_map(|error| text(&error["code"]["code"])).collect();
    assert_eq!(output.status.success(), codes.is_empty(), "{case}: {errors:?}");
    Errors { codes, messages: errors.iter().filter_map(|error| text(&error["message"])).collect() }
}

/// Checks one case: the error's code, and, where it is ours to word, its words.
fn check(case: &str, code: Option<&str>, words: &str) {
    let Errors { codes, messages } = errors_of(case);
    assert_eq!(codes, code.into_iter().map(str::to_owned).collect(), "{case}: {messages:?}");
    let said = code.is_none() || messages.iter().any(|message| message.contains(words));
    assert!(said, "{case}: {words:?} is not among {messages:?}");
}

#[test]
fn only_handlers_with_access_register() {
    check("right", None, "");
    check("handler_without_access", Some("E0277"), ACCESS);
    check("handler_without_arguments", Some("E0277"), ADMISSION);
    check("access_not_first", Some("E0277"), ACCESS);
    check("optional_access", Some("E0277"), ACCESS);
    check("own_access", Some("E0277"), "Sealed");
}

#[test]
fn nothing_is_forged() {
    check("forged_grant", Some("E0451"), "private");
    check("forged_operator", Some("E0451"), "private");
    check("forged_person", Some("E0451"), "private");
    check("forged_public", Some("E0423"), "private");
    check("forged_route", Some("E0451"), "private");
    check("forged_scope", Some("E0423"), "private");
}
