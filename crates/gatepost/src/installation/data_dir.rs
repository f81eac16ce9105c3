//! The data directory: who owns it, and what lies where in it.
//!
//! Threat note. Defends against: two processes on one store (an exclusive lock that the kernel frees when its holder
//! ends, however that ends), other users planting files in it, files in it that others can read (the umask is set
//! before anything is written). Does not defend against: root, and network file systems that do not lock.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, flock};

use crate::failure::{Failure, Result};

/// A data directory that this process owns as long as the value lives.
pub struct DataDir {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
    /// Whether this call made the directory.
    pub made: bool,
}

/// Where things lie in a data directory.
#[derive(Debug, Clone)]
pub struct Places(PathBuf);

impl Places {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("gatepost.db")
    }

    pub fn master_key(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// Which sends have begun: see [`gatepost_app::AppConfig::send_journal`].
    pub fn send_journal(&self) -> PathBuf {
        self.0.join("sends.journal")
    }

    /// The operator's socket.
    pub fn socket(&self) -> PathBuf {
        self.0.join("operator.sock")
    }

    /// The URL that a running server answers at on this machine.
    pub fn address(&self) -> PathBuf {
        self.0.join("address")
    }

    fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
}

/// From now on files of this process are its user's alone.
pub fn keep_files_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

impl DataDir {
    /// Makes the directory where it is missing, and takes it. `None` where another process has it.
    pub fn try_own(path: &Path) -> Result<Option<Self>> {
        keep_files_private();
        let made = !path.exists();
        if made {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
                Failure::failed(format!("the data directory {} cannot be made: {error}", path.display()))
                    .hint("name another one with --data-dir or GATEPOST_DATA_DIR")
            })?;
        }
        // Absolute, so that messages and links say where it really is.
        let path = fs::canonicalize(path).map_err(|error| unusable(path, &error))?;
        let metadata = fs::metadata(&path).map_err(|error| unusable(&path, &error))?;
        if !metadata.is_dir() {
            return Err(Failure::usage(format!("{} is not a directory", path.display())));
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(Failure::failed(format!(
                "the data directory {} has mode {mode:04o}, so others can put files into it",
                path.display()
            ))
            .hint(format!("chmod 700 {}", path.display())));
        }
        let lock_path = Places::new(&path).lock();
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| unusable(&lock_path, &error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(unusable(&lock_path, &error.into())),
        }
        // For the message that another process shows; the lock itself is the kernel's.
        let noted = lock
            .set_len(0)
            .and_then(|()| lock.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(lock, "{}", std::process::id()));
        noted.map_err(|error| unusable(&lock_path, &error))?;
        Ok(Some(Self { path, _lock: lock, made }))
    }

    /// As [`DataDir::try_own`]; a directory that another process has is refused.
    pub fn own(path: &Path) -> Result<Self> {
        Self::try_own(path)?.ok_or_else(|| in_use(path))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn places(&self) -> Places {
        Places::new(&self.path)
    }
}

/// The refusal where another process owns the directory.
pub fn in_use(path: &Path) -> Failure {
    let mut holder = String::new();
    if let Ok(file) = File::open(Places::new(path).lock()) {
        let _ = file.take(32).read_to_string(&mut holder);
    }
    let who = match holder.trim().parse::<u32>() {
        Ok(pid) => format!("process {pid}"),
        Err(_) => "another process".to_owned(),
    };
    Failure::failed(format!("the data directory {} is in use by {who}", path.display()))
        .hint("stop that Gatepost first, or name another directory with --data-dir")
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{} cannot be used: {error}", path.display()))
        .hint("check that this user owns it, or name another directory with --data-dir")
}
