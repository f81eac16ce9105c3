//! Verification pages: for sites without a back-end form, at which their visitors prove a number.
//!
//! Threat note. A page's address is public by its nature; what it opens is in `core/access/verification_page.rs`. Defends
//! against: a page of somebody else's look or way back (only the workspace's own people and admin keys make one, with an
//! audit entry), an address that goes on working after the page was deleted (it is looked up for each request). What
//! visitors send is in [`visits`].

mod results;
mod visits;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::verification::PageSettings;
use gatepost_core::{ChannelId, Code, Error, Origin, Result, Timestamp, VerificationPageId, WorkspaceId};
use gatepost_store::{VerificationPageRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys, random_token, sha256};

use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::messages::choose_channel;
use crate::pages::{Page, PageQuery};
use crate::sealing::failed;

pub use results::VerificationResult;
pub use visits::{OpenPage, PageVisit};

/// Most pages of a workspace in one mode.
pub const PAGES_MAX: usize = 50;
/// How the ends of addresses begin: they are told from links in e-mails by it.
const TOKEN_PREFIX: &str = "vp_";
/// And how long they are.
const TOKEN_LENGTH: usize = TOKEN_PREFIX.len() + 43;

/// A page to make.
pub struct VerificationPageCreate {
    pub mode: Mode,
    /// `None`: the only channel this caller could mean.
    pub channel: Option<ChannelId>,
    /// What its owner calls it.
    pub name: String,
    pub settings: PageSettings,
}

/// A page as its workspace sees it.
#[derive(Debug, Clone)]
pub struct VerificationPageView {
    pub id: VerificationPageId,
    pub mode: Mode,
    pub channel_id: ChannelId,
    pub name: String,
    pub settings: PageSettings,
    /// Where visitors open it.
    pub url: String,
    pub created_at: Timestamp,
}

/// Whether a text has the form of the end of a page's address.
pub fn is_page_token(text: &str) -> bool {
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() == TOKEN_LENGTH && text.starts_with(TOKEN_PREFIX) && text.bytes().all(base64)
}

fn place(keys: &WorkspaceKeys, column: &'static str, id: VerificationPageId) -> Aad {
    Aad { workspace: keys.workspace(), table: "verification_page", column, row: id.uuid().into_bytes() }
}

fn settings_of(row: &VerificationPageRow) -> Result<PageSettings> {
    serde_json::from_str(&row.settings)
        .map_err(|error| Error::internal(format!("a verification page's settings cannot be read: {error}")))
}

impl App {
    fn page_view(&self, keys: &WorkspaceKeys, row: &VerificationPageRow) -> Result<VerificationPageView> {
        let token = keys.open_content(&place(keys, "token", row.id), &row.token).map_err(failed)?;
        let token = String::from_utf8(token).map_err(Error::internal)?;
        Ok(VerificationPageView {
            id: row.id,
            mode: row.mode,
            channel_id: row.channel,
            name: row.name.clone(),
            settings: settings_of(row)?,
            url: format!("{}/verify/{token}", self.0.config.public_url),
            created_at: row.created_at,
        })
    }

