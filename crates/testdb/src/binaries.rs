//! Where the server's programs are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::settings;

/// The programs of one installed version.
#[derive(Debug)]
pub(crate) struct Binaries {
    pub(crate) postgres: PathBuf,
    pub(crate) initdb: PathBuf,
    /// Such as `15.4`; fit to be part of a file name.
    pub(crate) version: String,
}

impl Binaries {
    /// The version on PATH, or the newest under `/usr/lib/postgresql`.
    pub(crate) fn find() -> Option<Self> {
        settings::search_path().into_iter().chain(packaged()).find_map(|directory| Self::within(&directory))
    }

    fn within(directory: &Path) -> Option<Self> {
        let (postgres, initdb) = (directory.join("postgres"), directory.join("initdb"));
        if !(postgres.is_file() && initdb.is_file()) {
            return None;
        }
        let said = Command::new(&postgres).arg("--version").output().ok()?;
        let said = String::from_utf8(said.stdout).ok()?;
        // "postgres (PostgreSQL) 15.4 (…)"
        let version = said.split_whitespace().nth(2)?.to_owned();
        let plain = version.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        plain.then_some(Self { postgres, initdb, version })
    }
}

/// Debian's layout, newest version first.
fn packaged() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, directory)| directory).collect()
}
