//! The engine's metrics.

use std::time::Duration;

/// Notes a physical commit: `size` closures, `took` for the COMMIT itself.
#[expect(clippy::cast_precision_loss, reason = "batches are small")]
pub(super) fn commit(engine: &'static str, size: usize, took: Duration) {
    metrics::histogram!("gatepost_store_batch_size", "engine" => engine).record(size as f64);
    metrics::histogram!("gatepost_store_commit_seconds", "engine" => engine).record(took.as_secs_f64());
}
