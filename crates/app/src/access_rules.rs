//! From where keys may be used, which pages may read their answers, and how fast they may be.
//!
//! Each rule holds for the keys of one mode: a test key, which lies in laptops and build servers, cannot open the door for
//! live ones. A change binds the next request on every node: the answer is given when no node knows the old rule any
//! more, as with a revocation.

use gatepost_core::access::{Actor, Grant, OperatorGrant, operator_permission, permission};
use gatepost_core::allowlist::{Allowlist, AllowlistEntry};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::channel::Mode;
use gatepost_core::{
    ApiKeyId, ClientAddr, Code, Error, FieldError, Network, Origin, Result, Timestamp, WorkspaceId,
};
use gatepost_store::{AccessRuleRow, ApiKeyRow, WorkspaceScope};

use crate::App;
use crate::audit::Visit;

/// Most origins of one workspace.
pub const ORIGINS_MAX: usize = 20;
/// A list as its readers see it.
#[derive(Debug, Clone)]
pub struct AllowlistView {
    pub enabled: bool,
    pub entries: Vec<AllowlistEntry>,
    /// The reader's own address, as it is seen here.
    pub your_address: Option<ClientAddr>,
}

/// What a list is to be.
#[derive(Debug, Clone)]
pub struct AllowlistChange {
    pub enabled: bool,
    /// Each with its note.
    pub entries: Vec<(Network, String)>,
    /// True for who means to shut itself out.
    pub confirm_lockout: bool,
}

/// The rate limits of a workspace's keys in one mode.
#[derive(Debug, Clone)]
pub struct LimitView {
    pub mode: Mode,
    /// The preset that all of its keys share; `None` for what the installation says of each.
    pub workspace: Option<String>,
    /// Keys with a preset of their own.
    pub keys: Vec<(ApiKeyId, String)>,
}

/// The networks of a list, in one line.
fn networks(list: &Allowlist) -> String {
    list.entries.iter().map(|entry| entry.network.to_string()).collect::<Vec<_>>().join(" ")
}

/// An entry that tells of a list as it was and as it is.
fn difference(entry: AuditEntry, before: &Allowlist, after: &Allowlist) -> AuditEntry {
    entry.changed("enabled", before.enabled.to_string(), after.enabled.to_string()).changed(
        "networks",
        networks(before),
        networks(after),
    )
}

impl App {
    pub async fn allowlist_get(
        &self,
        grant: &Grant<permission::AllowlistRead>,
        mode: Mode,
    ) -> Result<AllowlistView> {
        let rule = self.access_rule(grant.into(), mode).await?;
        Ok(view(rule.allowlist, grant.client()))
    }

    /// When this returns, the list binds the next request on every node.
    pub async fn allowlist_set(
        &self,
        grant: &Grant<permission::AllowlistManage>,
        mode: Mode,
        change: AllowlistChange,
    ) -> Result<AllowlistView> {
        whole_workspace(grant)?;
        let rule = self.access_rule(grant.into(), mode).await?;
        let list = replaced(&rule.allowlist, change, grant.client(), self.now())?;
        let target = ("workspace", grant.workspace().to_string());
        let details = vec![("mode", mode.as_str().to_owned())];
        let entry = self.audit(grant, Action::IpAllowlistChanged, target, details);
        let audit = difference(entry, &rule.allowlist, &list);
        let new = list.clone();
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                let rule = tx.access_rule(mode).await?;
                tx.access_rule_set(mode, &AccessRuleRow { allowlist: new.clone(), ..rule }).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(view(list, grant.client()))
    }

    pub async fn key_allowlist_get(
        &self,
        grant: &Grant<permission::AllowlistRead>,
        id: ApiKeyId,
    ) -> Result<AllowlistView> {
        let key = self.key_row_of(grant, id).await?;
        Ok(view(key.allowlist, grant.client()))
    }

