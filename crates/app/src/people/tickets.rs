//! What is handed out once: a random token whose digest is kept, with what it is for, until it is taken or too old.

use std::time::Duration;

use gatepost_core::{Result, Secret, UserId, WorkspaceId};
use gatepost_store::{TicketKind, TicketRow, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys, random_token, sha256};
use uuid::Uuid;

use crate::App;
use crate::sealing::failed;

/// What a new ticket is for.
pub(crate) struct TicketNew {
    pub kind: TicketKind,
    pub user: Option<UserId>,
    pub workspace: Option<WorkspaceId>,
    pub subject: Option<Uuid>,
    /// Sealed with the ticket.
    pub state: Option<Vec<u8>>,
    pub lives: Duration,
}

/// The digest under which a presented token is kept.
pub(crate) fn ticket_digest(token: &str) -> [u8; 32] {
    sha256(token.as_bytes())
}

fn aad(digest: &[u8; 32]) -> Aad {
    let mut row = [0; 16];
    row.copy_from_slice(&digest[..16]);
    Aad { workspace: WorkspaceScope::platform().workspace().uuid(), table: "ticket", column: "state", row }
}

pub(crate) fn ticket_state_seal(keys: &WorkspaceKeys, digest: &[u8; 32], state: &[u8]) -> Result<Vec<u8>> {
    keys.seal(&aad(digest), state).map(SealedBytes::into_vec).map_err(failed)
}

pub(crate) fn ticket_state_open(keys: &WorkspaceKeys, row: &TicketRow) -> Result<Option<Secret<Vec<u8>>>> {
    row.state.as_deref().map(|sealed| keys.open(&aad(&row.digest), sealed).map_err(failed)).transpose()
}

impl App {
    /// A ticket and its token; the row is to be put by the caller, in the transaction that owes it.
    pub(crate) async fn ticket(&self, new: TicketNew) -> Result<(Secret<String>, TicketRow)> {
        let token = random_token("", self.entropy());
        let digest = ticket_digest(token.expose());
        let now = self.now();
        let state = match new.state {
            Some(state) => {
                let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
                Some(ticket_state_seal(&keys, &digest, &state)?)
            }
            None => None,
        };
        let row = TicketRow {
            digest,
            kind: new.kind,
            user: new.user,
            workspace: new.workspace,
            subject: new.subject,
            state,
            attempts: 0,
            created_at: now,
            expires_at: now.plus(new.lives),
        };
        Ok((token, row))
    }
}
