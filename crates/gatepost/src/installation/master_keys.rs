//! Where the master keys come from, and how the running process moves to others.
//!
//! Threat note. Defends against: starting without a key where there is something to open (a key is made only where a
//! SQLite store is fresh and no place was named), weak keys and open key files (the vault refuses them without showing
//! them), reading the process's memory or environment by the same user once the key is in it (the process is marked
//! as not dumpable first). Does not defend against: root.

use std::path::PathBuf;
use std::sync::Arc;

use gatepost_app::{App, VaultStatus};
use gatepost_core::access::OperatorGrant;
use gatepost_core::access::operator_permission::VaultManage;
use gatepost_core::{Code, Error};
use gatepost_vault::{MasterKey, MasterKeyId, MasterKeyRefused, MasterKeyring, SystemEntropy, master_file};

use crate::config::Settings;
use crate::environment;
use crate::failure::{Exit, Failure, Result};

/// The place that master keys are read from.
#[derive(Debug, Clone)]
pub enum KeyPlace {
    /// `GATEPOST_MASTER_KEY`
    Variable,
    File {
        path: PathBuf,
        /// Whether somebody named it; a file that somebody named is never made.
        named: bool,
    },
}

impl std::fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Variable => f.write_str(environment::MASTER_KEY),
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// Marks this process as one whose memory, environment and core nobody but root may look at. Before any key is read.
pub fn forbid_dumps() -> Result<()> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).map_err(|error| {
        Failure::failed(format!("this process cannot be protected from being dumped: {error}"))
    })
}

impl KeyPlace {
    /// The place that the settings mean: the variable wins over every file.
    pub fn choose(settings: &Settings, usual: PathBuf) -> Result<Self> {
        let named = settings.config.vault.master_key_file.as_ref();
        if settings.environment && environment::master_key()?.is_some() {
            return Ok(Self::Variable);
        }
        Ok(match named {
            Some(path) => Self::File { path: path.clone(), named: true },
            None => Self::File { path: usual, named: false },
        })
    }

    /// The keys at this place; `None` where nobody named it and there is nothing.
    pub fn read(&self) -> Result<Option<MasterKeyring>> {
        match self {
            Self::Variable => match environment::master_key()? {
                Some(text) => keys_of_text(text.expose()).map(Some),
                None => Ok(None),
            },
            Self::File { path, named } => {
                if !*named && !path.exists() {
                    return Ok(None);
                }
                master_file::load_file(path).map(Some).map_err(refused)
            }
        }
    }

    /// Makes the first key.
    pub fn make(&self) -> Result<MasterKeyring> {
        match self {
            Self::File { path, named: false } => {
                master_file::create_file(path, &SystemEntropy).map_err(refused)
            }
            _ => Err(missing("no master key is given")),
        }
    }
}

/// The refusal to start without a key.
pub fn missing(why: &str) -> Failure {
    Failure::new(Exit::Usage, why).hint(
        "give the key in a file (GATEPOST_MASTER_KEY_FILE or vault.master_key_file, mode 0600) or in GATEPOST_MASTER_KEY;\n\
         for a new store make one: head -c 32 /dev/urandom | base64",
    )
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, error.to_string())
}

fn keys_of_text(text: &str) -> Result<MasterKeyring> {
    let mut keys = Vec::new();
    for part in text.split(',') {
        keys.push(MasterKey::parse(environment::MASTER_KEY, part).map_err(|e: MasterKeyRefused| refused(e))?);
    }
    let mut keys = keys.into_iter();
    let primary = keys.next().ok_or_else(|| missing("no master key is given"))?;
    Ok(MasterKeyring::new(primary, keys.collect()))
}

/// How the running process changes its master keys; the operator's routes call it.
#[derive(Clone)]
pub struct Keeper {
    pub app: App,
    pub place: Arc<KeyPlace>,
}

impl Keeper {
    /// Moves every data key under a new master key. A rotation that was cut off goes on under the key it had begun with.
    pub async fn rotate(self, grant: OperatorGrant<VaultManage>) -> gatepost_core::Result<VaultStatus> {
        let status = self.app.vault_status(&grant).await?;
        let found = self.keys()?;
        let nothing_new = found.primary().id().to_string() == status.primary;
        let ring = match (&*self.place, nothing_new && status.complete()) {
            (_, false) => found,
            (KeyPlace::File { path, .. }, true) => {
                master_file::add_primary(path, &SystemEntropy).map_err(Error::internal)?
            }
            (KeyPlace::Variable, true) => {
                let detail = "the master key comes from GATEPOST_MASTER_KEY: start with the new key, a comma and the \
                              old one in it, then rotate";
                return Err(Error::new(Code::Conflict, detail));
            }
        };
        self.app.vault_rotate(&grant, ring).await
    }

    /// Takes the keys that wrap nothing any more out of the file and out of this process.
    pub async fn drop_old(self, grant: OperatorGrant<VaultManage>) -> gatepost_core::Result<VaultStatus> {
        let status = self.app.vault_status(&grant).await?;
        if !status.complete() {
            let detail = "old master keys still wrap data keys: rotate first";
            return Err(Error::new(Code::Conflict, detail));
        }
        let KeyPlace::File { path, .. } = &*self.place else {
            let detail =
                "the master keys come from GATEPOST_MASTER_KEY: take the old ones out of it and start anew";
            return Err(Error::new(Code::Conflict, detail));
        };
        let old: Vec<MasterKeyId> =
            self.keys()?.ids().skip(1).filter(|id| id.to_string() != status.primary).collect();
        if old.is_empty() {
            return Ok(status);
        }
        let ring = master_file::drop_keys(path, &old, &SystemEntropy).map_err(Error::internal)?;
        self.app.vault_rotate(&grant, ring).await
    }

    fn keys(&self) -> gatepost_core::Result<MasterKeyring> {
        match self.place.read() {
            Ok(Some(ring)) => Ok(ring),
            Ok(None) => Err(Error::internal("the master-key file is gone")),
            Err(failure) => Err(Error::internal(failure)),
        }
    }
}
