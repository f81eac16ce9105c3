//! The decision about one message, in the transaction that accepts it.
//!
//! Threat note. Defends against: more messages than a plan allows however they are interleaved (a unit is taken in the
//! same transaction, and undone with it), an essential purpose as a way around a suppression (`authentication` needs a
//! template that Meta files as AUTHENTICATION, or a verification), a marketing template under another purpose.
//! Does not defend against: a sender who lies about a purpose in free words; see the risk rules.

use std::time::Duration;

use gatepost_core::channel::Mode;
use gatepost_core::content::{Content, ContentKind};
use gatepost_core::guard::risk::Action;
use gatepost_core::guard::{Day, Feature};
use gatepost_core::{ChannelId, Code, Error, FieldError, Purpose, Recipient, Result, Timestamp};
use gatepost_store::{ChannelRow, Conversation, Counted, GuardAsk, UsagePeriod, WorkspaceTx};
use serde_json::{Value, json};

use super::quiet::{Quiet, in_order, zones};
use super::risk::{self, Shown};
use super::usage::{Reached, over_at, reached};
use super::{GuardConfig, Rules, Texts};

/// Meta's service window, and how much later we are sure that it is over: clocks differ, and a callback may be on its way.
const WINDOW: Duration = Duration::from_hours(24);
const WINDOW_SLACK: Duration = Duration::from_mins(10);

/// What the guard is told of a send.
#[derive(Clone)]
pub(crate) struct Asked {
    pub channel: ChannelId,
    pub mode: Mode,
    pub purpose: Purpose,
    /// The blind index of the person.
    pub person: [u8; 16],
    /// Name and language, where it is a template.
    pub template: Option<(String, String)>,
    /// It is a code of a verification of ours.
    pub verification: bool,
    /// What its words show.
    pub shown: Shown,
    /// A reaction shows no message of its own: Meta's window holds for it, the rest does not.
    pub kind: ContentKind,
    /// The time zones that the person may live in, by the number; none are known of a BSUID.
    pub zones: &'static [&'static str],
}

impl Asked {
    pub fn of(
        content: &Content,
        purpose: Purpose,
        channel: ChannelId,
        mode: Mode,
        person: [u8; 16],
        shown: Shown,
    ) -> Self {
        Self {
            channel,
            mode,
            purpose,
            person,
            template: content.template(),
            verification: false,
            shown,
            kind: content.kind(),
            zones: &[],
        }
    }

    /// A verification whose code comes from the person: nothing is sent, and the person may not be known.
    pub fn of_invitation(channel: ChannelId, mode: Mode, person: Option<[u8; 16]>) -> Self {
        Self {
            channel,
            mode,
            purpose: Purpose::Authentication,
            person: person.unwrap_or_default(),
            template: None,
            verification: true,
            shown: Shown::default(),
            kind: ContentKind::Text,
            zones: &[],
        }
    }

    /// With what the recipient's number tells of where they live.
    #[must_use]
    pub fn living(mut self, to: &Recipient) -> Self {
        self.zones = zones(to);
        self
    }
}

/// That a message may go.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    /// The day that it was counted on.
    pub counted: Day,
    /// It waits until then.
    pub not_before: Option<Timestamp>,
    /// It waits for somebody's decision.
    pub hold: Option<Hold>,
    /// What the risk rules say, 0 to 100.
    pub score: u8,
    /// The rules that spoke, the gravest first, each with its numbers.
    pub rules: Vec<Value>,
    /// Shares of the plan's limits that are used up with it, to be told of.
    pub reached: Vec<Reached>,
}

impl Judgement {
    /// Since when the message counts as queued. What waits for the end of quiet hours does so from their end on.
    pub fn queued_at(&self, now: Timestamp) -> Timestamp {
        self.not_before.map_or(now, |until| in_order(until, now))
    }
}

/// Why a message waits for somebody's decision.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub score: u8,
    /// The rules that spoke, the gravest first.
    pub rules: Vec<&'static str>,
}

