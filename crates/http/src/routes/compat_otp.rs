//! `/api/v1/auth/…`, `/api/auth/…` and `/api/v1/ip-whitelist`: LoginWA's calls for one-time codes, so that whoever comes
//! from there changes the base URL and the key. Each is one of our own use cases under another name.

use axum::extract::State;
use gatepost_app::{AllowlistChange, App, Outcome, VerificationInvite, VerificationStart as Start};
use gatepost_core::access::Actor;
use gatepost_core::access::permission::{
    AllowlistManage, AllowlistRead, VerificationCheck, VerificationRead, VerificationStart,
};
use gatepost_core::verification::Flow;
use gatepost_core::{ApiKeyId, Code, Error, Result};
use serde_json::{Value, json};

use crate::access::{Grant, delete, get, post};
use crate::body::{Create, Json};
use crate::path::{OtpEntry, OtpSession};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

/// Why a code cannot be sent, apart from what concerns the request itself.
const UNSENDABLE: [Code; 7] = [
    Code::RecipientInvalid,
    Code::QuotaExceeded,
    Code::SendingPaused,
    Code::ChannelRequired,
    Code::ChannelNotReady,
    Code::VerificationTemplateRequired,
    Code::RiskBlocked,
];
const UNRIGHT: [Code; 3] = [Code::InvalidCode, Code::CodeExpired, Code::CodeBlocked];

const START: &str = "For clients of LoginWA: as POST /v1/verifications. device_id is a channel's id.";
const VERIFY: &str = "For clients of LoginWA: as POST /v1/verifications/{verification_id}/check. A session that is over in any way is expired.";
const REVERSE: &str = "For clients of LoginWA: as POST /v1/verifications with mode inbound. Only success counts against the plan.";
const SESSION: &str =
    "For clients of LoginWA: as GET /v1/verifications/{verification_id}, of a code that the person sends.";
const WHITELIST: &str = "For clients of LoginWA: the list of the key in use, as /v1/keys/{key_id}/ip-allowlist. It needs a key with the scope admin.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/api/v1/auth/start", start)
            .id("otpStart")
            .summary("Send a person a code (LoginWA)")
            .description(START)
            .tag("LoginWA")
            .body::<wire::OtpStart>(start_example())
            .answer::<wire::OtpStarted>(200, "The code is on its way.", started())
            .answers_compat_errors()
            .fails(&UNSENDABLE),
        post("/api/auth/start", start_plain)
            .id("otpStartPlain")
            .summary("Send a person a code (LoginWA, without a version)")
            .description(START)
            .tag("LoginWA")
            .body::<wire::OtpStart>(start_example())
            .answer::<wire::OtpStartedPlain>(200, "The code is on its way.", started_plain())
            .answers_compat_errors()
            .fails(&UNSENDABLE),
        post("/api/v1/auth/verify", verify)
            .id("otpVerify")
            .summary("Check the code that a person typed (LoginWA)")
            .description(VERIFY)
            .tag("LoginWA")
            .body::<wire::OtpVerify>(verify_example())
            .answer::<wire::OtpVerified<'static>>(200, "The code is right.", verified("phone"))
            .answers_compat_errors()
            .fails(&UNRIGHT)
            .fails(&[Code::NotFound]),
        post("/api/auth/verify", verify_plain)
            .id("otpVerifyPlain")
            .summary("Check the code that a person typed (LoginWA, without a version)")
            .description(VERIFY)
            .tag("LoginWA")
            .body::<wire::OtpVerify>(verify_example())
            .answer::<wire::OtpVerifiedPlain<'static>>(200, "The code is right.", verified("phone_number"))
            .answers_compat_errors()
            .fails(&UNRIGHT)
            .fails(&[Code::NotFound]),
        reverse(post("/api/v1/auth/reverse/start", reverse_start).id("otpReverseStart"), "LoginWA"),
        reverse(
            post("/api/auth/reverse/start", reverse_start).id("otpReverseStartPlain"),
            "LoginWA, without a version",
        ),
        session(get("/api/v1/auth/reverse/{otp_session}", reverse_get).id("otpReverseGet")),
        session(get("/api/auth/reverse/{otp_session}", reverse_get).id("otpReverseGetPlain")),
        get("/api/v1/ip-whitelist", whitelist_get)
            .id("otpIpList")
            .summary("See from where the key in use may be used (LoginWA)")
            .description(WHITELIST)
            .tag("LoginWA")
            .answer::<wire::IpList>(200, "The list.", whitelist())
            .answers_compat_errors(),
        post("/api/v1/ip-whitelist", whitelist_add)
            .id("otpIpAdd")
            .summary("Add an address from where the key in use may be used (LoginWA)")
            .description(WHITELIST)
            .tag("LoginWA")
            .body::<wire::IpAdd>(json!({ "ip_address": "192.0.2.7", "label": "Office" }))
            .answer::<wire::IpList>(200, "The list as it is now.", whitelist())
            .answers_compat_errors()
            .fails(&[Code::AllowlistLockout]),
        delete("/api/v1/ip-whitelist/{otp_entry}", whitelist_remove)
            .id("otpIpRemove")
            .summary("Remove an address from where the key in use may be used (LoginWA)")
            .description(WHITELIST)
            .tag("LoginWA")
            .answer::<wire::IpList>(200, "The list as it is now.", whitelist())
            .answers_compat_errors()
            .fails(&[Code::AllowlistLockout]),
        post("/api/v1/ip-whitelist/toggle", whitelist_toggle)
            .id("otpIpToggle")
            .summary("Switch the list of the key in use on or off (LoginWA)")
            .description("For clients of LoginWA. A list that would shut out the address that this request comes from is refused with allowlist_lockout, an empty one with validation_failed.")
            .tag("LoginWA")
            .body::<wire::IpToggle>(json!({ "enabled": false }))
            .answer::<wire::IpList>(200, "The list as it is now.", whitelist())
            .answers_compat_errors()
            .fails(&[Code::AllowlistLockout]),
    ]
}

