//! A data directory as `initdb` leaves it, made once per machine and copied for each server: a second instead of many.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::{APP_ROLE, OWNER_ROLE};

/// Part of the template's name: raise it when what is in one changes.
const FORMAT: u32 = 1;

/// A fresh directory under the system's temporary one, given to `account`; short, as a socket's path must be.
pub(crate) fn fresh_directory(account: &Account) -> Result<tempfile::TempDir, String> {
    let temp = std::env::temp_dir();
    let base = if temp.as_os_str().len() > 60 { PathBuf::from("/tmp") } else { temp };
    let made = tempfile::Builder::new().prefix("gatepost-pg-").tempdir_in(base);
    let directory = made.map_err(|error| format!("cannot make a temporary directory: {error}"))?;
    account.give(directory.path()).map_err(|error| format!("cannot hand over a directory: {error}"))?;
    Ok(directory)
}

/// Fills `data` with a copy of the template, which is made if it is missing.
pub(crate) fn copy_to(data: &Path, binaries: &Binaries, account: &Account) -> Result<(), String> {
    let name = format!("gatepost-testdb-{FORMAT}-{}-{}", binaries.version, account.uid);
    let template = std::env::temp_dir().join(name);
    if !is_ours(&template, account)? {
        make(&template, binaries, account)?;
    }
    let work = data.parent().unwrap_or(data);
    let mut copy = account.command(Path::new("cp"), work);
    succeed(copy.args(["-a", "--reflink=auto"]).arg(template.join("data")).arg(data))
}

/// Whether the template is there. Its name can be guessed, so one that belongs to somebody else is an attack.
fn is_ours(template: &Path, account: &Account) -> Result<bool, String> {
    match fs::symlink_metadata(template) {
        Ok(found) if found.is_dir() && found.uid() == account.uid => Ok(true),
        Ok(_) => Err(format!("{} belongs to somebody else", template.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("{}: {error}", template.display())),
    }
}

/// Makes the template elsewhere and renames it into place, so that nobody ever sees half of one.
fn make(template: &Path, binaries: &Binaries, account: &Account) -> Result<(), String> {
    let directory = fresh_directory(account)?;
    let data = directory.path().join("data");
    let mut initdb = account.command(&binaries.initdb, directory.path());
    // Small segments keep the copy small.
    initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"]);
    succeed(initdb.arg("--pgdata").arg(&data))?;

    let mut single = account.command(&binaries.postgres, directory.path());
    single.arg("--single").arg("-D").arg(&data).arg("postgres");
    let roles = format!("CREATE ROLE {OWNER_ROLE} LOGIN;\nCREATE ROLE {APP_ROLE} LOGIN;\n");
    succeed_with_input(&mut single, &roles)?;

    match fs::rename(directory.path(), template) {
        Ok(()) => {
            drop(directory.keep()); // it lives on under its new name
            Ok(())
        }
        // Another process was faster; ours goes when `directory` is dropped.
        Err(_) if is_ours(template, account)? => Ok(()),
        Err(error) => Err(format!("cannot put {} in place: {error}", template.display())),
    }
}

fn succeed(command: &mut Command) -> Result<(), String> {
    succeed_with_input(command, "")
}

fn succeed_with_input(command: &mut Command, input: &str) -> Result<(), String> {
    let program = command.get_program().to_owned();
    let failed = |why: String| format!("{}: {why}", program.display());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // Its exit code tells more than a pipe that it closed early.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))))
}
