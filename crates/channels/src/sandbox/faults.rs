//! Faults on demand.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use super::world::locked;

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 500 with an error of Meta's; the message is not taken.
    ServerError,
    /// HTTP 429 with 130429; the message is not taken.
    RateLimited,
    /// HTTP 502 with a page of some proxy; the message is taken all the same if `taken`.
    BadGateway { taken: bool },
    /// No answer ever, though the message is taken if `taken`.
    Hang { taken: bool },
    /// The connection ends after the body was read; the message is taken if `taken`.
    Cut { taken: bool },
    /// HTTP 200 and a body that is not Meta's; the message is taken.
    Garbled,
}

impl Fault {
    /// Whether the message goes out although the sender does not hear so.
    pub(super) const fn takes(self) -> bool {
        match self {
            Self::ServerError | Self::RateLimited => false,
            Self::BadGateway { taken } | Self::Hang { taken } | Self::Cut { taken } => taken,
            Self::Garbled => true,
        }
    }
}

/// Which calls a fault befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Sends.
    Messages,
    /// Uploads, descriptors, downloads and deletions of media, and uploads of samples.
    Media,
    /// Everything about templates but sending them.
    Templates,
    /// All other calls: numbers, accounts, tokens.
    Management,
    /// Whatever comes next.
    Any,
}

impl Reach {
    const fn covers(self, call: Self) -> bool {
        matches!(
            (self, call),
            (Self::Any, _)
                | (Self::Messages, Self::Messages)
                | (Self::Media, Self::Media)
                | (Self::Templates, Self::Templates)
                | (Self::Management, Self::Management)
        )
    }
}

/// The faults that are asked for at present.
#[derive(Debug, Default)]
pub(super) struct Faults {
    queue: Mutex<VecDeque<(u32, Fault, Reach)>>,
    /// How many calls are still to fail, so that the common way takes no lock.
    left: AtomicUsize,
    /// Further copies of every piece of news.
    pub(super) duplicates: AtomicU32,
    /// Whether news are told out of order.
    pub(super) shuffle: AtomicBool,
}

impl Faults {
    pub(super) fn add(&self, times: u32, fault: Fault, reach: Reach) {
        if times > 0 {
            let mut queue = locked(&self.queue);
            queue.push_back((times, fault, reach));
            self.left.fetch_add(times as usize, Ordering::Release);
        }
    }

    pub(super) fn clear(&self) {
        let mut queue = locked(&self.queue);
        queue.clear();
        self.left.store(0, Ordering::Release);
        self.duplicates.store(0, Ordering::Relaxed);
        self.shuffle.store(false, Ordering::Relaxed);
    }

    /// The fault of the next call of this kind.
    pub(super) fn take(&self, call: Reach) -> Option<Fault> {
        if self.left.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut queue = locked(&self.queue);
        let at = queue.iter().position(|(_, _, reach)| reach.covers(call))?;
        let (times, fault, _) = queue.get_mut(at)?;
        let fault = *fault;
        *times -= 1;
        if *times == 0 {
            queue.remove(at);
        }
        self.left.fetch_sub(1, Ordering::Release);
        Some(fault)
    }
}
