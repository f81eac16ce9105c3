//! What the guard would say of a message: decided as for a send, and undone.

use std::sync::{Arc, Mutex, PoisonError};

use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::ChannelState;
use gatepost_core::{ChannelId, Code, Error, Result, Timestamp};
use gatepost_store::WorkspaceScope;
use serde_json::Value;

use super::judging::{Asked, Judgement, judge};
use crate::App;
use crate::messages::{MessageSend, choose_channel, contact_index};
use crate::reading::{not_ready, reply_known};

/// What would become of a message.
#[derive(Debug, Clone)]
pub struct Explained {
    pub channel: ChannelId,
    /// `allow`, `hold` or `block`.
    pub action: &'static str,
    /// Why it would be refused.
    pub refusal: Option<Error>,
    /// It would wait until then.
    pub not_before: Option<Timestamp>,
    pub risk_score: u8,
    /// The rules that spoke, the gravest first.
    pub rules: Vec<Value>,
}

impl App {
    /// What the guard would say of a message, spending nothing and leaving no trace.
    ///
    /// Errors: those of a send that are none of the guard's.
    pub async fn message_explain(
        &self,
        grant: &Grant<permission::MessageSend>,
        send: MessageSend,
    ) -> Result<Explained> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let reachable = self.channels_reachable(scope, grant.mode(), bound).await?;
        let channel = choose_channel(reachable, send.channel)?;
        if channel.state != ChannelState::Active {
            return Err(not_ready(channel.state));
        }
        let resolved = match self.reaction_resolve(scope, &keys, channel.id, &send.content).await? {
            Ok(None) => self.media_resolve(scope, &keys, channel.id, &send.content).await?,
            reaction => reaction,
        };
        let content = resolved?.unwrap_or(send.content);
        let person = contact_index(&keys, &send.to);
        let shown = self.risk_shown(scope, &keys, &content).await?;
        let asked = Asked::of(&content, send.purpose, channel.id, channel.mode, person, shown);
        let asked = asked.living(&send.to);
        let row = channel.clone();
        let (reply_to, on) = (send.reply_to, channel.id);
        let (app, now) = (self.clone(), self.now());
        let told: Arc<Mutex<Option<Result<Judgement>>>> = Arc::default();
        let telling = Arc::clone(&told);
        let undone = self
            .0
            .store
            .write::<(), _>(scope, async move |tx| {
                let judged = match reply_known(tx, reply_to, on).await {
                    Ok(()) => judge(tx, &app.0.config.guard, &app.0.texts, &row, &asked, now).await,
                    Err(unknown) => Err(unknown),
                };
                *telling.lock().unwrap_or_else(PoisonError::into_inner) = Some(judged);
                // Never committed: what was counted is given back with the transaction.
                Err(Error::of(Code::Conflict))
            })
            .await;
        let judged = told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let explained = |action| Explained {
            channel: channel.id,
            action,
            refusal: None,
            not_before: None,
            risk_score: 0,
            rules: Vec::new(),
        };
        match (judged, undone) {
            (Some(Ok(judgement)), _) => {
                let action = if judgement.hold.is_some() { "hold" } else { "allow" };
                Ok(Explained {
                    not_before: judgement.not_before,
                    risk_score: judgement.score,
                    rules: judgement.rules,
                    ..explained(action)
                })
            }
            (Some(Err(error)), _) if error.code().is_policy() => {
                let details = error.details().cloned().unwrap_or_default();
                Ok(Explained {
                    risk_score: details["risk_score"]
                        .as_u64()
                        .and_then(|s| u8::try_from(s).ok())
                        .unwrap_or(0),
                    rules: details["rules"].as_array().cloned().unwrap_or_default(),
                    refusal: Some(error),
                    ..explained("block")
                })
            }
            (Some(Err(error)), _) | (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(Error::internal("a trial of a message was committed")),
        }
    }
}
