//! What a workspace wants of its verifications.

use gatepost_core::Result;
use gatepost_core::verification::VerificationDefaults;
use gatepost_store::WorkspaceScope;

use crate::App;

impl App {
    /// What a workspace's verifications are made with where a request does not say.
    #[expect(clippy::unused_async, reason = "settings are read from the store")]
    pub(crate) async fn verification_defaults(&self, _scope: WorkspaceScope) -> Result<VerificationDefaults> {
        Ok(VerificationDefaults::default())
    }
}
