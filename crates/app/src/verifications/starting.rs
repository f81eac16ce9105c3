//! Beginning a verification.

use std::sync::Arc;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::job::JobKind;
use gatepost_core::verification::{Flow, RESEND_AFTER, Standing};
use gatepost_core::{ChannelId, Phone, Result, Timestamp, VerificationId};
use gatepost_store::{ChannelRow, NewJob, TemplateRow, VerificationRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::fraud::{self, FraudAsk, client_index};
use super::news::{Step, tell};
use super::sending::{Ready, Sending, VerificationStart};
use super::view::{VerificationView, view};
use super::wording::{Wish, offers};
use super::{Details, Opened, expire_job_id, seal};
use crate::App;
use crate::accepting::channel_for;
use crate::guard::RefusedVerification;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::messages::{StoredParty, choose_channel};

impl App {
    /// Begins a verification: when this returns the code is on its way as a message of the workspace's.
    ///
    /// Verifications are in their own log, which tells as much of them as the audit log would, and owe no audit entry.
    ///
    /// Errors: those of a send, `verification_template_required`, and those of the rules against fraud.
    pub async fn verification_start(
        &self,
        grant: &Grant<permission::VerificationStart>,
        to: Phone,
        start: VerificationStart,
        idempotent: Option<Idempotent<VerificationView>>,
    ) -> Result<Outcome<VerificationView>> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (now, mode) = (self.now(), grant.mode());
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let mut defaults = self.verification_defaults(scope).await?;
        if let Some(text) = start.text_otherwise.clone() {
            defaults.text = text;
        }
        let reachable = self.channels_reachable(scope, mode, bound.clone()).await?;
        let channel = choose_channel(reachable, start.channel)?;
        let offers = self.code_offers(scope, &channel).await?;
        let id = VerificationId::new(now, self.entropy());
        let actor = grant.actor().to_string();
        let wish = Wish {
            template: start.template.clone(),
            text: start.text.clone(),
            locale: start.locale.clone(),
            app_name: start.app_name.clone(),
            ttl: start.ttl,
        };
        let length = start.code_length.unwrap_or(defaults.code_length);
        let ready = Sending {
            keys: &keys,
            entropy: self.entropy(),
            channel: &channel,
            offers: &offers,
            defaults: &defaults,
            wish: &wish,
            verification: id,
            generation: 1,
            length,
            to: &to,
            actor: actor.clone(),
            now,
        }
        .prepare()?;
        let details = Details {
            app_name: start.app_name,
            locale: start.locale.map(|locale| locale.as_str().to_owned()),
            intent: start.intent,
            client_ip: start.client_ip.map(|address| address.to_string()),
            metadata: start.metadata,
            template: start.template.map(|name| name.as_str().to_owned()),
            text: start.text.map(|text| text.as_str().to_owned()),
            ttl: start.ttl.map(|ttl| ttl.as_secs()),
        };
        let country = fraud::country_of(&to);
        let party = StoredParty { phone: Some(to.as_e164().to_owned()), bsuid: None, name: None };
        let max_tries = start.max_tries.unwrap_or(defaults.max_tries);
        let row = VerificationRow {
            id,
            mode: channel.mode,
            channel: channel.id,
            flow: Flow::Outbound,
            standing: Standing::begin(now, ready.ttl, max_tries, RESEND_AFTER),
            person: Some(ready.person.to_vec()),
            party: Some(seal(&keys, "party", id, &party)?),
            details: Some(seal(&keys, "details", id, &details)?),
            code_digest: Some(ready.digest.to_vec()),
            code_length: length,
            ttl: ready.ttl,
            message: Some(ready.acceptance.draft.id),
            template: ready.template.clone(),
            country: country.map(str::to_owned),
            reason: None,
            created_at: now,
            sent_at: None,
            delivered_at: None,
            ended_at: None,
        };
        let client_ip = details.client_ip.as_deref().and_then(|ip| client_index(&keys, ip));
        let ask = FraudAsk {
            mode: channel.mode,
            flow: Flow::Outbound,
            person: Some(ready.person),
            phone: Some(to),
            country,
            client_ip,
            now,
        };
        let draft = view(&keys, &row, true, now)?;
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &draft)?;
        let asked = ready.acceptance.asked.clone();
        let counted = RefusedVerification { flow: row.flow, country, template: ready.template.clone() };
        let beginning = Beginning {
            app: self.clone(),
            keys: Arc::clone(&keys),
            prepared: prepared.clone(),
            render: idempotent.as_ref().map(|given| given.render),
            mode,
            bound,
            ready,
            row,
            ask,
        };
        let written = self
            .0
            .store
            .write(scope, async move |tx| {
                let begun = beginning.write(tx, now).await?;
                tx.commit(Audit::None("verifications are in their own log"), begun)
            })
            .await;
        match written {
            Ok(Begun::Fresh(view)) => Ok(Outcome::Fresh(*view)),
            Ok(Begun::Replayed(first)) => match prepared {
                Some(prepared) => prepared.open(&keys, &first),
                None => Ok(Outcome::Fresh(draft)),
            },
            Err(error) => {
                self.verification_refused(scope, &keys, &asked, counted, &error, actor).await;
                Err(error)
            }
        }
    }

    /// The templates that codes could be sent in by a channel.
    pub(super) async fn code_offers(
        &self,
        scope: WorkspaceScope,
        channel: &ChannelRow,
    ) -> Result<Vec<TemplateRow>> {
        let channel = channel.clone();
        self.0.store.read(scope, async move |tx| offers(tx, &channel).await).await
    }
}