fn reverse(route: Route<App>, whose: &'static str) -> Route<App> {
    route
        .summary(if whose == "LoginWA" {
            "Let a person send a code (LoginWA)"
        } else {
            "Let a person send a code (LoginWA, without a version)"
        })
        .description(REVERSE)
        .tag("LoginWA")
        .optional_body::<wire::OtpReverseStart>(json!({ "phone": "+12025550101" }))
        .answer::<wire::OtpReverseStarted<'static>>(
            200,
            "What the person sends, and where.",
            reverse_started(),
        )
        .answers_compat_errors()
        .fails(&[
            Code::RecipientInvalid,
            Code::QuotaExceeded,
            Code::ChannelRequired,
            Code::ChannelNumberUnknown,
        ])
}

fn session(route: Route<App>) -> Route<App> {
    route
        .summary("See whether a person has sent their code (LoginWA)")
        .description(SESSION)
        .tag("LoginWA")
        .open_when_suspended()
        .answer::<wire::OtpSession<'static>>(200, "Where it stands.", session_example())
        .answers_compat_errors()
}

fn start_example() -> Value {
    json!({ "phone": "+12025550101", "otp_length": 6, "meta": { "session": "s_81" } })
}

fn verify_example() -> Value {
    json!({ "session_id": "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f", "otp_code": "424242" })
}

fn started() -> Value {
    json!({
        "session_id": "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
        "expires_in": 300,
        "sent_via_engine": true,
        "quota_remaining": 940,
    })
}

fn started_plain() -> Value {
    let mut started = started();
    started["debug_code"] = Value::Null;
    started
}

fn verified(phone: &str) -> Value {
    json!({
        "status": "verified",
        phone: "+12025550101",
        "verified_at": "2026-11-01T09:30:21Z",
        "meta": { "session": "s_81" },
    })
}

fn reverse_started() -> Value {
    json!({
        "session_id": "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
        "mode": "bound",
        "code": "123456",
        "message": "LOGIN 123456",
        "receiver_phone": "+12025550100",
        "wa_link": "https://wa.me/12025550100?text=LOGIN%20123456",
        "expires_in": 300,
        "quota_remaining": 940,
    })
}

fn session_example() -> Value {
    json!({
        "status": "verified",
        "phone": "+12025550101",
        "verified_at": "2026-11-01T09:30:21Z",
        "meta": null,
    })
}

fn whitelist() -> Value {
    json!({
        "enabled": true,
        "data": [{
            "id": "5f2c1f0e9d8c7b6a",
            "ip_address": "192.0.2.7/32",
            "label": "Office",
            "created_at": "2026-11-01T09:30:00Z",
        }],
    })
}

/// There a device that is not there is none that is connected; their clients know of no other.
fn deviceless(error: Error) -> Error {
    if error.code() == Code::NotFound {
        Error::new(Code::ChannelNotReady, "there is no device with this id for this key")
    } else {
        error
    }
}

async fn begin(
    grant: &Grant<VerificationStart>,
    app: &App,
    body: wire::OtpStart,
) -> Result<wire::OtpStarted> {
    let start = Start {
        channel: body.channel,
        code_length: body.length,
        text_otherwise: body.text,
        metadata: body.meta,
        ..Start::default()
    };
    let begun = app.verification_start(grant, body.phone, start, None).await.map_err(deviceless)?;
    let Outcome::Fresh(view) = begun else {
        return Err(Error::internal("an answer given again without a key"));
    };
    let left = app.unit_remaining(grant, view.channel_id).await?;
    Ok(wire::OtpStarted::of(&view, left, app.now()))
}

