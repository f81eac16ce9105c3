//! What became of verifications, in numbers.

use gatepost_app::VerificationStats as View;
use gatepost_core::Timestamp;
use gatepost_core::verification::{Funnel as Counts, Stage};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of the verifications that were begun in a span.
#[derive(Serialize, ToSchema)]
pub struct VerificationStats<'a> {
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    /// The beginning of the first hour.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// The end of the last.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// `country`, `channel`, `template` or `hour`.
    #[schema(value_type = String, example = "country")]
    by: &'static str,
    total: Funnel,
    /// Hours in their order; others with the most first. Hours in which nothing was begun are left out.
    data: Vec<Part<'a>>,
}

/// How many came how far.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationFunnel)]
struct Funnel {
    created: i64,
    /// Meta took the message.
    sent: i64,
    delivered: i64,
    approved: i64,
    expired: i64,
    blocked: i64,
    failed: i64,
    cancelled: i64,
    /// Not begun: a rule refused it.
    refused: i64,
    /// Approved of created, 0 to 1. Null: none was created.
    conversion: Option<f64>,
    /// Delivered of sent, 0 to 1. Null: none was sent.
    delivery: Option<f64>,
}

/// Those of one country, channel, template or hour.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationFunnelPart)]
struct Part<'a> {
    /// Two letters, a channel's id, the name of a template, or the beginning of an hour. Null where nothing is known: a number
    /// of no country, a code in a text.
    #[schema(example = "DE")]
    key: Option<&'a str>,
    #[serde(flatten)]
    funnel: Funnel,
}

impl From<&Counts> for Funnel {
    fn from(counts: &Counts) -> Self {
        Self {
            created: counts.of(Stage::Created),
            sent: counts.of(Stage::Sent),
            delivered: counts.of(Stage::Delivered),
            approved: counts.of(Stage::Approved),
            expired: counts.of(Stage::Expired),
            blocked: counts.of(Stage::Blocked),
            failed: counts.of(Stage::Failed),
            cancelled: counts.of(Stage::Cancelled),
            refused: counts.of(Stage::Refused),
            conversion: counts.conversion(),
            delivery: counts.delivery(),
        }
    }
}

impl<'a> From<&'a View> for VerificationStats<'a> {
    fn from(view: &'a View) -> Self {
        let part = |(key, counts): &'a (String, Counts)| Part {
            key: Some(key.as_str()).filter(|key| !key.is_empty()),
            funnel: Funnel::from(counts),
        };
        Self {
            mode: view.mode.as_str(),
            from: view.from,
            to: view.to,
            by: view.by.as_str(),
            total: Funnel::from(&view.total),
            data: view.parts.iter().map(part).collect(),
        }
    }
}
