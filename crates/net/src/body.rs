//! Request bodies that are already in memory, and response bodies read up to a budget.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::poll_fn;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// A request body: pieces that are sent one after the other without being joined.
#[derive(Default)]
pub(crate) struct RequestBody {
    next: Bytes,
    rest: VecDeque<Bytes>,
}

impl RequestBody {
    pub(crate) const fn one(bytes: Bytes) -> Self {
        Self { next: bytes, rest: VecDeque::new() }
    }

    pub(crate) fn pieces(pieces: Vec<Bytes>) -> Self {
        Self { next: Bytes::new(), rest: pieces.into() }
    }

    fn remaining(&self) -> u64 {
        std::iter::once(&self.next).chain(&self.rest).map(|piece| piece.len() as u64).sum()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut piece = std::mem::take(&mut self.next);
        while piece.is_empty() {
            match self.rest.pop_front() {
                Some(next) => piece = next,
                None => return Poll::Ready(None),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}

/// How reading a response body ended.
#[derive(Debug)]
pub(crate) enum BodyEnd {
    /// The whole body was read; the connection may be used again.
    Complete,
    /// The budget is spent and there may be more; the connection must be dropped.
    OverBudget,
    /// The connection failed in the middle.
    Cut(hyper::Error),
}

/// Reads frames until the end or until more than `budget` bytes have come, and hands the first `budget` bytes to
/// `keep`. Trailers are passed over.
pub(crate) async fn read(body: &mut Incoming, budget: usize, mut keep: impl FnMut(&[u8])) -> BodyEnd {
    let mut left = budget;
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            None => return BodyEnd::Complete,
            Some(Err(error)) => return BodyEnd::Cut(error),
            Some(Ok(frame)) => {
                let Some(data) = frame.data_ref() else { continue };
                keep(&data[..data.len().min(left)]);
                if data.len() > left {
                    return BodyEnd::OverBudget;
                }
                left -= data.len();
            }
        }
    }
}
