//! An endpoint as its owner sees it: everything but its secrets, and the one next action where something is wrong.

use gatepost_core::channel::Mode;
use gatepost_core::endpoint::{
    ChannelFilter, CustomHeaders, DeliveryOrder, DisabledReason, EndpointState, Metadata, PayloadFormat,
};
use gatepost_core::{ChannelId, EndpointId, Error, Result, Timestamp};
use gatepost_net::UrlPolicy;
use gatepost_store::{EndpointRow, WorkspaceTx};
use gatepost_vault::{WebhookPublicKey, WorkspaceKeys};

use super::{open, seed_of};

/// Dead letters are counted up to this many; whoever has more is told this number.
pub const DEAD_LETTERS_COUNTED: i64 = 10_000;

#[derive(Clone)]
pub struct EndpointView {
    pub id: EndpointId,
    pub mode: Mode,
    pub url: String,
    pub description: String,
    pub events: Vec<String>,
    /// Empty for all.
    pub channels: Vec<ChannelId>,
    /// The names of the headers that its owner added; their values are never shown.
    pub header_names: Vec<String>,
    pub metadata: Metadata,
    pub order: DeliveryOrder,
    pub format: PayloadFormat,
    /// Seconds from one attempt to the next; `None` for the installation's.
    pub retry_schedule: Option<Vec<u32>>,
    /// What `v1a` signatures are verified with; `None` where only HMAC signs.
    pub public_key: Option<WebhookPublicKey>,
    /// Where receivers fetch the keys in use from.
    pub public_key_url: Option<String>,
    pub enabled: bool,
    /// Why and since when nothing goes to it.
    pub disabled: Option<(DisabledReason, Timestamp)>,
    pub state: EndpointState,
    /// Since when no attempt has succeeded.
    pub failing_since: Option<Timestamp>,
    /// Attempts that failed since then.
    pub failures: i64,
    /// Nothing goes out before this, and then one attempt as a probe.
    pub next_probe_at: Option<Timestamp>,
    /// What its owner does next, where something is wrong.
    pub next_action: Option<String>,
    /// Deliveries that ended dead and can be replayed, at most [`DEAD_LETTERS_COUNTED`]; `None` in lists.
    pub dead_letters: Option<i64>,
    pub created_at: Timestamp,
    /// Until when the secret before this one goes on signing.
    pub previous_secret_until: Option<Timestamp>,
}

/// What a view needs besides the row.
#[derive(Clone, Default)]
pub(super) struct Around {
    /// The channels that the workspace has.
    pub channels: Vec<ChannelId>,
    pub dead_letters: Option<i64>,
}

impl Around {
    pub async fn read(tx: &WorkspaceTx<'_>, counted: Option<EndpointId>) -> Result<Self> {
        let channels = tx.channel_list().await?.into_iter().map(|channel| channel.id).collect();
        let dead_letters = match counted {
            Some(id) => Some(tx.dead_letter_count(id, DEAD_LETTERS_COUNTED).await?),
            None => None,
        };
        Ok(Self { channels, dead_letters })
    }
}

pub(super) fn channels_of(row: &EndpointRow) -> Result<ChannelFilter> {
    ChannelFilter::stored(&row.channels)
        .ok_or_else(|| Error::internal("an endpoint's channels cannot be read"))
}

fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// The headers that an endpoint's owner added.
pub(crate) fn headers_of(keys: &WorkspaceKeys, row: &EndpointRow) -> Result<CustomHeaders> {
    let Some(sealed) = &row.headers else { return Ok(CustomHeaders::default()) };
    Ok(CustomHeaders::stored(pairs(&open(keys, "headers", row.id, sealed)?)?))
}

pub(super) fn view(
    keys: &WorkspaceKeys,
    (policy, public_url): (&UrlPolicy, &str),
    row: &EndpointRow,
    around: &Around,
    now: Timestamp,
) -> Result<EndpointView> {
    let url = open(keys, "url", row.id, &row.url)?;
    let metadata = match &row.metadata {
        Some(sealed) => Metadata::stored(pairs(&open(keys, "metadata", row.id, sealed)?)?),
        None => Metadata::default(),
    };
    let public_key = match &row.signing_seed {
        Some(sealed) => {
            Some(seed_of(keys, "signing_seed", row.id, sealed)?.public_key().map_err(Error::internal)?)
        }
        None => None,
    };
    let channels = channels_of(row)?;
    let state = match (row.enabled, row.health.failing_since) {
        (false, _) => EndpointState::Disabled,
        (true, Some(_)) => EndpointState::Failing,
        (true, None) => EndpointState::Healthy,
    };
    Ok(EndpointView {
        id: row.id,
        mode: row.mode,
        description: row.description.clone(),
        events: row.events.split_ascii_whitespace().map(str::to_owned).collect(),
        header_names: headers_of(keys, row)?.names().map(str::to_owned).collect(),
        metadata,
        order: row.order,
        format: row.format,
        retry_schedule: row.retry_schedule.as_ref().map(|schedule| schedule.seconds().to_vec()),
        public_key_url: public_key
            .is_some()
            .then(|| format!("{public_url}/.well-known/gatepost/webhook-keys/{}", row.id)),
        public_key,
        enabled: row.enabled,
        disabled: row.disabled,
        state,
        failing_since: row.health.failing_since,
        failures: row.health.failures,
        next_probe_at: row.health.probe_at.filter(|_| row.enabled),
        next_action: next_action(policy, &url, row, &channels, around),
        dead_letters: around.dead_letters,
        created_at: row.created_at,
        previous_secret_until: row.previous_until.filter(|until| *until > now),
        channels: channels.ids().to_vec(),
        url,
    })
}

/// The one thing to do next; the worst comes first.
fn next_action(
    policy: &UrlPolicy,
    url: &str,
    row: &EndpointRow,
    channels: &ChannelFilter,
    around: &Around,
) -> Option<String> {
    let verdict = policy.check_url(url);
    if !verdict.allow {
        return Some(format!(
            "Give it another URL: this one is refused by the rule {} ({}).",
            verdict.rule, verdict.detail
        ));
    }
    let reason = row.disabled.map(|(reason, _)| reason).filter(|_| !row.enabled);
    let words = match reason {
        Some(DisabledReason::Gone) => {
            "The receiver answered 410 Gone. Give it another URL or bring it back, test the endpoint, enable it, then replay its dead letters."
        }
        Some(DisabledReason::Failing) => {
            "No attempt succeeded. Mend the receiver, test the endpoint, enable it, then replay its dead letters."
        }
        None if row.health.failing_since.is_some() => {
            "Attempts fail: the attempts of its latest deliveries say what the receiver answered."
        }
        None if !channels.is_empty() && !channels.ids().iter().any(|id| around.channels.contains(id)) => {
            "It hears of nothing: every channel that it names was removed. Name others, or none for all."
        }
        Some(DisabledReason::Owner) | None => return None,
    };
    Some(words.to_owned())
}
