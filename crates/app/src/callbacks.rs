//! Meta's callbacks, up to the moment they are safe: verified, cut to workspaces, sealed, answered.
//!
//! Threat note. Defends against: callbacks that nobody signed (the signature is verified over the raw bytes before any
//! parse; an app without a secret receives nothing), one app speaking for another's numbers (routes are looked up under
//! the signing app only), floods of the same news (items are deduplicated where they are processed).
//! Does not defend against: whoever holds the app secret.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::join_all;
use gatepost_channels::graph::{Part, envelope, split};
use gatepost_core::audit::Audit;
use gatepost_core::job::JobKind;
use gatepost_core::{Code, EnvelopeId, Error, JobId, MetaAppId, Result, WorkspaceId};
use gatepost_store::{CallbackRoute, EnvelopeRow, NewJob, WorkspaceScope};
use gatepost_vault::{Aad, constant_time_eq, sha256};

use crate::App;
use crate::sealing::failed;

/// A callback body whose signature was verified. Only [`App::callback_verify`] makes one.
pub struct VerifiedCallback {
    app: MetaAppId,
    body: Bytes,
}

pub(crate) fn place(workspace: WorkspaceId, id: EnvelopeId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "envelope", column: "body", row: id.uuid().into_bytes() }
}

/// What a phone number id is looked up by: a digest, since routes lie in a platform table.
pub(crate) fn phone_identity(phone_number_id: &str) -> Vec<u8> {
    sha256(format!("phone_number_id\0{phone_number_id}").as_bytes())[..16].to_vec()
}

/// What a WABA id is looked up by.
pub(crate) fn waba_identity(waba_id: &str) -> Vec<u8> {
    sha256(format!("waba_id\0{waba_id}").as_bytes())[..16].to_vec()
}

/// The digests a part could be routed by, the most exact first.
fn identities(part: &Part<'_>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    if let Some(phone) = &part.phone_number_id {
        found.push(phone_identity(phone));
    } else if let Some(waba) = &part.waba_id {
        found.push(waba_identity(waba));
        let named = (part.field == "account_update").then(|| part.account_named()).flatten();
        found.extend(named.filter(|named| named != waba).map(|named| waba_identity(&named)));
    }
    found
}

impl App {
    /// Meta's handshake (`GET` with `hub.mode=subscribe`): the challenge, if the verify token is right.
    pub async fn callback_handshake(
        &self,
        app: MetaAppId,
        verify_token: &str,
        challenge: &str,
    ) -> Result<String> {
        let found = self.callback_app(app).await?.ok_or_else(|| Error::of(Code::NotFound))?;
        if constant_time_eq(&sha256(verify_token.as_bytes()), &found.verify_digest) {
            Ok(challenge.to_owned())
        } else {
            Err(Error::of(Code::VerifyTokenInvalid))
        }
    }

    /// Verifies `X-Hub-Signature-256` over the raw bytes.
    pub async fn callback_verify(
        &self,
        app: MetaAppId,
        body: Bytes,
        signature: Option<&str>,
    ) -> Result<VerifiedCallback> {
        let found = self.callback_app(app).await?.ok_or_else(|| Error::of(Code::NotFound))?;
        if signature.is_some_and(|header| found.secret.verify(&body, header)) {
            return Ok(VerifiedCallback { app, body });
        }
        metrics::counter!("gatepost_callbacks_total", "result" => "signature_invalid").increment(1);
        tracing::warn!(%app, signed = signature.is_some(), "a callback with a missing or wrong signature was refused");
        Err(Error::of(Code::SignatureInvalid))
    }

    /// Makes a verified callback durable: one sealed envelope per workspace and the jobs that will read them, in one
    /// transaction. What belongs to no channel of the app is kept under the platform's key, counted and alarmed.
    pub async fn callback_accept(&self, callback: VerifiedCallback) -> Result<()> {
        let VerifiedCallback { app, body } = callback;
        if crate::well_formed::is_too_deep(&body) {
            metrics::counter!("gatepost_callbacks_total", "result" => "too_deep").increment(1);
            return Err(Error::new(Code::InvalidJson, "the body is nested too deep"));
        }
        let parts = split(&body).map_err(|error| {
            metrics::counter!("gatepost_callbacks_total", "result" => "not_json").increment(1);
            Error::new(Code::InvalidJson, error.to_string())
        })?;
        let wanted: Vec<Vec<Vec<u8>>> = parts.iter().map(identities).collect();
        let mut distinct: Vec<Vec<u8>> = wanted.iter().flatten().cloned().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let lookups = distinct.clone();
        let routes: Vec<Vec<CallbackRoute>> = self
            .0
            .store
            .read_system(async move |tx| {
                // All are on the wire before the first is answered: a batch may name thousands of numbers.
                let found = join_all(lookups.iter().map(|identity| tx.callback_routes(app, identity))).await;
                found.into_iter().collect()
            })
            .await?;
        let mut by_workspace: BTreeMap<WorkspaceId, (WorkspaceScope, Vec<&Part<'_>>)> = BTreeMap::new();
        let mut orphans: Vec<&Part<'_>> = Vec::new();
        for (part, identities) in parts.iter().zip(&wanted) {
            let mut scopes: Vec<WorkspaceScope> = Vec::new();
            for identity in identities {
                let at = distinct.binary_search(identity).unwrap_or(usize::MAX);
                for route in routes.get(at).into_iter().flatten() {
                    if !scopes.contains(&route.scope) {
                        scopes.push(route.scope);
                    }
                }
            }
            if scopes.is_empty() {
                orphans.push(part);
            }
            for scope in scopes {
                by_workspace.entry(scope.workspace()).or_insert_with(|| (scope, Vec::new())).1.push(part);
            }
        }
        if !orphans.is_empty() {
            let count = u64::try_from(orphans.len()).unwrap_or(u64::MAX);
            metrics::counter!("gatepost_callback_orphans_total").increment(count);
            tracing::error!(%app, count, "parts of a signed callback belong to no channel of this app; they are kept");
        }
        let mut rows = Vec::new();
        for (scope, parts) in by_workspace.into_values() {
            rows.push(self.envelope_row(scope, app, &envelope(parts), true).await?);
        }
        if !orphans.is_empty() {
            rows.push(self.envelope_row(WorkspaceScope::platform(), app, &envelope(orphans), false).await?);
        }
        self.0
            .store
            .write_system(async move |tx| {
                for (scope, row, job) in &rows {
                    tx.envelope_insert(*scope, row, job.as_ref()).await?;
                }
                tx.commit(Audit::None("callbacks are in the event log"), ())
            })
            .await?;
        metrics::counter!("gatepost_callbacks_total", "result" => "accepted").increment(1);
        Ok(())
    }

    async fn envelope_row(
        &self,
        scope: WorkspaceScope,
        app: MetaAppId,
        body: &[u8],
        process: bool,
    ) -> Result<(WorkspaceScope, EnvelopeRow, Option<NewJob>)> {
        let now = self.now();
        let entropy = self.0.entropy.as_ref();
        let id = EnvelopeId::new(now, entropy);
        let keys = self.0.sealing.keys(scope).await?;
        let sealed = keys.seal(&place(scope.workspace(), id), body).map_err(failed)?.into_vec();
        let row = EnvelopeRow { id, meta_app: app, body: sealed, received_at: now };
        let job = process.then(|| NewJob {
            id: JobId::new(now, entropy),
            kind: JobKind::EnvelopeProcess,
            lane: scope.workspace().uuid(),
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: now,
            subject: id.uuid(),
        });
        Ok((scope, row, job))
    }
}