/// Decides, and counts. An error undoes what was counted, with the transaction.
///
/// Errors: those for which [`Code::is_policy`] holds.
pub(crate) async fn judge(
    tx: &WorkspaceTx<'_>,
    config: &GuardConfig,
    texts: &Texts,
    channel: &ChannelRow,
    asked: &Asked,
    now: Timestamp,
) -> Result<Judgement> {
    let facts = tx
        .guard_facts(&GuardAsk {
            channel: asked.channel,
            mode: asked.mode,
            purpose: asked.purpose,
            person: asked.person,
            template: asked.template.clone(),
            default_plan: config.default_plan.clone(),
        })
        .await?;
    let rules = texts.rules(&facts)?;
    if !facts.subscription.passes(now) {
        return Err(facts.subscription.refusal());
    }
    if facts.paused {
        return Err(paused(tx, asked).await?);
    }
    if asked.kind.is_file() && !rules.plan.includes(Feature::Media) {
        return Err(Error::new(Code::PlanFeatureUnavailable, "the plan does not include files in messages")
            .with_details(json!({ "feature": Feature::Media.as_str() })));
    }
    purpose_fits(asked, &rules, facts.template_category.as_deref())?;
    if facts.suppressed && !config.essential.contains(&asked.purpose) {
        return Err(Error::of(Code::RecipientSuppressed).with_details(json!({ "action": "block" })));
    }
    if !asked.purpose.is_carried() && !facts.consented {
        return Err(Error::new(
            Code::ConsentRequired,
            format!("{} needs the person's recorded opt-in", asked.purpose),
        ));
    }
    let before = tx.conversation_sent(asked.channel, &asked.person, asked.purpose, now).await?;
    if asked.template.is_none() && asked.verification {
        code_may_be_text(asked, &before, now)?;
    } else if asked.template.is_none() && !rules.settings.leave_window_to_meta {
        window_is_open(tx, asked, &before, now).await?;
    }
    frequency_fits(asked, &rules, &before, now)?;
    let (of_workspace, of_channel) = tx.usage_take(asked.mode, asked.channel, rules.zone.day(now)).await?;
    quota_fits(&rules, now, of_workspace, of_channel)?;
    let reached = reached(&rules, asked.channel, of_workspace, of_channel);
    let reviewed = asked.template.is_some() || asked.verification;
    let assessment =
        risk::risk_judge(tx, &rules.plan.risk, channel, &asked.shown, reviewed, &before, now).await?;
    let spoke = risk::hits(&assessment);
    // A code that waits for somebody's decision is good for nothing when it comes.
    let too_late = asked.verification && assessment.action == Action::Hold;
    if risk::stops(&assessment) || too_late {
        return Err(Error::new(
            Code::RiskBlocked,
            format!("the guard scores this message {} of 100", assessment.score),
        )
        .with_details(json!({ "action": "block", "risk_score": assessment.score, "rules": spoke })));
    }
    let hold = (assessment.action == Action::Hold)
        .then(|| Hold { score: assessment.score, rules: risk::names(&assessment) });
    let not_before = match Quiet::of(&rules.settings, &rules.zone) {
        Some(quiet) => quiet.until(texts, asked.purpose, asked.zones, now)?,
        None => None,
    };
    Ok(Judgement {
        counted: of_workspace.on,
        not_before,
        hold,
        score: assessment.score,
        rules: spoke,
        reached,
    })
}

/// Names what is paused.
async fn paused(tx: &WorkspaceTx<'_>, asked: &Asked) -> Result<Error> {
    use gatepost_core::guard::PauseScope;
    let concerns = |scope: PauseScope| match scope {
        PauseScope::Workspace => true,
        PauseScope::Channel(channel) => channel == asked.channel,
        PauseScope::Purpose(purpose) => purpose == asked.purpose,
    };
    let found = tx.pause_list().await?.into_iter().find(|row| concerns(row.scope));
    let (scope, words) = match found.as_ref().map(|row| row.scope) {
        Some(PauseScope::Channel(_)) => ("channel", "sending on this channel is paused".to_owned()),
        Some(PauseScope::Purpose(purpose)) => ("purpose", format!("sending {purpose} messages is paused")),
        Some(PauseScope::Workspace) | None => ("workspace", "the workspace's sending is paused".to_owned()),
    };
    let by = found.map_or("operator", |row| row.by.as_str());
    Ok(Error::new(Code::SendingPaused, words)
        .with_details(json!({ "action": "block", "scope": scope, "paused_by": by })))
}

