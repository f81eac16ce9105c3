//! The state machine of a verification.
//!
//! Everything that changes a verification goes through here, under the lock of its row. There is one way to `approved`:
//! a right proof, of a pending verification, before its time is over, within its tries.

use std::time::Duration;

use super::{Proof, RESENDS_MAX, VerificationState};
use crate::Timestamp;

/// Where a verification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: VerificationState,
    /// Codes drawn so far; only the last is good.
    pub generation: u32,
    /// Codes compared so far, of whatever generation.
    pub tries: u8,
    pub max_tries: u8,
    pub expires_at: Timestamp,
    /// The next code may be drawn then.
    pub resend_after: Timestamp,
}

/// What a check comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approved,
    /// Wrong, and another may be tried.
    Wrong,
    /// Wrong, and it was the last.
    Blocked,
    /// The time is over; nothing was compared.
    Expired,
    /// It was over before; nothing was compared.
    Over(VerificationState),
}

/// Why no other code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendRefused {
    Over(VerificationState),
    /// So long it has to wait.
    TooSoon(Duration),
    /// It was sent as often as it may be.
    Spent,
}

impl Standing {
    /// That of a verification which begins now.
    pub fn begin(now: Timestamp, ttl: Duration, max_tries: u8, resend_after: Duration) -> Self {
        Self {
            state: VerificationState::Pending,
            generation: 1,
            tries: 0,
            max_tries,
            expires_at: now.plus(ttl),
            resend_after: now.plus(resend_after),
        }
    }

