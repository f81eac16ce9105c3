//! The demo's data directory, which goes when the demo does.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use gatepost_core::Entropy as _;
use gatepost_vault::SystemEntropy;

use crate::failure::{Failure, Result};

/// A fresh directory; removed with everything in it when this is dropped.
pub struct Home(PathBuf);

impl Home {
    pub fn new() -> Result<Self> {
        let path = std::env::temp_dir()
            .join(format!("gatepost-demo-{:08x}", u32::from_le_bytes(SystemEntropy.bytes())));
        // Not recursive: a directory that is there already is not ours to remove.
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Failure::failed(format!("the demo's directory {} cannot be made: {error}", path.display()))
                .hint("set TMPDIR to a directory that this user may write to")
        })?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "the demo's directory could not be removed");
        }
    }
}
