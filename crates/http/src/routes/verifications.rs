//! `/v1/verifications`

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{VerificationCheck, VerificationRead, VerificationStart};
use gatepost_core::verification::VerificationState;
use gatepost_core::{Code, Result, VerificationId};
use http::StatusCode;
use serde_json::{Value, json};

use super::idempotent;
use crate::access::{Grant, delete, get, post};
use crate::body::{Create, Json};
use crate::channel_header::ChannelHeader;
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const STATUS: QueryParameter = QueryParameter::text(
    "status",
    "Only those that are pending, approved, expired, blocked, failed or cancelled.",
    "",
);

/// Why a code cannot be sent, apart from what concerns the request itself.
const UNSENDABLE: [Code; 14] = [
    Code::RecipientInvalid,
    Code::VerificationTemplateRequired,
    Code::MessagePurposeNotAllowed,
    Code::RecipientSuppressed,
    Code::RiskBlocked,
    Code::QuotaExceeded,
    Code::SendingPaused,
    Code::SubscriptionSuspended,
    Code::ChannelNotReady,
    Code::ChannelNotAllowed,
    Code::CountryNotAllowed,
    Code::VerificationCoolDown,
    Code::VerificationVelocity,
    Code::VerificationPumping,
];

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/verifications", verification_start)
            .id("verificationStart")
            .summary("Send a person a code")
            .description("Draws a code and sends it to the person over WhatsApp, in an approved AUTHENTICATION template or as a text. The code is in no answer, event or log: the person types it, and you check it. On a test channel 424242 is right, 000000 wrong and 111111 too late, besides the code that the simulated phone gets.")
            .tag("Verifications")
            .takes_channel_header()
            .creates::<wire::VerificationCreate>(json!({
                "to": "+12025550101",
                "locale": "en_US",
                "app_name": "Example Shop",
                "metadata": { "session": "s_81" },
            }))
            .body_examples(vec![
                ("inbound", json!({ "mode": "inbound", "to": "+12025550101" })),
            ])
            .answer::<wire::Verification<'static>>(201, "The code is on its way; or what the person sends, where they do.", example())
            .fails(&UNSENDABLE)
            .fails(&[Code::ChannelNumberUnknown]),
        get("/v1/verifications", verification_list)
            .id("verificationList")
            .open_when_suspended()
            .summary("List verifications, the newest first")
            .tag("Verifications")
            .query(&[STATUS])
            .query(&LIST)
            .answer_list::<wire::Verification<'static>>("A page of verifications.", &example()),
        get("/v1/verifications/{verification_id}", verification_get)
            .id("verificationGet")
            .open_when_suspended()
            .summary("Read a verification")
            .tag("Verifications")
            .answer::<wire::Verification<'static>>(200, "The verification as it stands.", example()),
        post("/v1/verifications/{verification_id}/check", verification_check)
            .id("verificationCheck")
            .open_when_suspended()
            .summary("Check the code that a person typed")
            .description("The right code approves the verification, once. Every other answer is an error: details hold attempts_left. After the last wrong code the right one is refused, too.")
            .tag("Verifications")
            .body::<wire::VerificationCheck>(json!({ "code": "424242" }))
            .answer::<wire::Verification<'static>>(200, "The code is right: the person has this number.", approved())
            .fails(&[
                Code::InvalidCode,
                Code::CodeExpired,
                Code::CodeBlocked,
                Code::AlreadyApproved,
                Code::VerificationCancelled,
                Code::VerificationFailed,
                Code::VerificationInbound,
            ]),
        post("/v1/verifications/{verification_id}/resend", verification_resend)
            .id("verificationResend")
            .summary("Send another code")
            .description("The code before is good for nothing from then on, and is not sent where it still waits. Tries stay counted; the time begins anew. At most five times.")
            .tag("Verifications")
            .answer::<wire::Verification<'static>>(200, "Another code is on its way.", resent())
            .fails(&[
                Code::VerificationNotPending,
                Code::ResendTooSoon,
                Code::ResendLimitReached,
                Code::VerificationInbound,
                Code::Conflict,
            ])
            .fails(&UNSENDABLE),
        delete("/v1/verifications/{verification_id}", verification_cancel)
            .id("verificationCancel")
            .open_when_suspended()
            .summary("Cancel a verification")
            .description("Its code is good for nothing from then on, and is not sent where it still waits.")
            .tag("Verifications")
            .answer::<wire::Verification<'static>>(200, "The verification, cancelled.", cancelled())
            .fails(&[Code::VerificationNotPending]),
    ]
}

