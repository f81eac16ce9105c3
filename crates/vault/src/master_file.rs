//! The master-key file: one key a line, the first is the one in use, `#` begins a comment line.
//!
//! Threat note. Defends against: other users of the machine reading the file (group and world must have no access); a
//! crash or a second process leaving half a file, or overwriting a key that a store was made with; losing the old
//! keys before everything is wrapped under the new one (dropping is a step of its own). Does not defend against: root
//! and the owning user; a file system or a backup that keeps old versions; a crash in the middle leaving a temporary file
//! (`.master-key-…`, mode 0600, complete or not) beside the real one; two rotations at once, which the caller
//! rules out with the data directory's lock.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use gatepost_core::Entropy;
use zeroize::Zeroizing;

use crate::digest::push_hex;
use crate::master::{MasterKey, MasterKeyFault, MasterKeyId, MasterKeyRefused, MasterKeyring};

/// A key file has a few lines; what is longer is some other file.
const LONGEST_FILE: u64 = 64 * 1024;

const HEADER: &str = "\
# Gatepost master keys, one a line; the first is in use, the others only read.
# Whoever has this file can read what the store sealed. Without it the sealed data is gone: back it up, apart from the data.
";

/// Why the key file cannot be used.
#[derive(Debug)]
pub enum MasterKeyFileError {
    /// Cannot be opened, read or written.
    Io { path: PathBuf, error: io::Error },
    /// Not a regular file.
    NotAFile { path: PathBuf },
    /// Others than the owner have access.
    TooOpen { path: PathBuf, mode: u32 },
    /// Longer than a key file can be, or not UTF-8.
    NotAKeyFile { path: PathBuf },
    /// A line is no master key, or there is none.
    Refused(MasterKeyRefused),
    /// A new file was wanted where one exists.
    Exists { path: PathBuf },
    /// A key to be dropped is the one in use.
    InUse { path: PathBuf, id: MasterKeyId },
    /// A key to be dropped is not in the file.
    NotInFile { path: PathBuf, id: MasterKeyId },
}

impl fmt::Display for MasterKeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } if error.kind() == io::ErrorKind::NotFound => write!(
                f,
                "{}: the master-key file does not exist; restore it from its backup, or name another one",
                path.display()
            ),
            Self::Io { path, error } => write!(
                f,
                "{}: the master-key file cannot be used ({error}); check that this user owns the file and may write \
                 its directory",
                path.display()
            ),
            Self::NotAFile { path } => {
                write!(f, "{}: not a regular file; name the master-key file itself", path.display())
            }
            Self::TooOpen { path, mode } => write!(
                f,
                "{path}: the master-key file has mode {mode:04o}, so others can reach it; run `chmod 600 {path}`",
                path = path.display(),
            ),
            Self::NotAKeyFile { path } => write!(
                f,
                "{}: too long or not text, so not a master-key file; name a file with one key a line",
                path.display()
            ),
            Self::Refused(refused) => refused.fmt(f),
            Self::Exists { path } => {
                write!(
                    f,
                    "{}: a file exists there and is left alone; use it, or name a new one",
                    path.display()
                )
            }
            Self::InUse { path, id } => write!(
                f,
                "{}: master key {id} is the one in use; add a new one and re-wrap the store before dropping it",
                path.display()
            ),
            Self::NotInFile { path, id } => {
                write!(
                    f,
                    "{}: holds no master key {id}; see `gatepost vault status` for the ids",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for MasterKeyFileError {}

impl From<MasterKeyRefused> for MasterKeyFileError {
    fn from(refused: MasterKeyRefused) -> Self {
        Self::Refused(refused)
    }
}

/// Reads the keys of a file that only its owner can reach.
pub fn load_file(path: &Path) -> Result<MasterKeyring, MasterKeyFileError> {
    parse(path, &read(path)?)
}

/// Makes a file with one new key, mode 0600, and gives the keyring. A file that exists is left alone. When this
/// returns, the key is on the disk under its name, so that a store may be made with it.
pub fn create_file(path: &Path, entropy: &dyn Entropy) -> Result<MasterKeyring, MasterKeyFileError> {
    let key = generate(path, entropy)?;
    let mut text = Zeroizing::new(String::with_capacity(HEADER.len() + 65));
    text.push_str(HEADER);
    text.push_str(key.to_hex().expose());
    text.push('\n');
    let temporary = write_temporary(path, &text, entropy)?;
    // A link, unlike a rename, never replaces what is there.
    let linked = fs::hard_link(&temporary, path);
    let outcome = match linked {
        Ok(()) => fs::remove_file(&temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // File systems without links: look, then rename.
        Err(_) if fs::symlink_metadata(path).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(&temporary, path),
    };
    if let Err(error) = outcome {
        let _ = fs::remove_file(&temporary);
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => MasterKeyFileError::Exists { path: path.to_owned() },
            _ => io_error(path)(error),
        });
    }
    sync_directory(path)?;
    Ok(MasterKeyring::new(key, Vec::new()))
}

/// Puts a new key before all others, in one atomic step, and gives the new keyring. The store is re-wrapped next; old
/// keys stay until [`drop_keys`].
pub fn add_primary(path: &Path, entropy: &dyn Entropy) -> Result<MasterKeyring, MasterKeyFileError> {
    let old = read(path)?;
    parse(path, &old)?;
    let key = generate(path, entropy)?;
    let mut text = Zeroizing::new(String::with_capacity(old.len() + 66));
    let mut placed = false;
    for line in old.lines() {
        if !placed && key_of(line).is_some() {
            text.push_str(key.to_hex().expose());
            text.push('\n');
            placed = true;
        }
        text.push_str(line);
        text.push('\n');
    }
    replace(path, &text, entropy)?;
    load_file(path)
}

/// Takes the named keys out, in one atomic step, and gives the new keyring. The caller has counted that nothing is
/// wrapped under them any more. The key in use cannot be dropped; other lines stay as they are.
pub fn drop_keys(
    path: &Path,
    ids: &[MasterKeyId],
    entropy: &dyn Entropy,
) -> Result<MasterKeyring, MasterKeyFileError> {
    let old = read(path)?;
    let ring = parse(path, &old)?;
    for id in ids {
        if *id == ring.primary().id() {
            return Err(MasterKeyFileError::InUse { path: path.to_owned(), id: *id });
        }
        if !ring.knows(*id) {
            return Err(MasterKeyFileError::NotInFile { path: path.to_owned(), id: *id });
        }
    }
    let mut text = Zeroizing::new(String::with_capacity(old.len()));
    for (number, line) in old.lines().enumerate() {
        let dropped = match key_of(line) {
            Some(value) => ids.contains(&MasterKey::parse(&place(path, number), value)?.id()),
            None => false,
        };
        if !dropped {
            text.push_str(line);
            text.push('\n');
        }
    }
    replace(path, &text, entropy)?;
    load_file(path)
}

/// The key text of a line, unless the line is empty or a comment.
fn key_of(line: &str) -> Option<&str> {
    let line = line.trim();
    (!line.is_empty() && !line.starts_with('#')).then_some(line)
}

fn place(path: &Path, number: usize) -> String {
    format!("{} line {}", path.display(), number + 1)
}

fn parse(path: &Path, text: &str) -> Result<MasterKeyring, MasterKeyFileError> {
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(value) = key_of(line) {
            keys.push(MasterKey::parse(&place(path, number), value)?);
        }
    }
    let mut keys = keys.into_iter();
    let Some(primary) = keys.next() else {
        let refused = MasterKeyRefused { place: path.display().to_string(), fault: MasterKeyFault::Missing };
        return Err(refused.into());
    };
    Ok(MasterKeyring::new(primary, keys.collect()))
}

