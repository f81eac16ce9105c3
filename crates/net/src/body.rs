//! Request bodies, in memory or read as they are sent, and response bodies read up to a budget.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::poll_fn;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// A body whose length is known and whose bytes are read from somewhere as they are sent, so that it is never whole in
/// memory. A source that fails or ends early cuts the request, so that the other side never sees the end of the body;
/// more than was said is never sent.
pub struct BodyStream {
    left: u64,
    source: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
}

impl BodyStream {
    /// A body of exactly `length` bytes.
    pub fn new(length: u64, source: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self { left: length, source: Box::pin(source) }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let piece = match ready!(self.source.as_mut().poll_next(cx)) {
                Some(Ok(piece)) => piece,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.left == 0 => return Poll::Ready(None),
                None => {
                    let early = io::Error::new(io::ErrorKind::UnexpectedEof, "the source ended early");
                    return Poll::Ready(Some(Err(early)));
                }
            };
            match self.left.checked_sub(piece.len() as u64) {
                Some(_) if piece.is_empty() => {}
                Some(left) => {
                    self.left = left;
                    return Poll::Ready(Some(Ok(piece)));
                }
                None => {
                    let more = io::Error::new(io::ErrorKind::InvalidData, "the source brings too much");
                    return Poll::Ready(Some(Err(more)));
                }
            }
        }
    }
}

/// A part of a request body.
pub(crate) enum Piece {
    Bytes(Bytes),
    Stream(BodyStream),
}

impl Piece {
    fn remaining(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(stream) => stream.left,
        }
    }
}

/// A request body: pieces that are sent one after the other without being joined.
#[derive(Default)]
pub(crate) struct RequestBody {
    pieces: VecDeque<Piece>,
}

impl RequestBody {
    pub(crate) fn one(bytes: Bytes) -> Self {
        Self::pieces(vec![Piece::Bytes(bytes)])
    }

    pub(crate) fn pieces(pieces: Vec<Piece>) -> Self {
        Self { pieces: pieces.into() }
    }

    fn remaining(&self) -> u64 {
        self.pieces.iter().map(Piece::remaining).sum()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match self.pieces.front_mut() {
                None => return Poll::Ready(None),
                Some(Piece::Bytes(bytes)) => {
                    let bytes = std::mem::take(bytes);
                    self.pieces.pop_front();
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
                Some(Piece::Stream(stream)) => match ready!(stream.poll_piece(cx)) {
                    Some(piece) => return Poll::Ready(Some(piece.map(Frame::data))),
                    None => {
                        self.pieces.pop_front();
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        // A stream that has given all its bytes may still have more, which must be noticed.
        self.pieces.iter().all(|piece| matches!(piece, Piece::Bytes(bytes) if bytes.is_empty()))
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

/// The next data of a body; `None` at its end. Trailers are passed over.
pub(crate) async fn next(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await? {
            Err(error) => return Some(Err(error)),
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
        }
    }
}

/// Reads frames until the end or until more than `budget` bytes have come, and hands the first `budget` bytes to
/// `keep`. Trailers are passed over.
pub(crate) async fn read(body: &mut Incoming, budget: usize, mut keep: impl FnMut(&[u8])) -> BodyEnd {
    let mut left = budget;
    loop {
        match next(body).await {
            None => return BodyEnd::Complete,
            Some(Err(error)) => return BodyEnd::Cut(error),
            Some(Ok(data)) => {
                keep(&data[..data.len().min(left)]);
                if data.len() > left {
                    return BodyEnd::OverBudget;
                }
                left -= data.len();
            }
        }
    }
}