    /// The same for one key; both lists must admit its callers.
    pub async fn key_allowlist_set(
        &self,
        grant: &Grant<permission::AllowlistManage>,
        id: ApiKeyId,
        change: AllowlistChange,
    ) -> Result<AllowlistView> {
        let key = self.key_row_of(grant, id).await?;
        within_reach(grant, &key)?;
        // Another key is used by another machine, so that the caller's address says nothing about it.
        let own = grant.actor() == Actor::ApiKey(id);
        let client = grant.client().filter(|_| own);
        let list = replaced(&key.allowlist, change, client, self.now())?;
        let target = ("api_key", id.to_string());
        let entry = self.audit(grant, Action::ApiKeyAllowlistChanged, target, Vec::new());
        let audit = difference(entry, &key.allowlist, &list);
        let new = list.clone();
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                tx.api_key_allowlist_set(id, &new).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(view(list, grant.client()))
    }

    /// The same, of what is there as it is changed by `edit`.
    pub async fn key_allowlist_edit(
        &self,
        grant: &Grant<permission::AllowlistManage>,
        id: ApiKeyId,
        edit: impl FnOnce(&mut AllowlistChange) -> Result<()> + Send,
    ) -> Result<AllowlistView> {
        let list = self.key_row_of(grant, id).await?.allowlist;
        let entries = list.entries.into_iter().map(|entry| (entry.network, entry.note)).collect();
        let mut change = AllowlistChange { enabled: list.enabled, entries, confirm_lockout: false };
        edit(&mut change)?;
        self.key_allowlist_set(grant, id, change).await
    }

    /// The pages that may use this workspace's test keys.
    pub async fn origins_get(&self, grant: &Grant<permission::OriginRead>) -> Result<Vec<Origin>> {
        Ok(self.access_rule(grant.into(), Mode::Test).await?.origins)
    }

    /// When this returns, the next answer on every node obeys.
    pub async fn origins_set(
        &self,
        grant: &Grant<permission::OriginManage>,
        origins: Vec<Origin>,
    ) -> Result<Vec<Origin>> {
        whole_workspace(grant)?;
        let mut wrong = Vec::new();
        for (index, origin) in origins.iter().enumerate() {
            if origins[..index].contains(origin) {
                let detail = format!("{origin} is there twice");
                wrong.push(FieldError::new(format!("/origins/{index}"), "duplicate_entry", detail));
            }
        }
        if !wrong.is_empty() {
            return Err(Error::fields(wrong));
        }
        let before = self.access_rule(grant.into(), Mode::Test).await?.origins;
        let written = |list: &[Origin]| list.iter().map(Origin::as_str).collect::<Vec<_>>().join(" ");
        let target = ("workspace", grant.workspace().to_string());
        let audit = self.audit(grant, Action::CorsOriginsChanged, target, Vec::new()).changed(
            "origins",
            written(&before),
            written(&origins),
        );
        let new = origins.clone();
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                let rule = tx.access_rule(Mode::Test).await?;
                tx.access_rule_set(Mode::Test, &AccessRuleRow { origins: new.clone(), ..rule }).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(origins)
    }

    /// The rate limits of a workspace.
    pub async fn limits_get(
        &self,
        operator: &OperatorGrant<operator_permission::WorkspaceEnter>,
        workspace: WorkspaceId,
        mode: Mode,
        visit: Visit,
    ) -> Result<LimitView> {
        let grant = self.operator_inside(operator, workspace, visit).await?;
        self.limits_of(&grant, mode).await
    }

    async fn limits_of(&self, grant: &Grant<permission::KeyManage>, mode: Mode) -> Result<LimitView> {
        let (workspace, keys) = self
            .0
            .store
            .read(grant.into(), async move |tx| {
                Ok((tx.access_rule(mode).await?.limit_preset, tx.api_key_limits(mode).await?))
            })
            .await?;
        Ok(LimitView { mode, workspace, keys })
    }

