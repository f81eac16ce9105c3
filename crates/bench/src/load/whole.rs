//! Load on the whole loop: sends at a pace or with so many on their way, and the webhooks that come of them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::client::{Next, Step, drive};
use super::pace;
use super::protocol::{Loop, LoopReport, Pace, Sender};
use super::receiver::Receiver;
use super::sends::send;
use crate::error::Result;
use crate::process;

/// How long a connection waits when enough is on its way.
const FULL: Duration = Duration::from_millis(3);

/// Runs the load, and waits until every webhook has come or the patience ends.
pub async fn run(order: Loop, receiver: &Receiver) -> Result<LoopReport> {
    let cpu = process::cpu();
    receiver.reset();
    let (warm_up, time) = (Duration::from_millis(order.warm_up_millis), Duration::from_millis(order.millis));
    let patience = Duration::from_secs(order.patience_seconds);
    let started = Instant::now();
    let next = match order.pace {
        Pace::Window { messages } => {
            let webhooks = receiver.counter();
            let (senders, each) = (order.senders, order.webhooks.max(1));
            let open = move |sent: u64| sent < webhooks() / each + messages;
            window(senders, Box::new(open))
        }
        Pace::Rate { per_second } => {
            let senders = order.senders;
            let make = move |n: u64| send(&senders, n as usize, n, true, None).map(Some);
            pace::fixed(order.connections, started, per_second, Box::new(make))
        }
    };
    let counted = async {
        tokio::time::sleep(warm_up).await;
        let webhooks = receiver.counter();
        let (from, first) = (Instant::now(), webhooks());
        tokio::time::sleep(time).await;
        let webhooks = webhooks() - first;
        webhooks as f64 / from.elapsed().as_secs_f64()
    };
    let driven = drive(order.address, order.connections, Some(warm_up + time), next);
    let (answered, webhooks_per_second) = futures_util::future::join(driven, counted).await;
    let answered = answered?;
    let received = receiver.wait(answered.done * order.webhooks, patience).await;
    let cpu = process::cpu().saturating_sub(cpu);
    Ok(LoopReport {
        answered,
        webhooks_per_second,
        deliveries: received.deliveries,
        cpu_nanos: u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX),
    })
}

/// Sends while `open` says that another may be on its way.
fn window(senders: Vec<Sender>, open: Box<dyn Fn(u64) -> bool>) -> Rc<Next> {
    let number = Cell::new(0_u64);
    Rc::new(move |_| {
        let n = number.get();
        if !open(n) {
            return Ok(Step::Wait(Instant::now() + FULL));
        }
        number.set(n + 1);
        Ok(Step::Send(Box::new(send(&senders, n as usize, n, true, None)?)))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn senders() -> Vec<Sender> {
        vec![Sender { key: "k".into(), channel: "c".into() }]
    }

    #[test]
    fn a_window_opens_as_webhooks_come() {
        let told = Rc::new(Cell::new(0_u64));
        let heard = Rc::clone(&told);
        let next = window(senders(), Box::new(move |sent| sent < heard.get() + 2));
        let sends = |step: Step| matches!(step, Step::Send(_));
        assert!(sends(next(0).unwrap()) && sends(next(1).unwrap()) && !sends(next(0).unwrap()));
        told.set(1);
        assert!(sends(next(0).unwrap()) && !sends(next(0).unwrap()));
    }
}
