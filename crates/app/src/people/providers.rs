//! Identity providers that workspaces name.
//!
//! Threat note. Whoever manages a workspace's provider can say that anybody is anybody who is linked with it. So its word
//! opens that workspace only ([`gatepost_core::access::Person::confined_to`]), never makes an owner or admin of somebody
//! who comes uninvited, and counts for a second factor only where the workspace says so. A change ends what the old
//! provider opened. A provider can be made the only way in once it has been shown to work; owners keep their own way.
//! Does not defend against: an administrator of the workspace who makes a hostile provider the only way in; it is
//! audited, and an owner can undo it.

use gatepost_core::access::{Grant, Role, permission};
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::{
    Code, EmailAddress, Error, FieldError, IdentityProviderId, Result, Secret, Timestamp, WorkspaceId,
};
use gatepost_store::{IdentityProviderRow, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys};

use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::sealing::failed;
use crate::sso::{InvalidProvider, Provider, ProviderKind, SsoFault};

/// Most providers of a workspace.
pub const PROVIDERS_MAX: usize = 10;
/// Most domains of a provider.
const DOMAINS_MAX: usize = 20;

/// What a new provider is to be.
pub struct IdentityProviderCreate {
    /// 1 to 60 characters; on the button.
    pub name: String,
    pub kind: ProviderKind,
    pub client_id: String,
    pub client_secret: Secret<String>,
    pub enabled: bool,
    /// Its word counts for a second factor too.
    pub trusts_second_factor: bool,
    /// Domains of verified addresses that may come; empty for all.
    pub domains: Vec<String>,
    /// What somebody becomes who comes without an invitation: `agent` or `analyst`. Needs domains.
    pub join_role: Option<Role>,
}

/// What is to change. Kind and place stay: another issuer is another provider.
#[derive(Default)]
pub struct IdentityProviderUpdate {
    pub name: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<Secret<String>>,
    pub enabled: Option<bool>,
    pub trusts_second_factor: Option<bool>,
    pub domains: Option<Vec<String>>,
    pub join_role: Option<Option<Role>>,
    /// Whether members come in through it alone.
    pub only_way_in: Option<bool>,
}

/// A provider as those see it who manage the workspace.
#[derive(Debug, Clone)]
pub struct IdentityProviderView {
    pub id: IdentityProviderId,
    pub kind: ProviderKind,
    pub name: String,
    pub client_id: String,
    pub secret_last4: String,
    pub enabled: bool,
    pub only_way_in: bool,
    pub trusts_second_factor: bool,
    pub domains: Vec<String>,
    pub join_role: Option<Role>,
    /// What must be registered at the provider as its redirect URI.
    pub callback_url: String,
    /// Where members sign in through it.
    pub sign_in_url: String,
    pub created_at: Timestamp,
    /// When somebody last signed in through it as it is now.
    pub used_at: Option<Timestamp>,
}

fn secret_aad(workspace: WorkspaceId, id: IdentityProviderId) -> Aad {
    Aad {
        workspace: workspace.uuid(),
        table: "identity_provider",
        column: "client_secret",
        row: id.uuid().into_bytes(),
    }
}

fn seal_secret(keys: &WorkspaceKeys, id: IdentityProviderId, secret: &Secret<String>) -> Result<Vec<u8>> {
    let aad = secret_aad(WorkspaceId::from_uuid(keys.workspace()), id);
    keys.seal(&aad, secret.expose().as_bytes()).map(SealedBytes::into_vec).map_err(failed)
}

fn wrong(field: &str, detail: impl Into<String>) -> Error {
    Error::fields(vec![FieldError::new(format!("/{field}"), "invalid", detail)])
}

fn invalid(fault: InvalidProvider) -> Error {
    wrong(fault.field, fault.detail)
}

fn name_of(text: &str) -> Result<String> {
    gatepost_core::text::name(text, 60).map_err(|detail| wrong("name", detail))
}

