//! What a visitor of a verification page does: names a number, gets a code, types it, and goes back.
//!
//! Threat note. Nothing is kept for a visitor here and no cookie is set, since in a frame of another site's page there
//! would be none: how far they came travels with them, sealed for this page under its workspace's key ([`PageVisit`]).
//! Defends against: forms that another site lets somebody's browser send (a first form is good from the address that it
//! was written for, within an hour, and where it comes from is looked at in front of it), a way back to another place (it
//! is chosen from the page's own when the visit begins, and sealed), a verification of another page or workspace (its id is
//! under the seal), a result that is used twice or elsewhere (see [`results`](super::results)).
//! Does not defend against: a site that does not compare `state` with what it gave along, and so takes a stranger's result
//! for its visitor's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatepost_core::access::{Grant, Principal, TokenDigest, permission};
use gatepost_core::content::{LanguageCode, TemplateName};
use gatepost_core::guard::Needs;
use gatepost_core::verification::{PageSettings, ReturnUrl, VerificationCode};
use gatepost_core::{
    ClientAddr, Code, Error, Phone, Result, Timestamp, VerificationId, VerificationPageId, WorkspaceId,
};
use gatepost_vault::{WorkspaceKeys, sha256};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{is_page_token, place, settings_of};
use crate::App;
use crate::idempotency::Outcome;
use crate::limits::neighbourhood;
use crate::sealing::failed;
use crate::verifications::{VerificationStart, VerificationView};

/// How long a visitor may take for everything.
const VISIT_FOR: Duration = Duration::from_hours(1);
/// Longest text that a site may give along, in bytes.
pub(super) const STATE_MAX: usize = 500;

/// A page that somebody opened. No `Debug`: keys are in it.
#[derive(Clone)]
pub struct OpenPage {
    pub id: VerificationPageId,
    pub settings: PageSettings,
    principal: Arc<Principal>,
    keys: Arc<WorkspaceKeys>,
    client: Option<ClientAddr>,
}

/// How far a visitor came. No `Debug`: it holds a person's number.
#[derive(Clone, Serialize, Deserialize)]
pub struct PageVisit {
    /// Where they go back to: one of the page's own.
    pub return_url: ReturnUrl,
    /// What the site gave along, unchanged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    pub language: String,
    /// The verification that was begun.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verification: Option<VerificationId>,
    /// Its number, as the visitor typed it, in E.164.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
    /// From where it began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    address: Option<IpAddr>,
    until: i64,
}

impl PageVisit {
    /// The same visit before a number was named.
    #[must_use]
    pub fn begun_anew(self) -> Self {
        Self { verification: None, phone: None, ..self }
    }
}

impl OpenPage {
    fn address(&self) -> Option<IpAddr> {
        self.client.map(neighbourhood)
    }

    /// A visit that begins, where the site's link names a way back that the page knows.
    ///
    /// Errors: `invalid_parameter`.
    pub fn begin(
        &self,
        return_url: Option<&str>,
        state: Option<String>,
        language: String,
        now: Timestamp,
    ) -> Result<PageVisit> {
        let known = self.settings.return_url(return_url).cloned();
        let return_url = known.ok_or_else(|| {
            let detail = "return_url: expected one of those that the page was made with, letter by letter";
            Error::new(Code::InvalidParameter, detail)
        })?;
        if state.as_ref().is_some_and(|state| state.len() > STATE_MAX) {
            let detail = format!("state: expected at most {STATE_MAX} bytes");
            return Err(Error::new(Code::InvalidParameter, detail));
        }
        Ok(PageVisit {
            return_url,
            state,
            language,
            verification: None,
            phone: None,
            address: self.address(),
            until: now.plus(VISIT_FOR).micros(),
        })
    }