async fn start(
    grant: Grant<VerificationStart>,
    State(app): State<App>,
    Json(body): Json<wire::OtpStart>,
) -> Answer {
    Ok(reply::ok(&begin(&grant, &app, body).await?))
}

async fn start_plain(
    grant: Grant<VerificationStart>,
    State(app): State<App>,
    Json(body): Json<wire::OtpStart>,
) -> Answer {
    Ok(reply::ok(&wire::OtpStartedPlain::from(begin(&grant, &app, body).await?)))
}

async fn verify(
    grant: Grant<VerificationCheck>,
    State(app): State<App>,
    Json(body): Json<wire::OtpVerify>,
) -> Answer {
    let view = app.verification_check(&grant, body.id, body.code).await?;
    Ok(reply::ok(&wire::OtpVerified::from(&view)))
}

async fn verify_plain(
    grant: Grant<VerificationCheck>,
    State(app): State<App>,
    Json(body): Json<wire::OtpVerify>,
) -> Answer {
    let view = app.verification_check(&grant, body.id, body.code).await?;
    Ok(reply::ok(&wire::OtpVerifiedPlain::from(&view)))
}

async fn reverse_start(
    grant: Grant<VerificationStart>,
    State(app): State<App>,
    create: Create<wire::OtpReverseStart>,
) -> Answer {
    // Their clients send no Idempotency-Key, and every start shows another code.
    let (body, _) = create.into_parts();
    let invite = VerificationInvite {
        to: body.phone,
        channel: body.channel,
        metadata: body.meta,
        ..VerificationInvite::default()
    };
    let begun = app.verification_invite(&grant, invite, None).await.map_err(deviceless)?;
    let Outcome::Fresh(invited) = begun else {
        return Err(Error::internal("an answer given again without a key").into());
    };
    let left = app.unit_remaining(&grant, invited.view.channel_id).await?;
    Ok(reply::ok(&wire::OtpReverseStarted::of(&invited, left, app.now())))
}

async fn reverse_get(
    grant: Grant<VerificationRead>,
    State(app): State<App>,
    OtpSession(id): OtpSession,
) -> Answer {
    let view = app.verification_get(&grant, id).await?;
    if view.flow != Flow::Inbound {
        return Err(Error::of(Code::NotFound).into());
    }
    Ok(reply::ok(&wire::OtpSession::of(&view, app.now())))
}

/// The key in use: the list there is that of a key.
fn own_key<P>(grant: &Grant<P>) -> Result<ApiKeyId> {
    match grant.actor() {
        Actor::ApiKey(id) => Ok(id),
        _ => Err(Error::of(Code::NotFound)),
    }
}

/// Changes the list of the key in use.
async fn whitelist_change(
    grant: &Grant<AllowlistManage>,
    app: &App,
    edit: impl FnOnce(&mut AllowlistChange) -> Result<()> + Send,
) -> Answer {
    let list = app.key_allowlist_edit(grant, own_key(grant)?, edit).await?;
    Ok(reply::ok(&wire::IpList::from(&list)))
}

async fn whitelist_get(grant: Grant<AllowlistRead>, State(app): State<App>) -> Answer {
    let list = app.key_allowlist_get(&grant, own_key(&grant)?).await?;
    Ok(reply::ok(&wire::IpList::from(&list)))
}

async fn whitelist_add(
    grant: Grant<AllowlistManage>,
    State(app): State<App>,
    Json(body): Json<wire::IpAdd>,
) -> Answer {
    whitelist_change(&grant, &app, |list| {
        // Adding it again gives it another label.
        list.entries.retain(|(network, _)| *network != body.network);
        list.entries.push((body.network, body.label));
        Ok(())
    })
    .await
}

async fn whitelist_remove(grant: Grant<AllowlistManage>, State(app): State<App>, entry: OtpEntry) -> Answer {
    whitelist_change(&grant, &app, |list| {
        let before = list.entries.len();
        list.entries.retain(|(network, _)| wire::entry_id(network) != entry.as_str());
        if list.entries.len() == before { Err(Error::of(Code::NotFound)) } else { Ok(()) }
    })
    .await
}

async fn whitelist_toggle(
    grant: Grant<AllowlistManage>,
    State(app): State<App>,
    Json(body): Json<wire::IpToggle>,
) -> Answer {
    whitelist_change(&grant, &app, |list| {
        list.enabled = body.enabled;
        Ok(())
    })
    .await
}
