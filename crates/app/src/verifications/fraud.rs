//! Whether a verification may be made or sent again, and what is learnt from how it ended.
//!
//! Threat note: see [`gatepost_core::verification::fraud`]. What is counted is held in the transaction that makes or ends
//! a verification, so that it is exact however many are begun at once and on however many nodes, and is undone with it.
//! Numbers, ranges of them and addresses are known here by keyed indexes only. A suppressed person is verified all the
//! same, within these limits: whoever signs in wants the code.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_core::channel::Mode;
use gatepost_core::guard::PolicyDecision;
use gatepost_core::verification::fraud::{
    self, Country, End, FraudRule, FraudRules, Held, Record, Refusal, Subject,
};
use gatepost_core::verification::{Flow, RESEND_AFTER, Stage, VerificationSettings, VerificationState};
use gatepost_core::{ClientAddr, Phone, Purpose, Result, Timestamp};
use gatepost_store::{VerificationRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use serde_json::json;

use super::following::UNREACHABLE;
use crate::App;
use crate::guard::{Refused, policy_refusal_add};

/// What is asked before a verification is made, and before it is sent again.
#[derive(Clone)]
pub(crate) struct FraudAsk {
    pub mode: Mode,
    pub flow: Flow,
    /// The blind index of the phone; `None` where the person is not known beforehand.
    pub person: Option<[u8; 16]>,
    /// The phone itself, for what its beginning tells. Never stored or told by whoever reads it here.
    pub phone: Option<Phone>,
    /// Two letters, by the number.
    pub country: Option<&'static str>,
    /// The blind index of the address of the person's device, where the customer told it; see [`client_index`].
    pub client_ip: Option<[u8; 16]>,
    pub now: Timestamp,
}

/// That it may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    /// How long the next code of this verification has to wait.
    pub resend_after: Duration,
}

/// The rows that counts of one workspace, a phone, an address and its like lie in.
type Key = (Subject, [u8; 16]);

/// The index that an address is counted under; `None` where the text is none.
pub(crate) fn client_index(keys: &WorkspaceKeys, address: &str) -> Option<[u8; 16]> {
    let address = ClientAddr::new(address.parse().ok()?);
    Some(keys.blind_index("verification.client_ip", &fraud::address_subject(address)))
}

/// The country of a number, two letters, where it is known.
pub(crate) fn country_of(phone: &Phone) -> Option<&'static str> {
    fraud::country_of(phone).map(Country::as_str)
}

/// The rows of a number: its own, and those of its range and its region.
fn number_keys(keys: &WorkspaceKeys, person: [u8; 16], phone: &Phone) -> Vec<Key> {
    let (range, region) = fraud::ranges(phone);
    let index = |digits: &str| keys.blind_index("verification.range", digits.as_bytes());
    let mut found = vec![(Subject::Phone, person), (Subject::Range, index(range))];
    if region != range {
        found.push((Subject::Region, index(region)));
    }
    found
}

/// Whose counts a verification is held against. What the person sends to us costs nobody a code: it is counted for the
/// workspace and by address alone.
fn keys_of(keys: &WorkspaceKeys, ask: &FraudAsk) -> Vec<Key> {
    let mut found = vec![(Subject::Workspace, [0; 16])];
    found.extend(ask.client_ip.map(|index| (Subject::Address, index)));
    if let (Flow::Outbound, Some(person), Some(phone)) = (ask.flow, ask.person, &ask.phone) {
        found.extend(number_keys(keys, person, phone));
    }
    found.sort_unstable();
    found
}

/// Takes hold of counts. Some that cannot be read tell nothing: they are begun anew, and it is said.
async fn hold(tx: &WorkspaceTx<'_>, mode: Mode, keys: &[Key], now: Timestamp) -> Result<Vec<Held>> {
    let states = tx.verification_counters_hold(mode, keys, now).await?;
    let read = |((subject, _), state): (&Key, Vec<u8>)| {
        let record = match state.as_slice() {
            [] => Record::new(now),
            bytes => Record::decode(bytes).unwrap_or_else(|error| {
                tracing::error!(?subject, %error, "counts of verifications cannot be read; they begin anew");
                Record::new(now)
            }),
        };
        Held { subject: *subject, record }
    };
    Ok(keys.iter().zip(states).map(read).collect())
}

async fn keep(tx: &WorkspaceTx<'_>, mode: Mode, keys: &[Key], held: &[Held]) -> Result<()> {
    let states: Vec<_> =
        keys.iter().zip(held).map(|((subject, key), held)| (*subject, *key, held.record.encode())).collect();
    tx.verification_counters_set(mode, &states).await
}

/// Whether codes go to the number's country. Nobody is written to in test mode, so nothing is asked there.
fn country_fits(ask: &FraudAsk, settings: &VerificationSettings, verified: bool) -> Result<()> {
    if ask.mode == Mode::Test || ask.flow == Flow::Inbound {
        return Ok(());
    }
    let country = ask.country.and_then(|letters| Country::parse(letters).ok());
    let (allowed, blocked): (&BTreeSet<_>, _) = (&settings.allowed_countries, &settings.blocked_countries);
    if fraud::country_fits(country, allowed, blocked, |_| verified) {
        return Ok(());
    }
    Err(Refusal { rule: FraudRule::Country, limit: None, wait: None }.error(country))
}

