//! `/v1/guard/keywords`

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{GuardManage, GuardRead};
use gatepost_core::{Code, KeywordId};
use serde_json::{Value, json};

use crate::access::{Grant, delete, get, post};
use crate::body::Json;
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/guard/keywords", keywords_add)
            .id("guardKeywordsAdd")
            .summary("Add words for opting out and in")
            .description("Beside those that are understood everywhere and those of whoever runs this Gatepost. They bind the next message, on every node. A word that is known already gets the new meaning; all are taken, or none.")
            .tag("Suppressions")
            .body::<wire::KeywordsAdd>(json!({ "label": "opt_out", "keywords": ["afmelden graag"] }))
            .answer::<wire::KeywordsAdded>(200, "How many there are now.", json!({ "total": 1 }))
            .fails(&[Code::Conflict]),
        get("/v1/guard/keywords", keyword_list)
            .id("guardKeywordList")
            .summary("List the workspace's own words for opting out and in")
            .tag("Suppressions")
            .query(&LIST)
            .answer_list::<wire::Keyword<'static>>("A page of keywords.", &example()),
        delete("/v1/guard/keywords/{keyword_id}", keyword_delete)
            .id("guardKeywordDelete")
            .summary("Remove a word")
            .tag("Suppressions")
            .answers_nothing("The word means nothing of its own any more."),
    ]
}

fn example() -> Value {
    json!({
        "id": "kwd_01kagq5rh8e5htqh9sk95d3x4w",
        "label": "opt_out",
        "keyword": "afmelden graag",
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn keywords_add(
    grant: Grant<GuardManage>,
    State(app): State<App>,
    Json(body): Json<wire::KeywordsAdd>,
) -> Answer {
    let total = app.keywords_add(&grant, body.label, body.keywords).await?;
    Ok(reply::ok(&wire::KeywordsAdded { total }))
}

async fn keyword_list(grant: Grant<GuardRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.keyword_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Keyword<'_>>(&page))
}

async fn keyword_delete(grant: Grant<GuardManage>, State(app): State<App>, Id(id): Id<KeywordId>) -> Answer {
    app.keyword_delete(&grant, id).await?;
    Ok(reply::nothing())
}