/// What became of a beginning in its transaction.
enum Begun {
    Fresh(Box<VerificationView>),
    /// The sealed first answer.
    Replayed(Vec<u8>),
}

/// A verification about to begin: sealed, and nothing decided yet.
struct Beginning {
    app: App,
    keys: Arc<WorkspaceKeys>,
    prepared: Option<Prepared>,
    render: Option<fn(&VerificationView) -> Vec<u8>>,
    mode: Option<Mode>,
    bound: Option<Vec<ChannelId>>,
    ready: Ready,
    row: VerificationRow,
    ask: FraudAsk,
}

impl Beginning {
    /// Decides, and writes everything down.
    async fn write(&self, tx: &WorkspaceTx<'_>, now: Timestamp) -> Result<Begun> {
        if let Some(prepared) = &self.prepared
            && let Some(first) = prepared.record(tx, now).await?
        {
            return Ok(Begun::Replayed(first));
        }
        let channel = channel_for(tx, self.row.channel, self.mode, self.bound.as_deref()).await?;
        let admitted = fraud::admit(&self.app, tx, &self.keys, &self.ask).await?;
        self.app.message_accept(tx, &self.keys, &channel, &self.ready.acceptance).await?;
        let mut row = self.row.clone();
        row.standing.resend_after = now.plus(admitted.resend_after);
        tx.verification_insert(&row).await?;
        tx.job_insert(&NewJob {
            id: expire_job_id(row.id),
            kind: JobKind::VerificationExpire,
            lane: self.keys.workspace(),
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: row.standing.expires_at,
            subject: row.id.uuid(),
        })
        .await?;
        let opened = Opened::of(&self.keys, &row)?;
        tell(tx, &self.keys, self.app.entropy(), &row, &opened, Step::Created, now).await?;
        let view = view(&self.keys, &row, true, now)?;
        // The answer that is kept was written before the next code's time was known.
        if let (Some(prepared), Some(render), true) =
            (&self.prepared, self.render, row.standing != self.row.standing)
        {
            tx.idempotency_replace(&prepared.id, &prepared.sealed(&self.keys, &render(&view))?).await?;
        }
        Ok(Begun::Fresh(Box::new(view)))
    }
}
