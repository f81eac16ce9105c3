//! Load on the whole loop: sends at a pace or with so many on their way, and the webhooks that come of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::client::{Next, Step, drive};
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
        Pace::Rate { per_second } => rate(order.senders, order.connections, started, per_second),
    };
    let counted = async {
        tokio::time::sleep(warm_up).await;
        let (from, first) = (Instant::now(), receiver.received().deliveries);
        tokio::time::sleep(time).await;
        let webhooks = receiver.received().deliveries - first;
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

/// Sends at fixed times, whether or not earlier ones were answered (while there are connections).
fn rate(senders: Vec<Sender>, connections: usize, started: Instant, per_second: f64) -> Rc<Next> {
    let number = Cell::new(0_u64);
    let taken: RefCell<Vec<Option<u64>>> = RefCell::new(vec![None; connections]);
    Rc::new(move |connection| {
        let mut taken = taken.borrow_mut();
        let mut none = None;
        let mine = taken.get_mut(connection).unwrap_or(&mut none);
        let n = *mine.get_or_insert_with(|| number.replace(number.get() + 1));
        let due = started + Duration::from_secs_f64(n as f64 / per_second);
        if Instant::now() < due {
            return Ok(Step::Wait(due));
        }
        *mine = None;
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

    #[test]
    fn a_rate_gives_each_send_its_time() {
        let started = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        let next = rate(senders(), 2, started, 2.0);
        let mut sent = 0;
        let due = loop {
            match next(0).unwrap() {
                Step::Send(_) => sent += 1,
                Step::Wait(due) => break due,
                Step::End => unreachable!(),
            }
        };
        assert_eq!((sent, due), (3, started + Duration::from_millis(1_500)));
        let Step::Wait(other) = next(1).unwrap() else { unreachable!("its time is later still") };
        assert_eq!(other, started + Duration::from_secs(2), "the other connection has a time of its own");
        assert!(
            matches!(next(0).unwrap(), Step::Wait(again) if again == due),
            "a time is kept until it comes"
        );
    }
}
