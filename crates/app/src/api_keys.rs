//! API keys: made, shown once, rotated, revoked.

use std::time::Duration;

use gatepost_core::access::{Grant, Scope, permission};
use gatepost_core::allowlist::Allowlist;
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, ChannelId, ClientAddr, Code, Error, FieldError, Result, Secret, Timestamp};
use gatepost_store::{ApiKeyRow, WorkspaceScope};
use gatepost_vault::ApiKeyToken;

use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::notices::{Notice, Trigger, to_workspace};
use crate::pages::{Page, PageQuery};

/// The longest time that two generations of a key are good side by side.
pub const OVERLAP_MAX: Duration = Duration::from_hours(168);

pub struct KeyCreate {
    pub name: String,
    pub mode: Mode,
    pub scopes: Vec<Scope>,
    /// `None`: every channel of the workspace and mode.
    pub channels: Option<Vec<ChannelId>>,
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone)]
pub struct KeyView {
    pub id: ApiKeyId,
    pub name: String,
    pub mode: Mode,
    pub scopes: Vec<Scope>,
    pub channels: Option<Vec<ChannelId>>,
    /// The first characters, for people.
    pub display: String,
    pub last4: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// May lie ahead: a rotated key ends then.
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// A key with its secret, which is shown now and never again.
pub struct KeyCreated {
    pub view: KeyView,
    pub secret: Secret<String>,
}

fn view(row: ApiKeyRow) -> KeyView {
    KeyView {
        id: row.id,
        name: row.name,
        mode: row.mode,
        scopes: row.scopes,
        channels: row.channels,
        display: row.display,
        last4: row.last4,
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        last_used_at: row.last_used_at,
    }
}

/// A time for the audit log.
fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

impl App {
    fn key_row(&self, create: KeyCreate) -> (ApiKeyRow, Secret<String>) {
        let now = self.now();
        let id = ApiKeyId::new(now, self.entropy());
        let (token, digest) = ApiKeyToken::generate(create.mode, id, self.entropy());
        let display = token.display();
        let row = ApiKeyRow {
            id,
            name: create.name,
            mode: create.mode,
            scopes: create.scopes,
            digest,
            display: display.prefix,
            last4: display.last4,
            channels: create.channels,
            allowlist: Allowlist::default(),
            limit_preset: None,
            created_at: now,
            expires_at: create.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        (row, Secret::new(token.expose().to_owned()))
    }

    /// Nobody hands out more than they have: not more scopes, not another mode, not other channels.
    fn key_within(&self, grant: &Grant<permission::KeyManage>, create: &KeyCreate) -> Result<()> {
        let mut wrong = Vec::new();
        if create.scopes.is_empty() {
            wrong.push(FieldError::new(
                "/scopes",
                "required",
                "name at least one of send, read, webhooks, admin",
            ));
        }
        if create.expires_at.is_some_and(|end| end <= self.now()) {
            wrong.push(FieldError::new("/expires_at", "invalid_value", "lies in the past"));
        }
        if create.channels.as_ref().is_some_and(Vec::is_empty) {
            wrong.push(FieldError::new(
                "/channels",
                "invalid_value",
                "name at least one channel, or leave it out for all",
            ));
        }
        if !wrong.is_empty() {
            return Err(Error::fields(wrong));
        }
        if !grant.covers(&create.scopes) {
            return Err(Error::new(
                Code::PermissionMissing,
                "a key cannot hold scopes that its maker does not hold",
            ));
        }
        if !grant.sees(create.mode) {
            let code = if create.mode == Mode::Live { Code::TestModeOnly } else { Code::LiveModeOnly };
            return Err(Error::of(code));
        }
        if let Some(own) = grant.channels() {
            let inside =
                create.channels.as_ref().is_some_and(|wanted| wanted.iter().all(|c| own.contains(c)));
            if !inside {
                return Err(Error::of(Code::ChannelNotAllowed));
            }
        }
        Ok(())
    }

    pub async fn key_create(
        &self,
        grant: &Grant<permission::KeyManage>,
        create: KeyCreate,
        idempotent: Option<Idempotent<KeyCreated>>,
    ) -> Result<Outcome<KeyCreated>> {
        self.key_within(grant, &create)?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (row, secret) = self.key_row(create);
        let created = KeyCreated { view: view(row.clone()), secret };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &created)?;
        let scopes: Vec<&str> = row.scopes.iter().map(|s| s.as_str()).collect();
        let channels: Vec<String> = row.channels.iter().flatten().map(ToString::to_string).collect();
        let audit = self
            .audit(grant, Action::ApiKeyCreated, ("api_key", row.id.to_string()), vec![])
            .made("name", &row.name)
            .made("mode", row.mode.as_str())
            .made("scopes", scopes.join(" "))
            .made("channels", if row.channels.is_some() { channels.join(" ") } else { "all".to_owned() })
            .made("expires_at", instant(row.expires_at));
        let (recording, now) = (prepared.clone(), self.now());
        let trigger = Trigger {
            who: Some(grant.actor().to_string()),
            at: now,
            from: grant.client().map(ClientAddr::ip),
            device: None,
        };
        let notice = Notice::key_created(&row.name, row.mode.as_str(), &trigger);
        let notice = to_workspace(&keys, now, self.entropy(), &notice, self.mail_on())?;
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                for channel in row.channels.iter().flatten() {
                    let known = tx.channel_get(*channel).await?.is_some_and(|c| c.mode == row.mode);
                    if !known {
                        let detail = format!("there is no {} channel {channel}", row.mode.as_str());
                        return Err(Error::fields(vec![FieldError::new("/channels", "not_found", detail)]));
                    }
                }
                tx.api_key_insert(&row).await?;
                tx.notice_add(&notice).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(created)),
        }
    }

    pub(crate) async fn key_row_of<P>(&self, grant: &Grant<P>, id: ApiKeyId) -> Result<ApiKeyRow> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.api_key_get(id).await).await?;
        row.filter(|k| grant.sees(k.mode)).ok_or_else(|| Error::of(Code::NotFound))
    }

    pub async fn key_get(&self, grant: &Grant<permission::KeyRead>, id: ApiKeyId) -> Result<KeyView> {
        self.key_row_of(grant, id).await.map(view)
    }

    /// Newest first, revoked ones included.
    pub async fn key_list(
        &self,
        grant: &Grant<permission::KeyRead>,
        query: PageQuery,
    ) -> Result<Page<KeyView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, limit) = query.bounds()?;
        let rows = self.0.store.read(scope, async move |tx| tx.api_key_list(before, limit).await).await?;
        let mut page = query.page(rows, |r| r.id.uuid(), |row| Ok(view(row)))?;
        page.items.retain(|key| grant.sees(key.mode));
        Ok(page)
    }

    /// A new secret for the same purpose: a new key like the old one, which ends now or after `overlap`. Binds the very
    /// next request, on every node.
    pub async fn key_rotate(
        &self,
        grant: &Grant<permission::KeyManage>,
        id: ApiKeyId,
        overlap: Duration,
    ) -> Result<KeyCreated> {
        let scope = WorkspaceScope::from(grant);
        let old = self.key_row_of(grant, id).await?;
        let now = self.now();
        if old.revoked_at.is_some() {
            return Err(Error::new(Code::Conflict, "this key was revoked or rotated already"));
        }
        let (allowlist, limit_preset) = (old.allowlist, old.limit_preset);
        let create = KeyCreate {
            name: old.name,
            mode: old.mode,
            scopes: old.scopes,
            channels: old.channels,
            expires_at: old.expires_at,
        };
        self.key_within(grant, &create)?;
        let (row, secret) = self.key_row(create);
        // The successor may be used from where the key could, and as fast.
        let row = ApiKeyRow { allowlist, limit_preset, ..row };
        let created = KeyCreated { view: view(row.clone()), secret };
        let end = now.plus(overlap.min(OVERLAP_MAX));
        let details =
            vec![("successor", row.id.to_string()), ("overlap_seconds", overlap.as_secs().to_string())];
        let audit = self.audit(grant, Action::ApiKeyRotated, ("api_key", id.to_string()), details).changed(
            "revoked_at",
            instant(old.revoked_at),
            end.to_string(),
        );
        let epoch = self
            .0
            .store
            .write(scope, async move |tx| {
                tx.api_key_insert(&row).await?;
                tx.api_key_revoke(id, end).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(created)
    }

    /// Ends a key. When this returns, no node lets it in any more.
    pub async fn key_revoke(&self, grant: &Grant<permission::KeyManage>, id: ApiKeyId) -> Result<KeyView> {
        let scope = WorkspaceScope::from(grant);
        let mut row = self.key_row_of(grant, id).await?;
        let now = self.now();
        let end = row.revoked_at.map_or(now, |at| at.min(now));
        let audit = self.audit(grant, Action::ApiKeyRevoked, ("api_key", id.to_string()), vec![]).changed(
            "revoked_at",
            instant(row.revoked_at),
            end.to_string(),
        );
        let epoch = self
            .0
            .store
            .write(scope, async move |tx| {
                tx.api_key_revoke(id, now).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        row.revoked_at = Some(end);
        Ok(view(row))
    }
}
