//! Identity providers of workspaces. Client secrets are sealed by the caller.

use gatepost_core::access::Role;
use gatepost_core::{IdentityProviderId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct IdentityProviderRow {
    pub id: IdentityProviderId,
    /// The number of the kind.
    pub kind: i64,
    /// What people call it.
    pub name: String,
    /// The issuer, or Microsoft's tenant.
    pub place: Option<String>,
    pub client_id: String,
    /// Sealed.
    pub client_secret: Vec<u8>,
    pub enabled: bool,
    /// Its word counts for a second factor too.
    pub trusts_second_factor: bool,
    /// Blank-separated; empty for all.
    pub domains: String,
    /// What somebody becomes who comes without an invitation.
    pub join_role: Option<Role>,
    pub created_at: Timestamp,
    /// When somebody last signed in through it as it is now.
    pub used_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO identity_provider (workspace_id, id, kind, name, place, client_id, client_secret, enabled, trusts_second_factor, domains, join_role, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
    GET = same("SELECT id, kind, name, place, client_id, client_secret, enabled, trusts_second_factor, domains, join_role, created_at, used_at FROM identity_provider WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, kind, name, place, client_id, client_secret, enabled, trusts_second_factor, domains, join_role, created_at, used_at FROM identity_provider WHERE workspace_id = $1 ORDER BY id");
    UPDATE = same("UPDATE identity_provider SET kind = $3, name = $4, place = $5, client_id = $6, client_secret = $7, enabled = $8, trusts_second_factor = $9, domains = $10, join_role = $11, used_at = $12 WHERE workspace_id = $1 AND id = $2");
    USED = same("UPDATE identity_provider SET used_at = $3 WHERE workspace_id = $1 AND id = $2");
    DELETE = same("DELETE FROM identity_provider WHERE workspace_id = $1 AND id = $2");
    INDEX_PUT = same("INSERT INTO identity_provider_index (id, workspace_id) VALUES ($1, $2)");
    INDEX_FIND = same("SELECT workspace_id FROM identity_provider_index WHERE id = $1");
    INDEX_DROP = same("DELETE FROM identity_provider_index WHERE id = $1");
    ONLY_THROUGH = same("SELECT only_through FROM workspace WHERE id = $1");
    ONLY_THROUGH_SET = same("UPDATE workspace SET only_through = $2 WHERE id = $1");
    /// Held until the commit, so that two who add at once do not both take the last place.
    HOLD = per("SELECT id FROM workspace WHERE id = $1", "SELECT id FROM workspace WHERE id = $1 FOR NO KEY UPDATE");
}

fn provider(row: &Row<'_>) -> engine::Result<IdentityProviderRow> {
    let role: Option<i64> = row.get(9)?;
    Ok(IdentityProviderRow {
        id: IdentityProviderId::from_uuid(row.get(0)?),
        kind: row.get(1)?,
        name: row.get(2)?,
        place: row.get(3)?,
        client_id: row.get(4)?,
        client_secret: row.get(5)?,
        enabled: row.get(6)?,
        trusts_second_factor: row.get(7)?,
        domains: row.get(8)?,
        join_role: role.map(|n| Role::from_number(n).ok_or_else(|| row.corrupt(9))).transpose()?,
        created_at: Timestamp::from_micros(row.get(10)?),
        used_at: row.get::<Option<i64>>(11)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    pub async fn identity_provider_insert(&self, p: &IdentityProviderRow) -> Result<()> {
        let values = params![
            self.workspace,
            p.id.uuid(),
            p.kind,
            &p.name,
            p.place.as_deref(),
            &p.client_id,
            &p.client_secret,
            p.enabled,
            p.trusts_second_factor,
            &p.domains,
            p.join_role.map(Role::number),
            p.created_at.micros(),
            p.used_at.map(Timestamp::micros)
        ];
        self.tx.execute_one(&INSERT, values).await?;
        Ok(self.tx.execute_one(&INDEX_PUT, params![p.id.uuid(), self.workspace]).await?)
    }

    pub async fn identity_provider_get(&self, id: IdentityProviderId) -> Result<Option<IdentityProviderRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], provider).await?)
    }

    /// In the order in which they were added.
    pub async fn identity_provider_list(&self) -> Result<Vec<IdentityProviderRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], provider).await?)
    }

    /// The same, and nobody adds, changes or removes one before this transaction ends.
    pub async fn identity_providers_hold(&self) -> Result<Vec<IdentityProviderRow>> {
        let _held: Option<Uuid> =
            self.tx.query_opt(&HOLD, params![self.workspace], |row: &Row<'_>| row.get(0)).await?;
        self.identity_provider_list().await
    }

    /// Everything but when it was made.
    pub async fn identity_provider_update(&self, p: &IdentityProviderRow) -> Result<()> {
        let values = params![
            self.workspace,
            p.id.uuid(),
            p.kind,
            &p.name,
            p.place.as_deref(),
            &p.client_id,
            &p.client_secret,
            p.enabled,
            p.trusts_second_factor,
            &p.domains,
            p.join_role.map(Role::number),
            p.used_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Takes note that somebody signed in through it.
    pub async fn identity_provider_used(&self, id: IdentityProviderId, at: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&USED, params![self.workspace, id.uuid(), at.micros()]).await?)
    }

    /// False where there is none.
    pub async fn identity_provider_delete(&self, id: IdentityProviderId) -> Result<bool> {
        self.tx.execute(&INDEX_DROP, params![id.uuid()]).await?;
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }

    /// The one provider through which members come in; `None` where they may come by any way.
    pub async fn only_through(&self) -> Result<Option<IdentityProviderId>> {
        let read = |row: &Row<'_>| row.get::<Option<Uuid>>(0);
        let found = self.tx.query_opt(&ONLY_THROUGH, params![self.workspace], read).await?;
        Ok(found.flatten().map(IdentityProviderId::from_uuid))
    }

    pub async fn only_through_set(&self, provider: Option<IdentityProviderId>) -> Result<()> {
        let values = params![self.workspace, provider.map(IdentityProviderId::uuid)];
        Ok(self.tx.execute_one(&ONLY_THROUGH_SET, values).await?)
    }
}

impl SystemTx<'_> {
    /// A provider by its id alone, with the right to its workspace's rows; for somebody who signs in through it.
    pub async fn identity_provider_find(
        &self,
        id: IdentityProviderId,
    ) -> Result<Option<(WorkspaceScope, IdentityProviderRow)>> {
        let read = |row: &Row<'_>| row.get::<Uuid>(0);
        let Some(workspace) = self.tx.query_opt(&INDEX_FIND, params![id.uuid()], read).await? else {
            return Ok(None);
        };
        let scope = WorkspaceScope::of(WorkspaceId::from_uuid(workspace));
        let row = self.enter(scope).identity_provider_get(id).await?;
        Ok(row.map(|row| (scope, row)))
    }

    /// The providers of a workspace, for somebody who is to sign in through one.
    pub async fn identity_providers_of(&self, workspace: WorkspaceId) -> Result<Vec<IdentityProviderRow>> {
        self.enter(WorkspaceScope::of(workspace)).identity_provider_list().await
    }

    /// Takes note that somebody signed in through a provider of a workspace.
    pub async fn identity_provider_used(
        &self,
        workspace: WorkspaceId,
        id: IdentityProviderId,
        at: Timestamp,
    ) -> Result<()> {
        self.enter(WorkspaceScope::of(workspace)).identity_provider_used(id, at).await
    }
}
