//! The variables of the table on the crate's page, and the two that every program knows.
#![expect(clippy::disallowed_methods, reason = "a test kit has no configuration to read")]

use std::path::PathBuf;

/// A missing server fails the test.
pub(crate) fn server_required() -> bool {
    std::env::var("GATEPOST_TEST_REQUIRE_POSTGRES").is_ok_and(|value| value == "1")
}

/// The server's `fsync` setting.
pub(crate) fn fsync() -> String {
    std::env::var("GATEPOST_TEST_POSTGRES_FSYNC").unwrap_or_else(|_| "on".into())
}

/// Where programs are looked for.
pub(crate) fn search_path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect()
}
