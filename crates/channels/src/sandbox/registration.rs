//! Registering numbers, and proving that one owns them (Meta, "Registration" and "Phone number verification").

use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::numbers::{Number, NumberState};
use super::reply::{Answer, GraphError, success};
use super::world::{World, locked};

/// The code that every number is sent. It is the one of test mode, so that it can be known without a phone.
pub(super) const CODE: &str = "424242";

/// So many registrations and deregistrations in [`REGISTRATIONS_PER`].
const REGISTRATIONS_MAX: usize = 10;
const REGISTRATIONS_PER: Duration = Duration::from_hours(72);

/// `POST /{phone_number_id}/register {messaging_product, pin}`. The first PIN becomes the number's; from then on
/// another one is wrong.
pub(super) fn register(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    call.need_product()?;
    let pin = pin(call)?;
    let mut state = locked(&number.state);
    admit(world, &mut state)?;
    if !state.verified {
        return Err(GraphError::bad(
            133_006,
            "Phone number re-verification needed",
            "Phone number needs to be verified before registering.",
        ));
    }
    if state.pin.as_ref().is_some_and(|known| *known != pin) {
        return Err(GraphError::bad(133_005, "Two step verification PIN Mismatch", "PIN is incorrect."));
    }
    state.pin = Some(pin);
    state.registered = true;
    success()
}

/// `POST /{phone_number_id}/deregister`.
pub(super) fn deregister(world: &World, _: &Call, number: &Arc<Number>) -> Answer {
    let mut state = locked(&number.state);
    admit(world, &mut state)?;
    if !state.registered {
        return Err(not_registered());
    }
    state.registered = false;
    success()
}

/// 133010.
pub(super) fn not_registered() -> GraphError {
    GraphError::bad(
        133_010,
        "Phone number not registered",
        "The account does not exist in Cloud API, please use /register API to create an account first.",
    )
}

/// Counts a call, or refuses it: 133016.
fn admit(world: &World, state: &mut NumberState) -> Result<(), GraphError> {
    let now = world.clock.now();
    while state.registrations.front().is_some_and(|at| now.since(*at) >= REGISTRATIONS_PER) {
        state.registrations.pop_front();
    }
    if state.registrations.len() >= REGISTRATIONS_MAX {
        return Err(GraphError::bad(
            133_016,
            "Account register deregister rate limit exceeded",
            "There were too many registration and deregistration attempts for this number within 72 hours.",
        ));
    }
    state.registrations.push_back(now);
    Ok(())
}

/// The parameter `pin`: six digits.
pub(super) fn pin(call: &Call) -> Result<String, GraphError> {
    let given =
        call.params.get("pin").ok_or_else(|| GraphError::parameter("The parameter pin is required."))?;
    let pin = super::apps::as_text(given);
    if pin.len() == 6 && pin.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(pin);
    }
    Err(GraphError::parameter("Param pin must be a string of 6 digits."))
}

/// `POST /{phone_number_id}/request_code {code_method, language}`. Nothing is sent anywhere; the code is [`CODE`].
pub(super) fn code_request(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    if !matches!(call.need("code_method")?, "SMS" | "VOICE") {
        return Err(GraphError::parameter("Param code_method must be one of {SMS, VOICE}"));
    }
    call.need("language")?;
    locked(&number.state).code_sent = true;
    success()
}

/// `POST /{phone_number_id}/verify_code {code}`.
pub(super) fn code_verify(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let code = call.params.get("code").map(super::apps::as_text);
    let code = code.ok_or_else(|| GraphError::parameter("The parameter code is required."))?;
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    let mut state = locked(&number.state);
    if !state.code_sent || code != CODE {
        return Err(GraphError::bad(
            136_025,
            "Verify code error",
            "The code is wrong, or none was asked for.",
        ));
    }
    state.code_sent = false;
    state.verified = true;
    success()
}