fn generate(path: &Path, entropy: &dyn Entropy) -> Result<MasterKey, MasterKeyFileError> {
    MasterKey::generate(entropy).map_err(|error| io_error(path)(io::Error::other(error)))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> MasterKeyFileError {
    move |error| MasterKeyFileError::Io { path: path.to_owned(), error }
}

fn read(path: &Path) -> Result<Zeroizing<String>, MasterKeyFileError> {
    let file = File::open(path).map_err(io_error(path))?;
    // Of the open file, not of the path: nobody can swap it between the check and the reading.
    let metadata = file.metadata().map_err(io_error(path))?;
    if !metadata.is_file() {
        return Err(MasterKeyFileError::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyFileError::TooOpen { path: path.to_owned(), mode });
    }
    let size = usize::try_from(metadata.len().min(LONGEST_FILE)).unwrap_or(0);
    // Room for the whole at once: a buffer that grows leaves copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(io_error(path))?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(MasterKeyFileError::NotAKeyFile { path: path.to_owned() });
    }
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(MasterKeyFileError::NotAKeyFile { path: path.to_owned() }),
    }
}

/// The directory that holds `path`.
fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Writes `text` to a new file beside `path`, mode 0600, down to the disk.
fn write_temporary(path: &Path, text: &str, entropy: &dyn Entropy) -> Result<PathBuf, MasterKeyFileError> {
    let mut name = String::from(".master-key-");
    push_hex(&mut name, &entropy.array::<8>());
    let temporary = directory(path).join(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(io_error(path))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(io_error(path)(error));
    }
    Ok(temporary)
}

/// Replaces the file at `path` by one that holds `text`; a reader sees the old or the new one, never a part.
fn replace(path: &Path, text: &str, entropy: &dyn Entropy) -> Result<(), MasterKeyFileError> {
    // Through a symbolic link to the file itself, so that the link stays one.
    let target = fs::canonicalize(path).map_err(io_error(path))?;
    let temporary = write_temporary(&target, text, entropy)?;
    if let Err(error) = fs::rename(&temporary, &target) {
        let _ = fs::remove_file(&temporary);
        return Err(io_error(path)(error));
    }
    sync_directory(&target)
}

/// A name is durable only when its directory is.
fn sync_directory(path: &Path) -> Result<(), MasterKeyFileError> {
    File::open(directory(path)).and_then(|directory| directory.sync_all()).map_err(io_error(path))
}

#[cfg(test)]
mod tests;