    /// As it is at that time: what nobody has marked as expired yet is so all the same.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        if self.state == VerificationState::Pending && now >= self.expires_at {
            self.state = VerificationState::Expired;
        }
        self
    }

    /// How many codes may still be tried.
    pub const fn attempts_left(&self) -> u8 {
        match self.state {
            VerificationState::Pending => self.max_tries.saturating_sub(self.tries),
            _ => 0,
        }
    }

    /// Tries a code. The try is counted first; `prove` is called only where a code is compared at all.
    #[must_use]
    pub fn check(self, now: Timestamp, prove: impl FnOnce() -> Proof) -> (Self, Verdict) {
        if self.state.is_over() {
            return (self, Verdict::Over(self.state));
        }
        let mut next = self.at(now);
        if next.state.is_over() {
            return (next, Verdict::Expired);
        }
        // Nothing is compared beyond the last try, whatever a row says.
        if next.tries >= next.max_tries {
            next.state = VerificationState::Blocked;
            return (next, Verdict::Blocked);
        }
        next.tries += 1;
        match prove() {
            Proof::Right => {
                next.state = VerificationState::Approved;
                (next, Verdict::Approved)
            }
            Proof::Late => {
                next.state = VerificationState::Expired;
                (next, Verdict::Expired)
            }
            Proof::Wrong if next.tries >= next.max_tries => {
                next.state = VerificationState::Blocked;
                (next, Verdict::Blocked)
            }
            Proof::Wrong => (next, Verdict::Wrong),
        }
    }

    /// Another code takes the place of the one before, which is good for nothing from then on. Tries stay counted, so
    /// that sending again gives nobody more of them.
    ///
    /// # Errors
    /// Why no other code is sent.
    pub fn resend(self, now: Timestamp, ttl: Duration, wait: Duration) -> Result<Self, ResendRefused> {
        let mut next = self.at(now);
        if next.state.is_over() {
            return Err(ResendRefused::Over(next.state));
        }
        if next.generation > RESENDS_MAX {
            return Err(ResendRefused::Spent);
        }
        if now < next.resend_after {
            return Err(ResendRefused::TooSoon(next.resend_after.since(now)));
        }
        next.generation += 1;
        next.expires_at = now.plus(ttl);
        next.resend_after = now.plus(wait);
        Ok(next)
    }

    /// Ends it without an approval.
    ///
    /// # Errors
    /// The state that it had ended in before.
    fn end(self, now: Timestamp, end: VerificationState) -> Result<Self, VerificationState> {
        let now = self.at(now);
        if now.state.is_over() { Err(now.state) } else { Ok(Self { state: end, ..now }) }
    }

    /// Whoever began it takes it back.
    ///
    /// # Errors
    /// The state that it had ended in before.
    pub fn cancel(self, now: Timestamp) -> Result<Self, VerificationState> {
        self.end(now, VerificationState::Cancelled)
    }

    /// The code of this generation did not reach the person; of an earlier one that means nothing.
    pub fn fail(self, now: Timestamp, generation: u32) -> Option<Self> {
        if generation != self.generation {
            return None;
        }
        self.end(now, VerificationState::Failed).ok()
    }

    /// Marks it where its time is over.
    pub fn expire(self, now: Timestamp) -> Option<Self> {
        let next = self.at(now);
        (next.state != self.state).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;
    use crate::verification::{TRIES_MAX, TTL_DEFAULT};

    const START: Timestamp = Timestamp::from_seconds(1_793_525_400);
    const WAIT: Duration = Duration::from_secs(30);

    fn begun() -> Standing {
        Standing::begin(START, TTL_DEFAULT, TRIES_MAX, WAIT)
    }

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_right_code_approves_once() {
        let (next, verdict) = begun().check(after(1), || Proof::Right);
        assert_eq!((next.state, verdict, next.tries), (VerificationState::Approved, Verdict::Approved, 1));
        let (again, verdict) = next.check(after(2), || Proof::Right);
        assert_eq!((again, verdict), (next, Verdict::Over(VerificationState::Approved)));
    }

    #[test]
    fn five_wrong_codes_block_for_good() {
        let mut now = begun();
        for left in (1..5).rev() {
            let (next, verdict) = now.check(after(1), || Proof::Wrong);
            assert_eq!((verdict, next.attempts_left()), (Verdict::Wrong, left));
            now = next;
        }
        let (next, verdict) = now.check(after(1), || Proof::Wrong);
        assert_eq!((next.state, verdict), (VerificationState::Blocked, Verdict::Blocked));
        let (_, verdict) = next.check(after(1), || Proof::Right);
        assert_eq!(verdict, Verdict::Over(VerificationState::Blocked));
    }

    #[test]
    fn the_clock_decides() {
        let mut compared = false;
        let (next, verdict) = begun().check(after(300), || {
            compared = true;
            Proof::Right
        });
        assert!(!compared);
        assert_eq!((next.state, verdict, next.tries), (VerificationState::Expired, Verdict::Expired, 0));
        assert_eq!(begun().check(after(299), || Proof::Right).1, Verdict::Approved);
        assert_eq!(begun().expire(after(299)), None);
        assert_eq!(begun().expire(after(300)).unwrap().state, VerificationState::Expired);
    }

    #[test]
    fn sending_again_waits_and_gives_no_tries() {
        let (tried, _) = begun().check(after(1), || Proof::Wrong);
        let wait = Duration::from_secs(28);
        assert_eq!(tried.resend(after(2), TTL_DEFAULT, WAIT), Err(ResendRefused::TooSoon(wait)));
        let again = tried.resend(after(30), TTL_DEFAULT, WAIT).unwrap();
        assert_eq!((again.generation, again.tries, again.expires_at), (2, 1, after(330)));
        let mut now = again;
        for turn in 2..=5 {
            now = now.resend(after(30 * turn), TTL_DEFAULT, WAIT).unwrap();
        }
        assert_eq!(now.resend(after(200), TTL_DEFAULT, WAIT), Err(ResendRefused::Spent));
    }

    #[test]
    fn a_failure_of_an_earlier_code_means_nothing() {
        let again = begun().resend(after(30), TTL_DEFAULT, WAIT).unwrap();
        assert_eq!(again.fail(after(31), 1), None);
        assert_eq!(again.fail(after(31), 2).unwrap().state, VerificationState::Failed);
    }

    /// Whatever can happen to a verification.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Check(Proof),
        Resend,
        Cancel,
        Fail(u32),
        Expire,
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
        let step = prop_oneof![
            Just(Step::Check(Proof::Right)),
            Just(Step::Check(Proof::Wrong)),
            Just(Step::Check(Proof::Wrong)),
            Just(Step::Check(Proof::Wrong)),
            Just(Step::Check(Proof::Late)),
            Just(Step::Resend),
            Just(Step::Resend),
            Just(Step::Cancel),
            (1_u32..4).prop_map(Step::Fail),
            Just(Step::Expire),
        ];
        proptest::collection::vec((0_u64..120, step), 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// No path leads to `approved` but a right code, compared in time and within the tries; none leads on from an end.
        #[test]
        fn only_the_right_code_approves_and_ends_are_ends(steps in steps(), max_tries in 1_u8..=TRIES_MAX) {
            let mut now = Standing::begin(START, TTL_DEFAULT, max_tries, WAIT);
            let mut at = 0;
            let mut compared = 0_u32;
            for (wait, step) in steps {
                at += wait;
                let before = now;
                let mut right = false;
                now = match step {
                    Step::Check(proof) => {
                        let (next, verdict) = now.check(after(at), || {
                            compared += 1;
                            right = proof == Proof::Right;
                            proof
                        });
                        prop_assert_eq!(verdict == Verdict::Approved, right);
                        prop_assert_eq!(u32::from(next.tries), compared, "each comparison is a counted try");
                        next
                    }
                    Step::Resend => now.resend(after(at), TTL_DEFAULT, WAIT).unwrap_or(now),
                    Step::Cancel => now.cancel(after(at)).unwrap_or(now),
                    Step::Fail(generation) => now.fail(after(at), generation).unwrap_or(now),
                    Step::Expire => now.expire(after(at)).unwrap_or(now),
                };
                if before.state.is_over() {
                    prop_assert_eq!(now, before, "nothing follows an end");
                }
                if now.state == VerificationState::Approved && before.state != VerificationState::Approved {
                    prop_assert!(right && after(at) < before.expires_at && before.tries < max_tries);
                }
                prop_assert!(now.tries <= max_tries);
                prop_assert!(now.generation <= RESENDS_MAX + 1);
                prop_assert!(now.attempts_left() <= max_tries);
            }
            prop_assert!(compared <= u32::from(max_tries));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// 10,000 wrong codes: at most as many as the tries are compared, wherever they are sent again between.
        #[test]
        fn guessing_ends(resends in proptest::collection::vec(0_usize..10_000, 0..8)) {
            let mut now = begun();
            let mut compared = 0;
            for guess in 0..10_000 {
                if resends.contains(&guess) {
                    let at = now.resend_after;
                    now = now.resend(at, TTL_DEFAULT, WAIT).unwrap_or(now);
                }
                now = now.check(now.expires_at.minus(Duration::from_secs(1)), || {
                    compared += 1;
                    Proof::Wrong
                }).0;
            }
            prop_assert_eq!(compared, 5);
            prop_assert_eq!(now.state, VerificationState::Blocked);
        }
    }
}
