//! `/v1/suppressions`

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, ExportFormat, Idempotent, SuppressionAdd, SuppressionExport};
use gatepost_core::access::permission::{self, GuardRead, SuppressionLift};
use gatepost_core::channel::Mode;
use gatepost_core::{Code, Result, SuppressionId, SuppressionImportId};
use http::StatusCode;
use serde_json::{Value, json};

use super::{mode_of, split};
use crate::access::{Grant, delete, get, post};
use crate::attachment::attachment;
use crate::body::{Create, Json};
use crate::csv_upload::CsvUpload;
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer, kept};
use crate::route::Route;
use crate::wire;

pub(super) const FORMAT: [QueryParameter; 1] =
    [QueryParameter::text("format", "`csv`, which is usual, or `jsonl`.", "csv")];
const MODE: [QueryParameter; 1] = [QueryParameter::text(
    "mode",
    "`test` or `live`; only where the caller sees both. A key means its own mode.",
    "live",
)];

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/suppressions", suppression_add)
            .id("suppressionAdd")
            .open_when_suspended()
            .summary("Suppress a person")
            .description("From the moment of this answer only essential purposes go to the person, whatever name they are known by; queued messages do not go either. Whoever is suppressed already stays so, and the answer shows how.")
            .tag("Suppressions")
            .creates::<wire::SuppressionAdd>(json!({ "to": "+12025550155", "reason": "Asked on the phone" }))
            .answer::<wire::Suppression<'static>>(201, "The suppression that the person is under.", example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/suppressions", suppression_list)
            .id("suppressionList")
            .open_when_suspended()
            .summary("List suppressed people, the newest first")
            .tag("Suppressions")
            .query(&LIST)
            .answer_list::<wire::Suppression<'static>>("A page of suppressed people.", &example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/suppressions/export", suppression_export)
            .id("suppressionExport")
            .open_when_suspended()
            .summary("Export the suppressed people")
            .description("All of them, the newest first, passed on as they are read. The first two columns can be imported again. No cell of the CSV begins a formula.")
            .tag("Suppressions")
            .query(&FORMAT)
            .answers_file("The list, as an attachment.")
            .fails(&[Code::ChannelNotAllowed]),
        post("/v1/suppressions/imports", suppression_import)
            .id("suppressionImport")
            .open_when_suspended()
            .summary("Suppress the people of a file")
            .description("The body is the file itself, at most 10 MB of CSV: one person a row, the number (or BSUID) first, a reason beside it if you like; a first row of headings is known. Rows are judged at once, and what names nobody is told by its line. The rest is done in the background. It adds, and never lifts anything. At most ten run at once.")
            .tag("Suppressions")
            .query(&MODE)
            .takes_file(std::iter::once("text/csv"), ("text/csv", b"+12025550157,Asked on the phone\r\n"))
            .answer::<wire::SuppressionImport<'static>>(202, "The import, which is running.", import_example())
            .fails(&[
                Code::ChannelNotAllowed,
                Code::Conflict,
                Code::PayloadTooLarge,
                Code::UnsupportedMediaType,
                Code::RequestTimeout,
            ]),
        get("/v1/suppressions/imports", import_list)
            .id("suppressionImportList")
            .open_when_suspended()
            .summary("List imports, the newest first")
            .tag("Suppressions")
            .query(&LIST)
            .answer_list::<wire::SuppressionImport<'static>>("A page of imports.", &import_example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/suppressions/imports/{import_id}", import_get)
            .id("suppressionImportGet")
            .open_when_suspended()
            .summary("Read an import and how far it came")
            .tag("Suppressions")
            .answer::<wire::SuppressionImport<'static>>(200, "The import.", import_example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/suppressions/{suppression_id}", suppression_get)
            .id("suppressionGet")
            .open_when_suspended()
            .summary("Read a suppression")
            .tag("Suppressions")
            .answer::<wire::Suppression<'static>>(200, "The suppression.", example())
            .fails(&[Code::ChannelNotAllowed]),
        delete("/v1/suppressions/{suppression_id}", suppression_lift)
            .id("suppressionLift")
            .summary("Lift a suppression that was made by hand")
            .description("For owners, with a reason, which stands in the audit log. What is the person's own choice only the person undoes, by writing START.")
            .tag("Suppressions")
            .body::<wire::GuardReason>(json!({ "reason": "Added by mistake: the number of a colleague" }))
            .answers_nothing("The workspace may write to the person again.")
            .fails(&[Code::ChannelNotAllowed, Code::SuppressedByPerson]),
    ]
}