    /// Gives a workspace, or one of its keys, a preset; `None` takes it away. Binds the next request on every node.
    pub async fn limits_set(
        &self,
        operator: &OperatorGrant<operator_permission::WorkspaceEnter>,
        workspace: WorkspaceId,
        mode: Mode,
        key: Option<ApiKeyId>,
        preset: Option<String>,
    ) -> Result<LimitView> {
        // What it does there has an entry of its own.
        let grant = self.operator_inside(operator, workspace, Visit::InProcess).await?;
        let config = &self.0.config.limits;
        if let Some(name) = preset.as_deref().filter(|name| config.preset(name).is_none()) {
            let detail = format!("there is no preset {name}; there are {}", config.names());
            return Err(Error::fields(vec![FieldError::new("/preset", "invalid_value", detail)]));
        }
        if let Some(id) = key {
            let row = self.key_row_of(&grant, id).await?;
            if row.mode != mode {
                return Err(Error::of(Code::NotFound));
            }
        }
        let target = match key {
            Some(id) => ("api_key", id.to_string()),
            None => ("workspace", grant.workspace().to_string()),
        };
        let was = match key {
            Some(id) => self.key_row_of(&grant, id).await?.limit_preset,
            None => self.access_rule((&grant).into(), mode).await?.limit_preset,
        };
        let details = vec![("mode", mode.as_str().to_owned())];
        let audit = self.audit(&grant, Action::RateLimitChanged, target, details).changed(
            "preset",
            was.unwrap_or_default(),
            preset.clone().unwrap_or_default(),
        );
        let epoch = self
            .0
            .store
            .write((&grant).into(), async move |tx| {
                match key {
                    Some(id) => tx.api_key_limit_set(id, preset.as_deref()).await?,
                    None => {
                        let rule = tx.access_rule(mode).await?;
                        let rule = AccessRuleRow { limit_preset: preset.clone(), ..rule };
                        tx.access_rule_set(mode, &rule).await?;
                    }
                }
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        self.limits_of(&grant, mode).await
    }

    async fn operator_inside(
        &self,
        operator: &OperatorGrant<operator_permission::WorkspaceEnter>,
        workspace: WorkspaceId,
        visit: Visit,
    ) -> Result<Grant<permission::KeyManage>> {
        let grant = self.workspace_enter(operator, workspace, visit).await?.grant()?;
        Ok(match operator.request() {
            Some(request) => grant.in_request(request),
            None => grant,
        })
    }

    async fn access_rule(&self, scope: WorkspaceScope, mode: Mode) -> Result<AccessRuleRow> {
        self.0.store.read(scope, async move |tx| tx.access_rule(mode).await).await
    }
}

fn view(list: Allowlist, your_address: Option<ClientAddr>) -> AllowlistView {
    AllowlistView { enabled: list.enabled, entries: list.entries, your_address }
}

/// The new list, if it does not shut out `client`.
fn replaced(
    before: &Allowlist,
    change: AllowlistChange,
    client: Option<ClientAddr>,
    now: Timestamp,
) -> Result<Allowlist> {
    let list = before.replace(change.enabled, change.entries, now).map_err(Error::fields)?;
    match client {
        Some(client) if !change.confirm_lockout && !list.admits(Some(client)) => {
            let detail = format!("your own address, {client}, is not on this list");
            Err(Error::new(Code::AllowlistLockout, detail))
        }
        _ => Ok(list),
    }
}

/// Whoever is bound to some channels decides nothing for the others.
pub(crate) fn whole_workspace<P>(grant: &Grant<P>) -> Result<()> {
    if grant.channels().is_some() { Err(Error::of(Code::ChannelNotAllowed)) } else { Ok(()) }
}

fn within_reach<P>(grant: &Grant<P>, key: &ApiKeyRow) -> Result<()> {
    let Some(own) = grant.channels() else { return Ok(()) };
    let inside = key.channels.as_ref().is_some_and(|bound| bound.iter().all(|c| own.contains(c)));
    if inside { Ok(()) } else { Err(Error::of(Code::ChannelNotAllowed)) }
}
