//! Under whose account the server runs: it refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// A user and group of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    gid: u32,
    /// Not ours: taken on by the commands we run.
    foreign: bool,
}

impl Account {
    /// Our own account, or `postgres` or `nobody` when we are root.
    pub(crate) fn choose() -> Result<Self, String> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: gid.as_raw(), foreign: false });
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
        let found = ["postgres", "nobody"].into_iter().find_map(|name| find(&passwd, name));
        found.ok_or_else(|| "root cannot run a server, and there is no user postgres or nobody".into())
    }

    /// A command that runs under this account, in `directory`, with nothing of ours in its environment that would
    /// change what it does.
    pub(crate) fn command(&self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(directory).env("LC_ALL", "C").env("TZ", "UTC");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        if self.foreign {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Hands a directory that we made to this account.
    pub(crate) fn give(&self, directory: &Path) -> io::Result<()> {
        if self.foreign { chown(directory, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid, foreign: true })
    })
}
