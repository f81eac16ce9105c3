//! Verifications: codes that are sent, checked, sent again and taken back.
//!
//! Threat note. Defends against: guessing and racing (a try is counted under the row's lock before anything is compared,
//! and the lock is held until the commit, so of fifty right codes at once one approves); reading a code anywhere after it
//! was drawn (the row holds a keyed digest bound to workspace, verification and generation; the message's sealed content
//! goes when Meta has taken it; no event, log, answer or recorded answer holds one); a code of one workspace, verification
//! or generation used for another; learning from how long a comparison takes.
//! Does not defend against: whoever reads the person's phone, or makes the person tell the code; whoever holds the
//! database and the master key while a code waits to be sent.
//!
//! Whoever takes several rows in one transaction takes them in this order, so that two never wait for each other: the
//! message that carries the code, the verification, then those of the guard.

mod cancelling;
mod checking;
mod ending;
mod expiring;
mod following;
mod fraud;
mod holding;
mod inviting;
mod news;
pub mod pages;
mod reading;
mod resending;
mod sending;
mod settings;
mod spoken;
mod starting;
mod stats;
mod view;
mod wording;

use gatepost_core::Secret;
use gatepost_core::verification::VerificationCode;
use gatepost_core::{JobId, Result, VerificationId, WorkspaceId};
use gatepost_store::VerificationRow;
use gatepost_vault::{Aad, WorkspaceKeys};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::messages::{StoredParty, open_json, seal_json};

pub(crate) use expiring::Expiring;
pub(crate) use following::{Followed, Following};
pub use inviting::{VerificationInvite, VerificationInvited};
pub use sending::VerificationStart;
pub use settings::{VerificationSettingsView, VerifiedCountry};
pub(crate) use spoken::{Spoken, spoken_written};
pub(crate) use stats::KEPT as STATS_KEPT;
pub use stats::{VerificationStats, VerificationStatsAsk};
pub use view::VerificationView;

/// The domain of digests of codes that go to people.
const CODE_DOMAIN: &str = "verification.code";

/// What a verification was asked for with, as it lies sealed. No `Debug`: part of it is the customer's.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Details {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub app_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub intent: Option<String>,
    /// The address of the person's device, as the customer says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_ip: Option<String>,
    /// The customer's own object, unchanged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<Box<RawValue>>,
    /// The template that was asked for by name; sending again chooses by the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub template: Option<String>,
    /// The text that was asked for, with its places.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    /// The time that was asked for, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ttl: Option<u64>,
}

/// The place of a sealed column of a verification.
pub(crate) fn place(workspace: WorkspaceId, column: &'static str, id: VerificationId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "verification", column, row: id.uuid().into_bytes() }
}

pub(crate) fn seal<T: Serialize>(
    keys: &WorkspaceKeys,
    column: &'static str,
    id: VerificationId,
    value: &T,
) -> Result<Vec<u8>> {
    seal_json(keys, &place(WorkspaceId::from_uuid(keys.workspace()), column, id), value)
}

/// What a row says under its seals.
pub(crate) struct Opened {
    pub party: Option<StoredParty>,
    pub details: Details,
}

impl Opened {
    pub fn of(keys: &WorkspaceKeys, row: &VerificationRow) -> Result<Self> {
        let workspace = WorkspaceId::from_uuid(keys.workspace());
        let at = |column| place(workspace, column, row.id);
        let party = row.party.as_ref().map(|sealed| open_json(keys, &at("party"), sealed)).transpose()?;
        let details =
            row.details.as_ref().map(|sealed| open_json(keys, &at("details"), sealed)).transpose()?;
        Ok(Self { party, details: details.unwrap_or_default() })
    }

    pub fn phone(&self) -> Option<&str> {
        self.party.as_ref().and_then(|party| party.phone.as_deref())
    }
}

/// The keyed digest of a code: good for one verification of one workspace and one of its generations.
pub(crate) fn code_digest(
    keys: &WorkspaceKeys,
    id: VerificationId,
    generation: u32,
    code: &VerificationCode,
) -> [u8; 16] {
    // Wiped, and never moved: it holds the code.
    let mut bytes = Vec::with_capacity(20 + code.digits().len());
    bytes.extend_from_slice(id.uuid().as_bytes());
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend_from_slice(code.digits().as_bytes());
    let bound = Secret::new(bytes);
    keys.blind_index(CODE_DOMAIN, bound.expose())
}

/// The job that looks at a verification at its end: there is one at most, so it has the verification's own number.
pub(crate) const fn expire_job_id(id: VerificationId) -> JobId {
    JobId::from_uuid(id.uuid())
}