/// In the ASCII form, without doubles.
fn domains_of(texts: &[String]) -> Result<Vec<String>> {
    if texts.len() > DOMAINS_MAX {
        return Err(wrong("domains", format!("at most {DOMAINS_MAX} domains")));
    }
    let mut domains = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let parsed = EmailAddress::parse(&format!("somebody@{}", text.trim()));
        let address =
            parsed.map_err(|_| wrong(&format!("domains/{index}"), "is not a domain, such as example.com"))?;
        if address.domain() != text.trim().trim_end_matches('.').to_ascii_lowercase() && text.is_ascii() {
            return Err(wrong(&format!("domains/{index}"), "is not a domain, such as example.com"));
        }
        if !domains.iter().any(|known| known == address.domain()) {
            domains.push(address.domain().to_owned());
        }
    }
    Ok(domains)
}

/// Nobody becomes powerful uninvited, and nobody comes uninvited from anywhere.
fn join_checked(role: Option<Role>, domains: &str) -> Result<()> {
    match role {
        None => Ok(()),
        Some(Role::Agent | Role::Analyst) if !domains.is_empty() => Ok(()),
        Some(Role::Agent | Role::Analyst) => {
            Err(wrong("join_role", "needs domains: without them anybody could come"))
        }
        Some(_) => Err(wrong("join_role", "expected agent, analyst or null")),
    }
}

/// What the log tells of a provider.
fn difference(entry: AuditEntry, before: &IdentityProviderRow, after: &IdentityProviderRow) -> AuditEntry {
    let role = |row: &IdentityProviderRow| row.join_role.map_or("none", Role::as_str);
    let secret = |same: bool| if same { "as it was" } else { "another" };
    entry
        .changed("name", &before.name, &after.name)
        .changed("client_id", &before.client_id, &after.client_id)
        .changed("client_secret", "as it was", secret(before.client_secret == after.client_secret))
        .changed("enabled", before.enabled.to_string(), after.enabled.to_string())
        .changed(
            "trusts_second_factor",
            before.trusts_second_factor.to_string(),
            after.trusts_second_factor.to_string(),
        )
        .changed("domains", &before.domains, &after.domains)
        .changed("join_role", role(before), role(after))
}

impl App {
    /// The provider of a row, ready to be called.
    pub(super) async fn provider_of(
        &self,
        scope: WorkspaceScope,
        row: &IdentityProviderRow,
    ) -> Result<Provider> {
        let corrupt = || Error::internal("an identity provider in the database is none");
        let aad = secret_aad(scope.workspace(), row.id);
        let plain = self.0.sealing.open(scope, &aad, &row.client_secret).await?;
        let secret = Secret::new(String::from_utf8(plain).map_err(|_| corrupt())?);
        let kind = ProviderKind::from_number(row.kind, row.place.as_deref()).ok_or_else(corrupt)?;
        Provider::new(kind, row.client_id.clone(), secret).map_err(|_| corrupt())
    }

    /// The callback's address of a provider: another one for each, which tells them apart.
    pub(super) fn sso_callback_url(&self, key: &str) -> String {
        format!("{}/sso/{key}/callback", self.console_url())
    }

    async fn provider_view(
        &self,
        scope: WorkspaceScope,
        row: &IdentityProviderRow,
        only: Option<IdentityProviderId>,
    ) -> Result<IdentityProviderView> {
        let Provider { kind, client_id, client_secret } = self.provider_of(scope, row).await?;
        let key = row.id.to_string();
        Ok(IdentityProviderView {
            id: row.id,
            kind,
            name: row.name.clone(),
            client_id,
            secret_last4: client_secret.last4(),
            enabled: row.enabled,
            only_way_in: only == Some(row.id),
            trusts_second_factor: row.trusts_second_factor,
            domains: row.domains.split_whitespace().map(str::to_owned).collect(),
            join_role: row.join_role,
            callback_url: self.sso_callback_url(&key),
            sign_in_url: format!("{}/sso/{key}", self.console_url()),
            created_at: row.created_at,
            used_at: row.used_at,
        })
    }

    /// Looks whether the provider answers as one before it is kept: a wrong issuer is noticed by who typed it.
    async fn provider_look(&self, provider: &Provider) -> Result<()> {
        self.0.sso.look(provider).await.map_err(|fault: SsoFault| {
            let field = if provider.kind.as_str() == "microsoft" { "tenant" } else { "issuer" };
            wrong(field, format!("the provider cannot be used: {fault}"))
        })
    }

