//! Closures waiting for the embedded engine's one writer: a line for each lane, served in turn.
//!
//! A workspace that has a thousand transactions waiting delays another's only one by a single closure, not by a thousand.
//! Within a lane the order of arrival stays. Not shared: the writer sorts here what came in at its door.

use std::collections::{HashMap, VecDeque};

use super::Lane;
use super::job::Job;

/// See the module's page.
#[derive(Default)]
pub(super) struct Turns {
    lines: HashMap<Lane, VecDeque<Box<dyn Job>>>,
    /// Lanes with somebody in line, in the order of their turns; each appears once.
    order: VecDeque<Lane>,
    waiting: usize,
}

impl Turns {
    pub(super) const fn len(&self) -> usize {
        self.waiting
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    pub(super) fn push(&mut self, lane: Lane, job: Box<dyn Job>) {
        let line = self.lines.entry(lane).or_default();
        if line.is_empty() {
            self.order.push_back(lane);
        }
        line.push_back(job);
        self.waiting += 1;
    }

    /// The first in line of the lane whose turn it is, which then goes to the end.
    pub(super) fn pop(&mut self) -> Option<Box<dyn Job>> {
        let lane = self.order.pop_front()?;
        let line = self.lines.get_mut(&lane)?;
        let job = line.pop_front()?;
        self.waiting -= 1;
        if line.is_empty() {
            self.lines.remove(&lane);
        } else {
            self.order.push_back(lane);
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::engine::error::Result;
    use crate::engine::job::job;
    use crate::engine::tx::Tx;

    #[test]
    fn lanes_take_turns_and_keep_their_order() {
        let mut turns = Turns::default();
        assert!(turns.pop().is_none());
        let lane = |n| if n == 0 { Lane::System } else { Lane::Workspace(Uuid::from_u128(n)) };
        let mut answers: Vec<(u128, oneshot::Receiver<Result<u8>>)> = Vec::new();
        for n in [1, 1, 1, 2, 0, 1] {
            let (job, answer) = job(async |_: &Tx<'_>| Ok(1));
            turns.push(lane(n), job);
            answers.push((n, answer));
        }
        assert_eq!(turns.len(), 6);
        let mut served = Vec::new();
        while let Some(job) = turns.pop() {
            job.refuse(crate::engine::Error::closed());
            let at = answers.iter_mut().position(|(_, answer)| answer.try_recv().is_ok()).unwrap();
            served.push((answers[at].0, at));
            answers[at].1.close();
        }
        assert_eq!(served, [(1, 0), (2, 3), (0, 4), (1, 1), (1, 2), (1, 5)]);
        assert!(turns.is_empty() && turns.lines.is_empty() && turns.order.is_empty(), "nothing is kept");
    }
}