/// Whether the purpose is carried here, and is what the template is for.
fn purpose_fits(asked: &Asked, rules: &Rules, category: Option<&str>) -> Result<()> {
    let refuse = |detail: String| {
        Err(Error::fields(vec![FieldError::new("/purpose", "message_purpose_not_allowed", detail)]))
    };
    let purpose = asked.purpose;
    if !rules.plan.carries(purpose) {
        return refuse(format!("{purpose} messages are not carried here"));
    }
    let authentication = purpose == Purpose::Authentication && !asked.verification;
    match category {
        Some("MARKETING") if purpose.is_carried() => {
            refuse(format!("Meta files this template as MARKETING, so it is not {purpose}"))
        }
        Some("AUTHENTICATION") => Ok(()),
        _ if !authentication => Ok(()),
        Some(category) => {
            refuse(format!("Meta files this template as {category}, so it is not authentication"))
        }
        None if asked.template.is_some() => refuse(
            "this template is not known here as one of the category AUTHENTICATION: synchronise the channel's templates first"
                .to_owned(),
        ),
        None => refuse(
            "authentication needs a template of the category AUTHENTICATION, or a verification".to_owned(),
        ),
    }
}

/// Refuses what Meta would refuse for certain: free-form content to somebody who has not written for a day.
async fn window_is_open(
    tx: &WorkspaceTx<'_>,
    asked: &Asked,
    before: &Conversation,
    now: Timestamp,
) -> Result<()> {
    let over = |since: Timestamp| now.since(since) > WINDOW + WINDOW_SLACK;
    let closed = match before.last_inbound_at {
        Some(last) => over(last),
        // Nobody heard of: that tells something only where everything was heard for a day.
        None => tx.channel_heard_since(asked.channel).await?.is_some_and(over),
    };
    if !closed {
        return Ok(());
    }
    let last = before.last_inbound_at.map(|last| last.to_string());
    Err(Error::of(Code::ConversationWindowClosed)
        .with_details(json!({ "action": "block", "last_inbound_at": last })))
}

/// Whether a code may go as a text: where the person is known to have written within Meta's window. Otherwise it would
/// be refused too late for whoever waits for it. The simulated Meta takes it always.
fn code_may_be_text(asked: &Asked, before: &Conversation, now: Timestamp) -> Result<()> {
    let open = before.last_inbound_at.is_some_and(|last| now.since(last) < WINDOW);
    if open || asked.mode == Mode::Test { Ok(()) } else { Err(Error::of(Code::VerificationTemplateRequired)) }
}

/// Holds the send against the workspace's own caps for one person.
fn frequency_fits(asked: &Asked, rules: &Rules, before: &Conversation, now: Timestamp) -> Result<()> {
    if asked.purpose == Purpose::Authentication || asked.kind == ContentKind::Reaction {
        return Ok(());
    }
    for cap in &rules.settings.frequency_caps {
        if cap.purpose.is_some_and(|purpose| purpose != asked.purpose) {
            continue;
        }
        let span = Duration::from_hours(u64::from(cap.hours));
        let most = usize::from(cap.messages);
        if before.sends.count(cap.purpose, now, span) >= most {
            let room = before.sends.room_at(cap.purpose, now, span, most);
            let wait = room.map_or(span, |at| at.since(now));
            return Err(Error::new(
                Code::FrequencyCapped,
                format!("at most {} messages in {} hours go to one person", cap.messages, cap.hours),
            )
            .with_retry_after(wait)
            .with_details(json!({ "action": "block", "limit": cap.messages, "hours": cap.hours })));
        }
    }
    Ok(())
}

/// Holds what was taken against the plan.
pub(super) fn quota_fits(rules: &Rules, now: Timestamp, workspace: Counted, channel: Counted) -> Result<()> {
    let limits = rules.plan.limits;
    let checks = [
        ("workspace", "month", UsagePeriod::Month, limits.workspace_month, workspace.month),
        ("channel", "month", UsagePeriod::Month, limits.channel_month, channel.month),
        ("workspace", "day", UsagePeriod::Day, limits.workspace_day, workspace.day),
        ("channel", "day", UsagePeriod::Day, limits.channel_day, channel.day),
    ];
    for (scope, period, of, limit, used) in checks {
        let Some(limit) = limit.map(i64::from).filter(|limit| used > *limit) else { continue };
        let resets_at = over_at(&rules.zone, workspace.on, of);
        return Err(Error::new(
            Code::QuotaExceeded,
            format!("the {scope}'s {limit} messages of this {period} are used up; it ends at {resets_at}"),
        )
        .with_details(json!({
            "action": "block",
            "scope": scope,
            "period": period,
            "limit": limit,
            // Without the one that is refused; more than the limit where the plan had a higher one.
            "used": used - 1,
            "resets_at": resets_at,
        }))
        .with_retry_after(resets_at.since(now)));
    }
    Ok(())
}
