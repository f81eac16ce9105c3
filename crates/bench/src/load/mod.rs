//! Load and receiver, in a process of their own so that the server's processor time can be told from theirs.

mod callback;
mod client;
mod pace;
mod protocol;
mod receiver;
mod sends;
mod whole;
pub mod worker;

use std::process::Stdio;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

pub use protocol::{
    CallbackReport, Callbacks, Listening, Loop, LoopReport, Order, Pace, Received, Report, Sender, Source,
    What,
};
pub use sends::stamp_of;

use crate::error::{Failure, Result};

/// The name of the hidden subcommand that is the load process.
pub const SUBCOMMAND: &str = "load-process";

/// The load process, ended when this is dropped.
pub struct Load {
    _child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Load {
    pub fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("the load process has no pipes"));
        };
        Ok(Self { _child: child, orders, answers: BufReader::new(answers).lines() })
    }

    async fn order<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T> {
        let mut line = serde_json::to_vec(order)?;
        line.push(b'\n');
        self.orders.write_all(&line).await?;
        self.orders.flush().await?;
        let line =
            self.answers.next_line().await?.ok_or_else(|| Failure::new("the load process has ended"))?;
        let answer: serde_json::Value = serde_json::from_str(&line)?;
        if let Some(failure) = answer.get("failure").and_then(|f| f.as_str()) {
            return Err(Failure::new(format!("the load process: {failure}")));
        }
        Ok(serde_json::from_value(answer)?)
    }

    /// Requests for a time; an answer that is no success is a failure of the run.
    pub async fn requests(
        &mut self,
        address: std::net::SocketAddr,
        connections: usize,
        millis: u64,
        what: What,
    ) -> Result<Report> {
        let report: Report = self.order(&Order::Requests { address, connections, millis, what }).await?;
        all_answered(report)
    }

    /// Callbacks, and the webhooks that follow from them.
    pub async fn callbacks(&mut self, callbacks: Callbacks) -> Result<CallbackReport> {
        let wanted = callbacks.deliveries;
        let mut report: CallbackReport = self.order(&Order::Callbacks(callbacks)).await?;
        report.answered = all_answered(report.answered)?;
        all_arrived(report.webhooks.fresh, wanted)?;
        Ok(report)
    }

    /// Sends on the whole loop, until the last webhook of them.
    pub async fn whole(&mut self, order: Loop) -> Result<LoopReport> {
        let webhooks = order.webhooks;
        let mut report: LoopReport = self.order(&Order::Loop(order)).await?;
        report.answered = all_answered(report.answered)?;
        let wanted = report.answered.done * webhooks;
        if report.deliveries == wanted {
            return Ok(report);
        }
        Err(Failure::new(format!("{} webhooks arrived, and not {wanted}", report.deliveries)))
    }

    /// Starts the receiver; answers its ports.
    pub async fn listen(&mut self, ports: usize) -> Result<Vec<u16>> {
        let listening: Listening = self.order(&Order::Listen { ports }).await?;
        Ok(listening.ports)
    }

    /// Opens or closes the receiver's gate, and counts anew. Answers what it had seen.
    pub async fn gate(&mut self, open: bool) -> Result<Received> {
        self.order(&Order::Gate { open }).await
    }

    /// Waits for deliveries since the gate moved.
    pub async fn deliveries(&mut self, deliveries: u64, seconds: u64) -> Result<Received> {
        let received: Received = self.order(&Order::Await { deliveries, seconds }).await?;
        all_arrived(received.deliveries, deliveries)?;
        Ok(received)
    }

    /// What the receiver has seen.
    pub async fn received(&mut self) -> Result<Received> {
        self.order(&Order::Tell).await
    }
}

fn all_arrived(arrived: u64, wanted: u64) -> Result<()> {
    if arrived >= wanted {
        return Ok(());
    }
    Err(Failure::new(format!("{arrived} of {wanted} webhooks arrived before the patience ended")))
}

fn all_answered(report: Report) -> Result<Report> {
    if report.failed == 0 {
        return Ok(report);
    }
    let first = report.first_failure.unwrap_or_default();
    Err(Failure::new(format!("{} of {} requests failed, the first with {first}", report.failed, report.done)))
}
