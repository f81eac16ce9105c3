//! Lists in pages, newest first, by opaque cursors.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatepost_core::{Code, Error, Result};
use uuid::Uuid;

/// Most items of a page.
pub const LIMIT_MAX: usize = 100;

/// One page.
pub struct Page<V> {
    pub items: Vec<V>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// Which page.
#[derive(Debug, Clone)]
pub struct PageQuery {
    /// 1 to 100.
    pub limit: usize,
    /// The `next` of the page before.
    pub after: Option<String>,
}

impl Default for PageQuery {
    fn default() -> Self {
        Self { limit: 25, after: None }
    }
}

impl PageQuery {
    /// Items older than this id; and one more than the page holds, to know whether another follows.
    pub(crate) fn bounds(&self) -> Result<(Uuid, i64)> {
        let before = match &self.after {
            None => Uuid::max(),
            Some(cursor) => BASE64_URL_SAFE_NO_PAD
                .decode(cursor)
                .ok()
                .and_then(|bytes| Uuid::from_slice(&bytes).ok())
                .ok_or_else(|| Error::new(Code::InvalidParameter, "after is not a cursor of this list"))?,
        };
        let limit = self.limit.clamp(1, LIMIT_MAX);
        Ok((before, i64::try_from(limit + 1).unwrap_or(i64::MAX)))
    }

    /// The cursor that goes on after the item with this id.
    pub(crate) fn cursor(id: Uuid) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes())
    }

    /// Cuts what was read to the page, and makes the cursor of the next.
    pub(crate) fn page<R, V>(
        &self,
        mut rows: Vec<R>,
        id: impl Fn(&R) -> Uuid,
        view: impl FnMut(R) -> Result<V>,
    ) -> Result<Page<V>> {
        let limit = self.limit.clamp(1, LIMIT_MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|r| Self::cursor(id(r))) } else { None };
        let items = rows.into_iter().map(view).collect::<Result<_>>()?;
        Ok(Page { items, next })
    }
}

/// Reads on until as many rows are seen as a page wants: what the caller does not see is stepped over, a bounded number
/// of rows per page. `read` gives up to 200 rows older than an id.
pub(crate) async fn sifted<R>(
    before: Uuid,
    wanted: i64,
    read: impl AsyncFn(Uuid) -> Result<Vec<R>>,
    id: impl Fn(&R) -> Uuid,
    seen: impl Fn(&R) -> bool,
) -> Result<Vec<R>> {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut before = before;
    let mut visible: Vec<R> = Vec::new();
    for _ in 0..STEPS_MAX {
        let rows = read(before).await?;
        let end = rows.len() < SIFTED_AT_ONCE;
        before = rows.last().map_or(before, &id);
        visible.extend(rows.into_iter().filter(|row| seen(row)));
        if end || visible.len() >= wanted {
            break;
        }
    }
    visible.truncate(wanted);
    Ok(visible)
}

/// Steps of [`sifted`] for one page.
const STEPS_MAX: usize = 20;
/// Rows of one step.
pub(crate) const SIFTED_AT_ONCE: usize = 200;