fn example() -> Value {
    json!({
        "id": "sup_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "live",
        "contact": { "phone": "+12025550155", "bsuid": null },
        "source": "manual",
        "by_hand": null,
        "reason": "Asked on the phone",
        "actor": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "in_flight": 0,
        "said_at": null,
        "created_at": "2026-11-01T09:30:00Z",
    })
}

fn import_example() -> Value {
    json!({
        "id": "sim_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "live",
        "state": "running",
        "actor": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "progress": { "total": 1200, "added": 480, "known": 20, "bad": 1 },
        "faults": [{
            "line": 4,
            "code": "recipient_invalid",
            "detail": "expected an international phone number such as +12025550123",
        }],
        "created_at": "2026-11-01T09:30:00Z",
        "finished_at": null,
    })
}

/// `csv` where nothing is said: lists are for people.
pub(super) fn format(query: &Query) -> Result<ExportFormat> {
    let Some(text) = query.get("format") else { return Ok(ExportFormat::Csv) };
    let found = ExportFormat::ALL.into_iter().find(|format| format.as_str() == text);
    found.ok_or_else(|| invalid("format: expected csv or jsonl"))
}

pub(super) fn file(export: SuppressionExport) -> Response {
    let (media_type, filename) = (export.format().media_type(), export.filename());
    attachment(Some(media_type), &filename, None, export.into_stream())
}

fn mode(query: &Query) -> Result<Option<Mode>> {
    let Some(text) = query.get("mode") else { return Ok(None) };
    let found = [Mode::Test, Mode::Live].into_iter().find(|mode| mode.as_str() == text);
    found.map(Some).ok_or_else(|| invalid("mode: expected test or live"))
}

async fn suppression_add(
    grant: Grant<permission::SuppressionAdd>,
    State(app): State<App>,
    create: Create<wire::SuppressionAdd>,
) -> Answer {
    let (wire::SuppressionAdd { to, reason, mode }, idempotent) = split(create);
    let add = SuppressionAdd { to, mode: mode_of(&grant, mode)?, reason };
    let outcome = app.suppression_add(&grant, add, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn suppression_list(grant: Grant<GuardRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.suppression_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Suppression<'_>>(&page))
}

async fn suppression_export(
    grant: Grant<permission::SuppressionExport>,
    State(app): State<App>,
    query: Query,
) -> Answer {
    Ok(file(app.suppression_export(&grant, format(&query)?).await?))
}

async fn suppression_import(
    grant: Grant<permission::SuppressionAdd>,
    State(app): State<App>,
    query: Query,
    mut upload: CsvUpload,
) -> Answer {
    let idempotent = upload.take_key().map(|(key, request)| Idempotent { key, request, render: kept });
    let mode = mode_of(&grant, mode(&query)?)?;
    let outcome = app.suppression_import(&grant, mode, upload.file, idempotent).await?;
    Ok(reply::made(StatusCode::ACCEPTED, outcome))
}

async fn import_list(grant: Grant<GuardRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.suppression_import_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::SuppressionImport<'_>>(&page))
}

async fn import_get(
    grant: Grant<GuardRead>,
    State(app): State<App>,
    Id(id): Id<SuppressionImportId>,
) -> Answer {
    let view = app.suppression_import_get(&grant, id).await?;
    Ok(reply::ok(&wire::SuppressionImport::from(&view)))
}

async fn suppression_get(
    grant: Grant<GuardRead>,
    State(app): State<App>,
    Id(id): Id<SuppressionId>,
) -> Answer {
    let view = app.suppression_get(&grant, id).await?;
    Ok(reply::ok(&wire::Suppression::from(&view)))
}

async fn suppression_lift(
    grant: Grant<SuppressionLift>,
    State(app): State<App>,
    Id(id): Id<SuppressionId>,
    Json(body): Json<wire::GuardReason>,
) -> Answer {
    app.suppression_lift(&grant, id, body.reason).await?;
    Ok(reply::nothing())
}
