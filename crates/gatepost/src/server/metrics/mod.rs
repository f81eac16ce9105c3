//! Prometheus metrics, on a listener of their own.

mod table;

use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use gatepost_app::App;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, Result};

/// From a tenth of a millisecond to ten seconds.
const SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// A delivery may succeed at once or at the end of its schedule: from a millisecond to three days.
const JOURNEYS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0,
    43_200.0, 86_400.0, 259_200.0,
];
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// How often histograms that nobody reads are folded up.
const UPKEEP: Duration = Duration::from_secs(10);

/// From now on this process counts.
pub fn install() -> Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES))
        .and_then(|builder| {
            let journey = Matcher::Full("gatepost_webhook_delivery_seconds".to_owned());
            builder.set_buckets_for_metric(journey, JOURNEYS)
        })
        .map_err(Failure::failed)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(Failure::failed)?;
    table::begin();
    Ok(handle)
}

/// Answers `GET /metrics` until `stop`.
pub async fn serve(
    listener: TcpListener,
    app: App,
    handle: PrometheusHandle,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let upkeep = handle.clone();
    let router = Router::new().route(
        "/metrics",
        get(move || {
            let (app, handle) = (app.clone(), handle.clone());
            async move {
                // What is measured by looking is looked at now.
                app.gauges_refresh().await;
                ([("content-type", "text/plain; version=0.0.4")], handle.render())
            }
        }),
    );
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let fold = async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    };
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()) => served,
        () = fold => Ok(()),
    }
}