    /// A visit as it travels.
    pub fn seal(&self, visit: &PageVisit) -> Result<String> {
        let plain = serde_json::to_vec(visit).map_err(Error::internal)?;
        let sealed = self.keys.seal(&place(&self.keys, "visit", self.id), &plain).map_err(failed)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed.into_vec()))
    }

    /// A visit that came back; `None` where it is none of this page's, too old, or not whole.
    pub fn open(&self, sealed: &str, now: Timestamp) -> Option<PageVisit> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let plain = self.keys.open_content(&place(&self.keys, "visit", self.id), &bytes).ok()?;
        let visit: PageVisit = serde_json::from_slice(&plain).ok()?;
        // A way back that was taken off the page leads nowhere.
        let known = self.settings.return_url(Some(visit.return_url.as_str())).is_some();
        (known && now.micros() < visit.until).then_some(visit)
    }

    /// Whether the first form of a visit comes from where it was written for.
    pub fn is_from_here(&self, visit: &PageVisit) -> bool {
        visit.address == self.address()
    }

    /// The same visit as one that begins here.
    #[must_use]
    pub fn here(&self, visit: &PageVisit) -> PageVisit {
        PageVisit { address: self.address(), ..visit.clone() }
    }

    pub(super) fn workspace(&self) -> WorkspaceId {
        super::workspace_of(&self.keys)
    }
}

impl App {
    /// A page by the end of its address.
    ///
    /// Errors: `not_found`; `subscription_suspended` where its workspace may not use it now.
    pub async fn verification_page_open(&self, token: &str, client: Option<ClientAddr>) -> Result<OpenPage> {
        if !is_page_token(token) {
            return Err(Error::of(Code::NotFound));
        }
        let digest = TokenDigest::new(sha256(token.as_bytes()));
        let plan = self.default_plan();
        let found = self
            .0
            .store
            .read_system(async move |tx| tx.verification_page_find(&digest, plan.as_deref()).await)
            .await?;
        let (stored, row) = found.ok_or_else(|| Error::of(Code::NotFound))?;
        let principal = Principal::verify_page(&stored, &digest).ok_or_else(|| Error::of(Code::NotFound))?;
        principal.entitled(Needs::default(), self.now())?;
        let principal = Arc::new(principal);
        let grant: Grant<permission::VerificationStart> = principal.grant()?;
        let keys = self.0.sealing.keys((&grant).into()).await?;
        Ok(OpenPage { id: row.id, settings: settings_of(&row)?, principal, keys, client })
    }

    /// Sends a visitor's number a code.
    ///
    /// Errors: those of [`App::verification_start`].
    pub async fn verification_page_start(
        &self,
        page: &OpenPage,
        mut visit: PageVisit,
        phone: Phone,
    ) -> Result<PageVisit> {
        let grant = page.principal.grant()?.called_from(page.client);
        let settings = &page.settings;
        let metadata = json!({ "verification_page_id": page.id, "state": visit.state });
        let template =
            settings.template.clone().map(TemplateName::parse).transpose().map_err(Error::internal)?;
        let start = VerificationStart {
            template,
            app_name: Some(settings.app_name.clone()),
            locale: LanguageCode::parse(visit.language.replace('-', "_")).ok(),
            metadata: Some(serde_json::value::to_raw_value(&metadata).map_err(Error::internal)?),
            client_ip: page.client.map(ClientAddr::ip),
            ..VerificationStart::default()
        };
        visit.phone = Some(phone.as_e164().to_owned());
        match self.verification_start(&grant, phone, start, None).await? {
            Outcome::Fresh(view) => visit.verification = Some(view.id),
            Outcome::Replayed(_) => return Err(Error::internal("an answer given again without a key")),
        }
        Ok(visit)
    }

    /// Sends the visitor another code.
    ///
    /// Errors: those of [`App::verification_resend`].
    pub async fn verification_page_resend(
        &self,
        page: &OpenPage,
        id: VerificationId,
    ) -> Result<VerificationView> {
        let grant = page.principal.grant()?.called_from(page.client);
        self.verification_resend(&grant, id).await
    }

    /// Checks the code that a visitor typed; where it is right, the address that they go back to, with the result.
    ///
    /// Errors: those of [`App::verification_check`].
    pub async fn verification_page_check(
        &self,
        page: &OpenPage,
        visit: &PageVisit,
        code: VerificationCode,
    ) -> Result<String> {
        let id = visit.verification.ok_or_else(|| Error::of(Code::NotFound))?;
        let grant = page.principal.grant()?.called_from(page.client);
        self.verification_check(&grant, id, code).await?;
        let token = self.verification_result(page, visit, id).await?;
        let id = id.to_string();
        let mut parameters = vec![("verification_id", id.as_str()), ("result", token.expose().as_str())];
        if let Some(state) = &visit.state {
            parameters.push(("state", state));
        }
        Ok(visit.return_url.with(&parameters))
    }
}