impl App {
    /// The settings of a workspace, and the rules that follow from them.
    async fn fraud_rules(
        &self,
        tx: &WorkspaceTx<'_>,
        country: Option<&str>,
    ) -> Result<(FraudRules, std::sync::Arc<VerificationSettings>, bool)> {
        let facts = tx.verification_facts(country).await?;
        let settings = self.0.texts.verifications(facts.settings.as_ref())?;
        Ok((settings.rules(&self.0.config.guard.verification_rules), settings, facts.country_verified))
    }
}

/// Decides, and counts. An error undoes what was counted, with the transaction.
///
/// Errors: those for which [`gatepost_core::Code::is_policy`] holds.
pub(crate) async fn admit(
    app: &App,
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    ask: &FraudAsk,
) -> Result<Admitted> {
    let (rules, settings, verified) = app.fraud_rules(tx, ask.country).await?;
    country_fits(ask, &settings, verified)?;
    let rows = keys_of(keys, ask);
    let mut held = hold(tx, ask.mode, &rows, ask.now).await?;
    let country = ask.country.and_then(|letters| Country::parse(letters).ok());
    let admitted = fraud::admit(&mut held, &rules, ask.now).map_err(|refusal| refusal.error(country))?;
    keep(tx, ask.mode, &rows, &held).await?;
    let resend_after =
        if rules.cool_downs.is_empty() { RESEND_AFTER } else { admitted.next_at.since(ask.now) };
    Ok(Admitted { resend_after })
}

/// What the end of a verification tells of its number. Nothing where no code went out, where the customer's channel or
/// Meta failed, and where the code came from the person.
async fn lesson(tx: &WorkspaceTx<'_>, row: &VerificationRow) -> Result<Option<End>> {
    if row.flow == Flow::Inbound {
        return Ok(None);
    }
    Ok(match row.standing.state {
        VerificationState::Approved => Some(End::Approved),
        // Whichever of its codes it was.
        VerificationState::Expired | VerificationState::Blocked | VerificationState::Cancelled => {
            let sent = tx.verification_counted(row.id).await?.of(Stage::Sent) > 0;
            sent.then_some(End::NotApproved)
        }
        VerificationState::Failed => (row.reason.as_deref() == Some(UNREACHABLE)).then_some(End::NotApproved),
        VerificationState::Pending => None,
    })
}

/// Learns from the end of a verification, in the transaction that ends it: the row says how.
pub(crate) async fn settle(
    app: &App,
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    row: &VerificationRow,
    phone: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    let approved = row.standing.state == VerificationState::Approved;
    // What a stranger sends us opens nothing: codes would go to a whole country because of one number in it.
    let opens = approved && row.mode == Mode::Live && row.flow == Flow::Outbound;
    if let Some(country) = row.country.as_deref().filter(|_| opens) {
        tx.verification_country_add(country, now).await?;
    }
    let person = row.person.as_deref().and_then(|person| <[u8; 16]>::try_from(person).ok());
    let phone = phone.and_then(|phone| Phone::parse(phone).ok());
    let (Some(person), Some(phone)) = (person, phone) else { return Ok(()) };
    let Some(end) = lesson(tx, row).await? else { return Ok(()) };
    let (rules, _, _) = app.fraud_rules(tx, None).await?;
    let mut rows = number_keys(keys, person, &phone);
    // Of a phone there is something to learn where somebody has it in their hands.
    rows.retain(|(subject, _)| match subject {
        Subject::Phone => approved,
        _ => rules.pumping.is_some(),
    });
    if rows.is_empty() {
        return Ok(());
    }
    let mut held = hold(tx, row.mode, &rows, now).await?;
    let found = fraud::ended(&mut held, &rules, end, now);
    keep(tx, row.mode, &rows, &held).await?;
    for (rule, until) in found {
        range_blocked(app, tx, keys, row, rule, until, now).await?;
    }
    Ok(())
}

/// Writes down that a range of numbers is blocked from now on.
async fn range_blocked(
    app: &App,
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    row: &VerificationRow,
    rule: FraudRule,
    until: Timestamp,
    now: Timestamp,
) -> Result<()> {
    metrics::counter!("gatepost_verification_ranges_blocked_total", "rule" => rule.as_str()).increment(1);
    let details = json!({
        "action": "block",
        "rule": rule.as_str(),
        "country": row.country,
        "blocked_until": until,
    });
    let blocked = Refused {
        decision: PolicyDecision::Block,
        code: rule.code().as_str().to_owned(),
        rules: vec![rule.as_str()],
        score: None,
        purpose: Some(Purpose::Authentication),
        mode: row.mode,
        channel: Some(row.channel),
        message: None,
        review: None,
        actor: "system:guard".to_owned(),
        details: Some(details.to_string()),
        person: row.person.clone().unwrap_or_default(),
    };
    policy_refusal_add(tx, &[blocked.prepare(keys, now, app.entropy())?], now).await
}
