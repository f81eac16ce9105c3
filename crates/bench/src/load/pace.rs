//! When requests go out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

use super::client::{Next, Step};
use crate::error::Result;

/// Makes the request of this number; `None` after the last.
pub type Make = dyn Fn(u64) -> Result<Option<Request<Full<Bytes>>>>;

/// One after the other, as fast as they are answered.
pub fn at_once(make: Box<Make>) -> Rc<Next> {
    let number = Cell::new(0_u64);
    Rc::new(move |_| {
        let n = number.replace(number.get() + 1);
        Ok(make(n)?.map_or(Step::End, |request| Step::Send(Box::new(request))))
    })
}

/// At fixed times, whether or not earlier ones were answered (while there are connections).
pub fn fixed(connections: usize, started: Instant, per_second: f64, make: Box<Make>) -> Rc<Next> {
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
        Ok(make(n)?.map_or(Step::End, |request| Step::Send(Box::new(request))))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn three() -> Box<Make> {
        Box::new(|n| Ok((n < 3).then(Request::default)))
    }

    #[test]
    fn a_rate_gives_each_request_its_time() {
        let started = Instant::now().checked_sub(Duration::from_millis(600)).unwrap();
        let next = fixed(2, started, 2.0, three());
        let mut sent = 0;
        let due = loop {
            match next(0).unwrap() {
                Step::Send(_) => sent += 1,
                Step::Wait(due) => break due,
                Step::End => unreachable!(),
            }
        };
        assert_eq!((sent, due), (2, started + Duration::from_secs(1)));
        let Step::Wait(other) = next(1).unwrap() else { unreachable!("its time is later still") };
        assert_eq!(
            other,
            started + Duration::from_millis(1_500),
            "the other connection has a time of its own"
        );
        assert!(
            matches!(next(0).unwrap(), Step::Wait(again) if again == due),
            "a time is kept until it comes"
        );
    }

    #[test]
    fn both_end_after_the_last() {
        let long_ago = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        for next in [at_once(three()), fixed(1, long_ago, 2.0, three())] {
            let sent = (0..3).all(|_| matches!(next(0).unwrap(), Step::Send(_)));
            assert!(sent && matches!(next(0).unwrap(), Step::End));
        }
    }
}
