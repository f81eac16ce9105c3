//! `/hooks/billing/stripe`: what the one who bills calls.
//!
//! Defends against: events that Stripe did not sign, or signed too long ago (the signature is verified over the raw
//! bytes before anything is parsed). Without a configured secret there is no such path.
//! Does not defend against: whoever holds the endpoint's secret.

use axum::response::IntoResponse;
use gatepost_app::App;
use gatepost_core::Code;
use http::StatusCode;

use crate::access::{Signed, Stripe, post};
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/hooks/billing/stripe", billing_accept)
            .id("billingEventAccept")
            .summary("Take an event of Stripe's")
            .description("Acts on customer.subscription.created, updated, deleted, paused and resumed, and on invoice.paid and invoice.payment_failed; others are taken and left. The workspace is named by the subscription's metadata gatepost_workspace; its plan by the price's lookup key.")
            .tag("Callbacks")
            .answers("text/plain", "The event was taken.", "")
            .fails(&[Code::NotFound, Code::InvalidJson]),
    ]
}

async fn billing_accept(signed: Signed<Stripe, App>) -> Answer {
    let Signed { state, callback, .. } = signed;
    state.app().billing_accept(callback).await?;
    Ok(StatusCode::OK.into_response())
}