fn example() -> Value {
    json!({
        "id": "ver_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "live",
        "flow": "outbound",
        "status": "pending",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "phone": "+12025550101",
        "country": "US",
        "message_id": "msg_01kagq5rh8e5htqh9sk95d3x4w",
        "template": "sign_in_code",
        "code_length": 6,
        "attempts_left": 5,
        "resends": 0,
        "app_name": "Example Shop",
        "locale": "en_US",
        "intent": null,
        "metadata": { "session": "s_81" },
        "reason": null,
        "created_at": "2026-11-01T09:30:00.25Z",
        "expires_at": "2026-11-01T09:35:00.25Z",
        "resend_after": "2026-11-01T09:30:30.25Z",
        "sent_at": null,
        "delivered_at": null,
        "verified_at": null,
        "ended_at": null,
    })
}

fn over(status: &str) -> Value {
    let mut verification = example();
    verification["status"] = json!(status);
    verification["attempts_left"] = json!(0);
    verification["resend_after"] = Value::Null;
    verification["ended_at"] = json!("2026-11-01T09:30:21Z");
    verification
}

pub(super) fn approved() -> Value {
    let mut verification = over("approved");
    verification["sent_at"] = json!("2026-11-01T09:30:01Z");
    verification["delivered_at"] = json!("2026-11-01T09:30:02Z");
    verification["verified_at"] = json!("2026-11-01T09:30:21Z");
    verification
}

fn cancelled() -> Value {
    over("cancelled")
}

fn resent() -> Value {
    let mut verification = example();
    verification["resends"] = json!(1);
    verification["expires_at"] = json!("2026-11-01T09:36:00.25Z");
    verification["resend_after"] = json!("2026-11-01T09:31:30.25Z");
    verification
}

fn wanted(query: &Query) -> Result<Option<VerificationState>> {
    let Some(text) = query.get("status").filter(|text| !text.is_empty()) else { return Ok(None) };
    let all: Vec<&str> = VerificationState::ALL.iter().map(|state| state.as_str()).collect();
    let state = VerificationState::parse(text);
    state.map(Some).ok_or_else(|| invalid(format!("status: expected one of {}", all.join(", "))))
}

async fn verification_start(
    grant: Grant<VerificationStart>,
    State(app): State<App>,
    header: ChannelHeader,
    create: Create<wire::VerificationCreate>,
) -> Answer {
    let (body, key) = create.into_parts();
    match body {
        wire::VerificationCreate::Outbound { to, mut start } => {
            start.channel = header.join(start.channel)?;
            let outcome = app.verification_start(&grant, to, start, idempotent(key)).await?;
            Ok(reply::made(StatusCode::CREATED, outcome))
        }
        wire::VerificationCreate::Inbound(mut invite) => {
            invite.channel = header.join(invite.channel)?;
            let outcome = app.verification_invite(&grant, invite, idempotent(key)).await?;
            Ok(reply::made(StatusCode::CREATED, outcome))
        }
    }
}

async fn verification_list(grant: Grant<VerificationRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.verification_list(&grant, wanted(&query)?, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Verification<'_>>(&page))
}

async fn verification_get(
    grant: Grant<VerificationRead>,
    State(app): State<App>,
    Id(id): Id<VerificationId>,
) -> Answer {
    Ok(reply::ok(&wire::Verification::from(&app.verification_get(&grant, id).await?)))
}

async fn verification_check(
    grant: Grant<VerificationCheck>,
    State(app): State<App>,
    Id(id): Id<VerificationId>,
    Json(body): Json<wire::VerificationCheck>,
) -> Answer {
    let view = app.verification_check(&grant, id, body.code).await?;
    Ok(reply::ok(&wire::Verification::from(&view)))
}

async fn verification_resend(
    grant: Grant<VerificationStart>,
    State(app): State<App>,
    Id(id): Id<VerificationId>,
) -> Answer {
    Ok(reply::ok(&wire::Verification::from(&app.verification_resend(&grant, id).await?)))
}

async fn verification_cancel(
    grant: Grant<VerificationStart>,
    State(app): State<App>,
    Id(id): Id<VerificationId>,
) -> Answer {
    Ok(reply::ok(&wire::Verification::from(&app.verification_cancel(&grant, id).await?)))
}