    /// Makes a page.
    ///
    /// Errors: `channel_required`, `not_found`, `test_mode_only`, `verification_page_limit_reached`.
    pub async fn verification_page_create(
        &self,
        grant: &Grant<permission::VerificationPageManage>,
        create: VerificationPageCreate,
        idempotent: Option<Idempotent<VerificationPageView>>,
    ) -> Result<Outcome<VerificationPageView>> {
        if !grant.sees(create.mode) {
            return Err(Error::of(Code::TestModeOnly));
        }
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let reachable = self.channels_reachable(scope, Some(create.mode), bound).await?;
        let channel = choose_channel(reachable, create.channel)?;
        let now = self.now();
        let id = VerificationPageId::new(now, self.entropy());
        let token = random_token(TOKEN_PREFIX, self.entropy());
        let sealed = keys.seal(&place(&keys, "token", id), token.expose().as_bytes()).map_err(failed)?;
        let row = VerificationPageRow {
            id,
            mode: create.mode,
            channel: channel.id,
            name: create.name,
            settings: serde_json::to_string(&create.settings).map_err(Error::internal)?,
            digest: sha256(token.expose().as_bytes()),
            token: sealed.into_vec(),
            created_at: now,
        };
        let view = self.page_view(&keys, &row)?;
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &view)?;
        let returns: Vec<&str> =
            create.settings.return_urls.iter().map(|url| url.origin().as_str()).collect();
        let frames: Vec<&str> = create.settings.frame_ancestors.iter().map(Origin::as_str).collect();
        let audit = self
            .audit(grant, Action::VerificationPageCreated, ("verification_page", id.to_string()), vec![])
            .made("mode", row.mode.as_str())
            .made("channel", row.channel.to_string())
            .made("return_origins", returns.join(" "))
            .made("frame_ancestors", frames.join(" "));
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
                let there = tx.verification_page_list_to_add().await?;
                if there.iter().filter(|page| page.mode == row.mode).count() >= PAGES_MAX {
                    let detail = format!("a workspace has at most {PAGES_MAX} {} pages", row.mode.as_str());
                    return Err(Error::new(Code::VerificationPageLimitReached, detail));
                }
                tx.verification_page_insert(&row).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(view)),
        }
    }

    /// Newest first.
    pub async fn verification_page_list(
        &self,
        grant: &Grant<permission::VerificationPageRead>,
        query: PageQuery,
    ) -> Result<Page<VerificationPageView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, _) = query.bounds()?;
        let rows = self.0.store.read(scope, async move |tx| tx.verification_page_list().await).await?;
        let rows = rows.into_iter().filter(|row| visible(grant, row) && row.id.uuid() < before).collect();
        let keys = self.0.sealing.keys(scope).await?;
        query.page(rows, |row| row.id.uuid(), |row| self.page_view(&keys, &row))
    }

    /// Errors: `not_found`.
    pub async fn verification_page_get(
        &self,
        grant: &Grant<permission::VerificationPageRead>,
        id: VerificationPageId,
    ) -> Result<VerificationPageView> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.verification_page_get(id).await).await?;
        let row = row.filter(|row| visible(grant, row)).ok_or_else(|| Error::of(Code::NotFound))?;
        self.page_view(self.0.sealing.keys(scope).await?.as_ref(), &row)
    }

    /// Removes a page: its address leads nowhere from the next request on.
    ///
    /// Errors: `not_found`.
    pub async fn verification_page_delete(
        &self,
        grant: &Grant<permission::VerificationPageManage>,
        id: VerificationPageId,
    ) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let seer = grant.clone();
        let audit =
            self.audit(grant, Action::VerificationPageDeleted, ("verification_page", id.to_string()), vec![]);
        self.0
            .store
            .write(scope, async move |tx| {
                let row = tx.verification_page_get(id).await?.filter(|row| visible(&seer, row));
                let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                tx.verification_page_delete(&row).await?;
                tx.commit(audit.clone().was("name", row.name), ())
            })
            .await
    }
}

fn visible<P>(grant: &Grant<P>, row: &VerificationPageRow) -> bool {
    grant.sees(row.mode) && grant.reaches(row.channel)
}

/// The workspace that keys are of.
fn workspace_of(keys: &WorkspaceKeys) -> WorkspaceId {
    WorkspaceId::from_uuid(keys.workspace())
}

#[cfg(test)]
mod tests {
    use gatepost_vault::SystemEntropy;

    use super::*;

    #[test]
    fn addresses_are_told_from_links_in_mails() {
        assert!(is_page_token(random_token(TOKEN_PREFIX, &SystemEntropy).expose()));
        let link = random_token("", &SystemEntropy);
        assert!(!is_page_token(link.expose()) && !is_page_token("") && !is_page_token("vp_"));
    }
}
