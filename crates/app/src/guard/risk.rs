//! The risk rules around a send: what its words show is found before the transaction, what its channel did is read and
//! counted in it.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::audit::AuditEntry;
use gatepost_core::channel::Mode;
use gatepost_core::content::Content;
use gatepost_core::guard::PauseScope;
use gatepost_core::guard::risk::{
    Acquaintance, Action, Assessment, Counters, Facts, Features, OwnNames, Quality, RuleId, Tuning, Words,
    assess, sameness,
};
use gatepost_core::{ChannelId, Result, Timestamp, WorkspaceId};
use gatepost_store::{ChannelRow, Conversation, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use moka::sync::Cache;
use serde_json::{Value, json};

use crate::App;

/// How long a changed name of a workspace or channel may go unnoticed.
const NAMES_KEPT: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// Meta's service window.
const WINDOW: Duration = Duration::from_hours(24);

/// What the words of a message show.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown {
    pub features: Features,
    /// The beginning of a keyed digest of what stays the same when a text goes to many.
    pub digest: Option<[u8; 8]>,
}

/// The names of workspaces that were looked up before.
#[derive(Clone)]
pub(crate) struct KnownNames(Cache<WorkspaceId, Arc<OwnNames>>);

impl Default for KnownNames {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(10_000).time_to_live(NAMES_KEPT).build())
    }
}

impl App {
    /// Looks at the words of a message.
    pub(crate) async fn risk_shown(
        &self,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        content: &Content,
    ) -> Result<Shown> {
        let (texts, urls) = content.pieces();
        if texts.is_empty() && urls.is_empty() {
            return Ok(Shown::default());
        }
        let own = self.own_names(scope).await?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
        let features = Features::of(Words { texts: &texts, urls: &urls }, &own);
        let digest = sameness(&texts).map(|same| {
            let index = keys.blind_index("risk.text", same.as_bytes());
            let mut digest = [0; 8];
            digest.copy_from_slice(&index[..8]);
            digest
        });
        Ok(Shown { features, digest })
    }

    /// What people know a workspace by.
    async fn own_names(&self, scope: WorkspaceScope) -> Result<Arc<OwnNames>> {
        let workspace = scope.workspace();
        if let Some(known) = self.0.names.0.get(&workspace) {
            return Ok(known);
        }
        let (rules, channels) = self
            .0
            .store
            .read(scope, async move |tx| Ok((tx.workspace_rules().await?, tx.channel_list().await?)))
            .await?;
        let mut names = vec![rules.name];
        for channel in channels {
            names.push(channel.name);
            names.extend(channel.verified_name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let own = Arc::new(OwnNames::new(&names, &[]));
        self.0.names.0.insert(workspace, Arc::clone(&own));
        Ok(own)
    }
}

/// Asks the rules about a message, and counts it. On test channels nobody is written to, so only its words are judged.
pub(super) async fn risk_judge(
    tx: &WorkspaceTx<'_>,
    tuning: &Tuning,
    channel: &ChannelRow,
    shown: &Shown,
    reviewed: bool,
    before: &Conversation,
    now: Timestamp,
) -> Result<Assessment> {
    let acquaintance = match (before.last_inbound_at, before.first_sent_at) {
        (Some(heard), _) if now.since(heard) < WINDOW => Acquaintance::Open,
        (None, None) => Acquaintance::New,
        _ => Acquaintance::Known,
    };
    let days = now.since(channel.created_at).as_secs() / DAY.as_secs();
    let facts = Facts {
        acquaintance,
        reviewed,
        quality: channel.quality_rating.as_deref().map(Quality::parse).unwrap_or_default(),
        channel_days: u32::try_from(days).unwrap_or(u32::MAX),
        test_channel: channel.mode == Mode::Test,
        digest: shown.digest,
    };
    if channel.mode == Mode::Test {
        return Ok(assess(&shown.features, &Counters::new(now), &facts, tuning, now));
    }
    let mut counters = remembered(tx.risk_hold(channel.id).await?, channel.id, now);
    let assessment = assess(&shown.features, &counters, &facts, tuning, now);
    // What is refused is undone with its transaction, counters too.
    counters.sent(&facts, &shown.features, now);
    tx.risk_set(channel.id, &counters.encode()).await?;
    Ok(assessment)
}

/// What a row holds. One that cannot be read tells nothing: it is begun anew, and said.
fn remembered(row: Option<Vec<u8>>, channel: ChannelId, now: Timestamp) -> Counters {
    let Some(bytes) = row else { return Counters::new(now) };
    Counters::decode(&bytes).unwrap_or_else(|error| {
        tracing::error!(%channel, ?error, "the risk counters of a channel cannot be read; they begin anew");
        Counters::new(now)
    })
}

/// The rules that spoke with their numbers, the gravest first.
pub(super) fn hits(assessment: &Assessment) -> Vec<Value> {
    let mut hits = assessment.hits.clone();
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits.iter().map(|hit| json!(hit)).collect()
}

/// Their names.
pub(super) fn names(assessment: &Assessment) -> Vec<&'static str> {
    let mut hits = assessment.hits.clone();
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits.iter().map(|hit| hit.rule.rule().name).collect()
}

/// Whether an assessment stops a message.
pub(super) fn stops(assessment: &Assessment) -> bool {
    assessment.action == Action::Block
}

impl App {
    /// Counts what Meta refused on a channel; a channel that Meta restricts again and again is paused by itself. The
    /// entry that a pause owes is returned.
    pub(crate) async fn risk_failed(
        &self,
        tx: &WorkspaceTx<'_>,
        channel: ChannelId,
        codes: &[i64],
        now: Timestamp,
    ) -> Result<Option<AuditEntry>> {
        if codes.is_empty() {
            return Ok(None);
        }
        let mut counters = remembered(tx.risk_hold(channel).await?, channel, now);
        for code in codes {
            counters.failed(*code, now);
        }
        tx.risk_set(channel, &counters.encode()).await?;
        let restricted = counters.restricted_in_day();
        if restricted == 0 {
            return Ok(None);
        }
        let plan = tx.entitled(self.default_plan().as_deref()).await?.plan.unwrap_or_default();
        let most = plan.risk.rule(RuleId::SpamRestrictions);
        if !most.enabled || restricted < most.block_at {
            return Ok(None);
        }
        self.pause_by_rule(tx, PauseScope::Channel(channel), RuleId::SpamRestrictions.as_str()).await
    }
}
