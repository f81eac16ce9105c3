//! Sending a verification again, with another code.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::content::{LanguageCode, TemplateName};
use gatepost_core::verification::{CodeText, Flow, ResendRefused};
use gatepost_core::{ChannelId, Code, Error, Phone, Result, Timestamp, VerificationId};
use gatepost_store::{VerificationRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::cancelling::over;
use super::fraud::{self, FraudAsk, client_index};
use super::sending::{Ready, Sending};
use super::view::{VerificationView, view};
use super::wording::Wish;
use super::{Details, Opened, stats};
use crate::App;
use crate::accepting::channel_for;

/// Why no other code is sent, for the caller.
fn refused(why: ResendRefused) -> Error {
    match why {
        ResendRefused::Over(state) => over(state),
        ResendRefused::TooSoon(wait) => Error::of(Code::ResendTooSoon).with_retry_after(wait),
        ResendRefused::Spent => Error::of(Code::ResendLimitReached),
    }
}

/// What was asked for when the verification began; it was valid then.
fn wish_of(details: &Details) -> Result<Wish> {
    let template = details.template.clone().map(TemplateName::parse).transpose();
    let text = details.text.clone().map(CodeText::parse).transpose();
    let locale = details.locale.clone().map(LanguageCode::parse).transpose();
    Ok(Wish {
        template: template.map_err(Error::internal)?,
        text: text.map_err(Error::internal)?,
        locale: locale.map_err(Error::internal)?,
        app_name: details.app_name.clone(),
        ttl: details.ttl.map(Duration::from_secs),
    })
}

/// Another code of a verification, sealed, and nothing decided yet.
struct Again {
    app: App,
    keys: Arc<WorkspaceKeys>,
    seen: VerificationRow,
    mode: Option<Mode>,
    bound: Option<Vec<ChannelId>>,
    ready: Ready,
    ask: FraudAsk,
}

impl Again {
    /// Decides, and writes everything down: from the commit on the code before is good for nothing.
    async fn write(&self, tx: &WorkspaceTx<'_>, now: Timestamp) -> Result<VerificationRow> {
        let row = self.app.verification_hold(tx, self.seen.id).await?;
        let mut row = row.ok_or_else(|| Error::of(Code::NotFound))?;
        let next = row.standing.resend(now, self.ready.ttl, Duration::ZERO).map_err(refused)?;
        // Somebody was faster; their code is the good one.
        if row.standing.generation != self.seen.standing.generation {
            return Err(Error::of(Code::Conflict));
        }
        let channel = channel_for(tx, row.channel, self.mode, self.bound.as_deref()).await?;
        let admitted = fraud::admit(&self.app, tx, &self.keys, &self.ask).await?;
        self.app.code_withdraw(tx, &self.keys, &row, now).await?;
        self.app.message_accept(tx, &self.keys, &channel, &self.ready.acceptance).await?;
        row.standing = next;
        row.standing.resend_after = now.plus(admitted.resend_after);
        row.code_digest = Some(self.ready.digest.to_vec());
        row.message = Some(self.ready.acceptance.draft.id);
        let before = std::mem::replace(&mut row.template, self.ready.template.clone());
        (row.sent_at, row.delivered_at) = (None, None);
        tx.verification_update(&row).await?;
        stats::moved(tx, &row, before.as_deref()).await?;
        Ok(row)
    }
}

impl App {
    /// Sends another code, which takes the place of the one before. Tries stay counted; the time begins anew.
    ///
    /// Errors: `not_found`, `verification_not_pending`, `resend_too_soon`, `resend_limit_reached`, and those of
    /// [`Self::verification_start`].
    pub async fn verification_resend(
        &self,
        grant: &Grant<permission::VerificationStart>,
        id: VerificationId,
    ) -> Result<VerificationView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (now, mode) = (self.now(), grant.mode());
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let Some(row) = tx.verification_get(id).await? else { return Ok(None) };
                Ok(tx.channel_get(row.channel).await?.map(|channel| (row, channel)))
            })
            .await?;
        let (seen, channel) = found
            .filter(|(row, _)| grant.sees(row.mode) && grant.reaches(row.channel))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        if seen.flow == Flow::Inbound {
            return Err(Error::of(Code::VerificationInbound));
        }
        // Told before anything else of it is looked at; decided under the lock.
        seen.standing.resend(now, seen.ttl, Duration::ZERO).map_err(refused)?;
        let opened = Opened::of(&keys, &seen)?;
        let to = opened.phone().and_then(|phone| Phone::parse(phone).ok());
        let to = to.ok_or_else(|| Error::internal("a verification that waits has no number"))?;
        let defaults = self.verification_defaults(scope).await?;
        let offers = self.code_offers(scope, &channel).await?;
        let actor = grant.actor().to_string();
        let wish = wish_of(&opened.details)?;
        let ready = Sending {
            keys: &keys,
            entropy: self.entropy(),
            channel: &channel,
            offers: &offers,
            defaults: &defaults,
            wish: &wish,
            verification: id,
            generation: seen.standing.generation + 1,
            length: seen.code_length,
            to: &to,
            actor: actor.clone(),
            now,
        }
        .prepare()?;
        let ask = FraudAsk {
            mode: seen.mode,
            flow: seen.flow,
            person: Some(ready.person),
            country: fraud::country_of(&to),
            phone: Some(to),
            client_ip: opened.details.client_ip.as_deref().and_then(|ip| client_index(&keys, ip)),
            now,
        };
        let asked = ready.acceptance.asked.clone();
        let again = Again {
            app: self.clone(),
            keys: Arc::clone(&keys),
            seen,
            mode,
            bound: grant.channels().map(<[ChannelId]>::to_vec),
            ready,
            ask,
        };
        let written = self
            .0
            .store
            .write(scope, async move |tx| {
                let row = again.write(tx, now).await?;
                tx.commit(Audit::None("verifications are in their own log"), row)
            })
            .await;
        match written {
            Ok(row) => view(&keys, &row, true, now),
            Err(error) => {
                self.policy_refused(scope, &keys, &asked, &error, actor).await;
                Err(error)
            }
        }
    }
}