    /// Adds a provider. Its discovery document is fetched and must be good.
    ///
    /// Errors: `invalid_field`, `provider_limit_reached`.
    pub async fn identity_provider_create(
        &self,
        grant: &Grant<permission::IdentityProviderManage>,
        create: IdentityProviderCreate,
        idempotent: Option<Idempotent<IdentityProviderView>>,
    ) -> Result<Outcome<IdentityProviderView>> {
        let scope = WorkspaceScope::from(grant);
        let domains = domains_of(&create.domains)?.join(" ");
        join_checked(create.join_role, &domains)?;
        let name = name_of(&create.name)?;
        let IdentityProviderCreate { kind, client_id, client_secret, .. } = create;
        let provider = Provider::new(kind, client_id, client_secret).map_err(invalid)?;
        self.provider_look(&provider).await?;
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let id = IdentityProviderId::new(now, self.entropy());
        let row = IdentityProviderRow {
            id,
            kind: provider.kind.number(),
            name,
            place: provider.kind.place().map(str::to_owned),
            client_id: provider.client_id.clone(),
            client_secret: seal_secret(&keys, id, &provider.client_secret)?,
            enabled: create.enabled,
            trusts_second_factor: create.trusts_second_factor,
            domains,
            join_role: create.join_role,
            created_at: now,
            used_at: None,
        };
        let view = self.provider_view(scope, &row, None).await?;
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &view)?;
        let audit = self
            .audit(grant, Action::IdentityProviderCreated, ("identity_provider", id.to_string()), vec![])
            .made("kind", provider.kind.as_str())
            .made("place", row.place.as_deref().unwrap_or_default())
            .made("client_id", &row.client_id)
            .made("trusts_second_factor", row.trusts_second_factor.to_string())
            .made("domains", &row.domains)
            .made("join_role", row.join_role.map_or("none", Role::as_str));
        let recording = prepared.clone();
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                if tx.identity_providers_hold().await?.len() >= PROVIDERS_MAX {
                    let detail = format!("a workspace has at most {PROVIDERS_MAX} identity providers");
                    return Err(Error::new(Code::ProviderLimitReached, detail));
                }
                tx.identity_provider_insert(&row).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(view)),
        }
    }

    /// The workspace's providers, in the order in which they were added.
    pub async fn identity_provider_list(
        &self,
        grant: &Grant<permission::IdentityProviderRead>,
    ) -> Result<Vec<IdentityProviderView>> {
        let read = self.0.store.read(grant.into(), async move |tx| {
            Ok((tx.identity_provider_list().await?, tx.only_through().await?))
        });
        let (rows, only) = read.await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            views.push(self.provider_view(grant.into(), row, only).await?);
        }
        Ok(views)
    }

    /// Errors: `not_found`.
    pub async fn identity_provider_get(
        &self,
        grant: &Grant<permission::IdentityProviderRead>,
        id: IdentityProviderId,
    ) -> Result<IdentityProviderView> {
        let read = self.0.store.read(grant.into(), async move |tx| {
            Ok((tx.identity_provider_get(id).await?, tx.only_through().await?))
        });
        let (row, only) = read.await?;
        let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
        self.provider_view(grant.into(), &row, only).await
    }

    /// Changes a provider. When this returns, the change binds the next request on every node; sessions that the
    /// provider opened end where it is another one now (credentials, second factors) or switched off.
    ///
    /// Errors: `not_found`, `invalid_field`, `conflict` where the only way in would be switched off, `provider_unproven`
    /// where it would become that before anybody signed in through it.
    pub async fn identity_provider_update(
        &self,
        grant: &Grant<permission::IdentityProviderManage>,
        id: IdentityProviderId,
        update: IdentityProviderUpdate,
    ) -> Result<IdentityProviderView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let name = update.name.as_deref().map(name_of).transpose()?;
        let domains = update.domains.as_deref().map(domains_of).transpose()?.map(|domains| domains.join(" "));
        let secret =
            update.client_secret.as_ref().map(|secret| seal_secret(&keys, id, secret)).transpose()?;
        // The same rules as for a new one.
        let plain = update.client_secret.clone().unwrap_or_else(|| Secret::new("unchanged".to_owned()));
        let client = update.client_id.clone().unwrap_or_else(|| "unchanged".to_owned());
        Provider::new(ProviderKind::Google, client, plain).map_err(invalid)?;
        let entry =
            self.audit(grant, Action::IdentityProviderUpdated, ("identity_provider", id.to_string()), vec![]);
        let IdentityProviderUpdate {
            client_id, enabled, trusts_second_factor, join_role, only_way_in, ..
        } = update;
        let (row, only, epoch) = self
            .0
            .store
            .write(scope, async move |tx| {
                let held = tx.identity_providers_hold().await?;
                let before =
                    held.into_iter().find(|row| row.id == id).ok_or_else(|| Error::of(Code::NotFound))?;
                let only_before = tx.only_through().await?;
                let mut after = before.clone();
                let set = |slot: &mut String, value: &Option<String>| {
                    if let Some(value) = value {
                        slot.clone_from(value);
                    }
                };
                set(&mut after.name, &name);
                set(&mut after.client_id, &client_id);
                set(&mut after.domains, &domains);
                after.client_secret = secret.clone().unwrap_or(after.client_secret);
                after.enabled = enabled.unwrap_or(after.enabled);
                after.trusts_second_factor = trusts_second_factor.unwrap_or(after.trusts_second_factor);
                after.join_role = join_role.unwrap_or(after.join_role);
                join_checked(after.join_role, &after.domains)?;
                if before.client_id != after.client_id || before.client_secret != after.client_secret {
                    after.used_at = None;
                }
                let was_only = only_before == Some(id);
                let is_only = only_way_in.unwrap_or(was_only);
                if is_only && !after.enabled {
                    let detail = "it is the only way in; let members come in by other ways first";
                    return Err(Error::new(Code::Conflict, detail));
                }
                if is_only && !was_only && after.used_at.is_none() {
                    return Err(Error::of(Code::ProviderUnproven));
                }
                tx.identity_provider_update(&after).await?;
                let only = match (was_only, is_only) {
                    (_, true) => Some(id),
                    (true, false) => None,
                    (false, false) => only_before,
                };
                if only != only_before {
                    tx.only_through_set(only).await?;
                }
                let narrower = !after.enabled
                    || before.client_id != after.client_id
                    || before.trusts_second_factor != after.trusts_second_factor
                    || before.domains != after.domains;
                if narrower {
                    tx.sessions_delete_through(id).await?;
                }
                let epoch = tx.credential_epoch_raise().await?;
                let audit = difference(entry.clone(), &before, &after).changed(
                    "only_way_in",
                    was_only.to_string(),
                    is_only.to_string(),
                );
                tx.commit(audit, (after, only, epoch))
            })
            .await?;
        self.await_epoch(epoch).await?;
        self.provider_view(grant.into(), &row, only).await
    }

    /// Removes a provider and ends what it opened. Accounts that are linked with its issuer stay linked.
    ///
    /// Errors: `not_found`, `conflict` where it is the only way in.
    pub async fn identity_provider_delete(
        &self,
        grant: &Grant<permission::IdentityProviderManage>,
        id: IdentityProviderId,
    ) -> Result<()> {
        let entry =
            self.audit(grant, Action::IdentityProviderDeleted, ("identity_provider", id.to_string()), vec![]);
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                let held = tx.identity_providers_hold().await?;
                let row =
                    held.into_iter().find(|row| row.id == id).ok_or_else(|| Error::of(Code::NotFound))?;
                if tx.only_through().await? == Some(id) {
                    let detail = "it is the only way in; let members come in by other ways first";
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.identity_provider_delete(id).await?;
                tx.sessions_delete_through(id).await?;
                let epoch = tx.credential_epoch_raise().await?;
                let audit = entry.clone().was("name", row.name).was("place", row.place.unwrap_or_default());
                tx.commit(audit, epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }
}
