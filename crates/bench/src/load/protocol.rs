//! What the measuring process asks of the load process, and what it is answered: one JSON line each.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// One piece of work for the load process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Requests as fast as they are answered, for a time. Answered by [`Report`].
    Requests { address: SocketAddr, connections: usize, millis: u64, what: What },
    /// Signed callbacks, made before the clock starts. Answered by [`CallbackReport`].
    Callbacks(Callbacks),
    /// Sends on the whole loop. Answered by [`LoopReport`].
    Loop(Loop),
    /// Starts a webhook receiver on so many ports, as many customers' are. Answered by [`Listening`].
    Listen { ports: usize },
    /// Lets the receiver answer, or keep its callers waiting. Answered by [`Received`], as it was before.
    Gate { open: bool },
    /// Waits until the receiver has answered so many deliveries since the gate was last moved or callbacks last began.
    /// Answered by [`Received`].
    Await { deliveries: u64, seconds: u64 },
    /// What the receiver has seen. Answered by [`Received`].
    Tell,
}

/// What is asked of the server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// `GET path`.
    Get { path: String },
    /// `POST path` with some bytes that are the size of a send.
    Post { path: String },
    /// `POST /v1/messages`, the connections spread over the senders.
    Send { senders: Vec<Sender>, idempotency: bool },
}

/// An API key and a channel it may send on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sender {
    pub key: String,
    pub channel: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Callbacks {
    pub address: SocketAddr,
    pub connections: usize,
    pub sources: Vec<Source>,
    /// Inbound messages in one callback.
    pub items: usize,
    /// How many callbacks.
    pub bodies: usize,
    /// Tells this run's message ids from those of other runs.
    pub run: u64,
    /// At fixed times; at once where there is none.
    pub per_second: Option<f64>,
    /// Webhooks to wait for; 0 for none.
    pub deliveries: u64,
    pub patience_seconds: u64,
}

/// Sends, and the webhooks that come of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Loop {
    pub address: SocketAddr,
    pub connections: usize,
    /// They take turns.
    pub senders: Vec<Sender>,
    pub pace: Pace,
    /// Before the rate counts.
    pub warm_up_millis: u64,
    pub millis: u64,
    /// Webhooks that come of one message.
    pub webhooks: u64,
    pub patience_seconds: u64,
}

/// When the next message is sent.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// At once, while no more than so many are without their last webhook.
    Window { messages: u64 },
    /// At fixed times.
    Rate { per_second: f64 },
}

/// A channel as Meta knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// The callback's path.
    pub path: String,
    pub app_secret: String,
    pub phone_number_id: String,
    pub waba_id: String,
}

/// How requests went.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    pub done: u64,
    pub failed: u64,
    pub first_failure: Option<String>,
    pub nanos: u64,
    pub p50_micros: u64,
    pub p99_micros: u64,
    pub max_micros: u64,
}

impl Report {
    pub fn per_second(&self) -> f64 {
        if self.nanos == 0 { 0.0 } else { self.done as f64 * 1e9 / self.nanos as f64 }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallbackReport {
    pub answered: Report,
    /// Counted from the first callback.
    pub webhooks: Received,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoopReport {
    /// All sends, those of the warm-up included.
    pub answered: Report,
    /// After the warm-up, while sends went on.
    pub webhooks_per_second: f64,
    /// All of them, up to the last.
    pub deliveries: u64,
    /// Processor time of the load and the receiver.
    pub cpu_nanos: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Listening {
    pub ports: Vec<u16>,
}

/// What came in since the gate was last moved or callbacks last began.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Received {
    pub deliveries: u64,
    /// From then to the last delivery.
    pub nanos: u64,
    /// Of these, those of events made since then; the times from an event's making, as it tells itself, to its receipt are
    /// theirs.
    pub fresh: u64,
    pub p50_micros: u64,
    pub p99_micros: u64,
    pub max_micros: u64,
    /// Requests that have come and are kept waiting.
    pub held: u64,
    /// All connections and deliveries since the receiver was started.
    pub connections: u64,
    pub ever: u64,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn orders_survive_the_pipe() {
        let order = Order::Requests {
            address: "127.0.0.1:80".parse().unwrap(),
            connections: 2,
            millis: 10,
            what: What::Send {
                senders: vec![Sender { key: "k".into(), channel: "c".into() }],
                idempotency: true,
            },
        };
        let line = serde_json::to_string(&order).unwrap();
        assert!(!line.contains('\n'));
        let back: Order = serde_json::from_str(&line).unwrap();
        assert_eq!(format!("{back:?}"), format!("{order:?}"));
    }

    #[test]
    fn rates() {
        let report = Report { done: 500, nanos: 250_000_000, ..Report::default() };
        assert!((report.per_second() - 2_000.0).abs() < 1e-9);
        assert!(Report::default().per_second().abs() < 1e-9, "no time, no rate");
    }
}
