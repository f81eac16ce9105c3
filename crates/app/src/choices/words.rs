//! The classifier of each workspace: what is understood everywhere, the operator's keywords, and its own.

use gatepost_core::optout::{Classifier, Label, OwnKeyword};
use gatepost_core::{Result, WorkspaceId};
use gatepost_store::{KeywordRow, WorkspaceScope};
use moka::sync::Cache;
use uuid::Uuid;

use crate::App;

/// Keywords that one workspace may have.
pub(crate) const KEYWORDS_MAX: i64 = 10_000;
/// Workspaces whose classifiers are kept.
const KEPT: u64 = 1_000;

/// Classifiers by workspace, with the version of the keywords that they know.
#[derive(Clone)]
pub(crate) struct Words(Cache<WorkspaceId, (i64, Classifier)>);

impl Default for Words {
    fn default() -> Self {
        Self(Cache::new(KEPT))
    }
}

/// As a label is stored.
pub(crate) const fn label_number(label: Label) -> i64 {
    match label {
        Label::OptOut => 1,
        Label::OptIn => 2,
        Label::Neither | Label::Review => 3,
    }
}

pub(crate) const fn label_of(number: i64) -> Option<Label> {
    match number {
        1 => Some(Label::OptOut),
        2 => Some(Label::OptIn),
        3 => Some(Label::Neither),
        _ => None,
    }
}

/// A keyword as the classifier takes it; `None` where the base has learned since that it means something else.
fn own(row: &KeywordRow) -> Option<OwnKeyword> {
    OwnKeyword::parse(&row.words, label_of(row.label)?).ok()
}

impl App {
    /// The workspace's classifier as its keywords are now: their version is read each time, so that a change binds the
    /// next message on every node.
    pub(crate) async fn classifier(&self, scope: WorkspaceScope) -> Result<Classifier> {
        let known = self.0.words.0.get(&scope.workspace());
        let version = known.as_ref().map(|(version, _)| *version);
        let base = &self.0.config.guard.keywords;
        let read = self
            .0
            .store
            .read(scope, async move |tx| {
                let now = tx.keyword_version().await?;
                if Some(now) == version || now == 0 {
                    return Ok((now, Vec::new()));
                }
                Ok((now, tx.keyword_list(Uuid::max(), KEYWORDS_MAX).await?))
            })
            .await?;
        let (now, rows) = read;
        if let Some((_, classifier)) = known.filter(|(version, _)| *version == now) {
            return Ok(classifier);
        }
        let keywords: Vec<OwnKeyword> = base.iter().cloned().chain(rows.iter().filter_map(own)).collect();
        let classifier = Classifier::new(&keywords);
        self.0.words.0.insert(scope.workspace(), (now, classifier.clone()));
        Ok(classifier)
    }
}
