//! Reading an account's templates from Meta: what was made, changed or deleted elsewhere.

use std::collections::HashMap;

use gatepost_channels::cloud::{CloudChannel, MetaTemplate};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::template::{ParameterFormat, TemplateStatus};
use gatepost_core::{ChannelId, Code, Error, Result, TemplateId, Timestamp};
use gatepost_store::{ChannelRow, TemplateRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::drafting::keep_news;
use super::{account_of, open_components, seal_components, take_over};
use crate::App;
use crate::channels::call_failed;

/// Most pages of one account: of a hundred templates each, more than Meta allows.
const PAGES: usize = 100;
/// Rows of one transaction, so that others get their turn.
const AT_ONCE: usize = 200;

/// What a synchronisation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSynced {
    pub waba_id: String,
    /// Templates that Meta has.
    pub total: usize,
    /// New here.
    pub added: usize,
    /// Known here, and different at Meta.
    pub changed: usize,
    /// Gone at Meta since.
    pub deleted: usize,
}

/// What becomes of one row.
#[derive(Clone)]
enum Step {
    Add(Box<TemplateRow>),
    /// What was seen, and what it becomes.
    Change(Box<(TemplateRow, TemplateRow)>),
    Gone(Box<TemplateRow>),
}

impl App {
    /// Reads all templates of a channel's account: adds those that are new, takes over what is different, and marks
    /// `DELETED` what is not there any more. Drafts stay as they are.
    pub async fn template_sync(
        &self,
        grant: &Grant<permission::TemplateManage>,
        channel: Option<ChannelId>,
    ) -> Result<TemplateSynced> {
        let scope = WorkspaceScope::from(grant);
        let channel = self.template_channel(grant, channel).await?;
        let cloud = self.cloud_channel_of(scope, &channel).await?;
        let synced = self.templates_read(scope, &channel, &cloud).await?;
        let audit = self.audit(
            grant,
            Action::TemplateSynced,
            ("channel", channel.id.to_string()),
            vec![
                ("waba_id", synced.waba_id.clone()),
                ("total", synced.total.to_string()),
                ("added", synced.added.to_string()),
                ("changed", synced.changed.to_string()),
                ("deleted", synced.deleted.to_string()),
            ],
        );
        self.0.store.write(scope, async move |tx| tx.commit(audit.clone(), ())).await?;
        Ok(synced)
    }

    /// The same without anybody who asked: part of the daily look.
    pub(crate) async fn templates_read(
        &self,
        scope: WorkspaceScope,
        channel: &ChannelRow,
        cloud: &CloudChannel,
    ) -> Result<TemplateSynced> {
        let keys = self.0.sealing.keys(scope).await?;
        let account = account_of(channel);
        // Read before Meta is asked: what is made here meanwhile is not missing there.
        let known = self.0.store.read(scope, async move |tx| tx.template_list_of(&account).await).await?;
        let told = self.templates_told(cloud, &channel.waba_id).await?;
        let total = told.len();
        let steps = self.template_steps(&keys, channel, known, &told)?;
        let count = |wanted: fn(&Step) -> bool| steps.iter().filter(|step| wanted(step)).count();
        let synced = TemplateSynced {
            waba_id: channel.waba_id.clone(),
            total,
            added: count(|step| matches!(step, Step::Add(_))),
            changed: count(|step| matches!(step, Step::Change(pair) if differs(&pair.0, &pair.1))),
            deleted: count(|step| matches!(step, Step::Gone(_))),
        };
        let now = self.now();
        for some in steps.chunks(AT_ONCE) {
            let some = some.to_vec();
            self.0
                .store
                .write(scope, async move |tx| {
                    for step in &some {
                        write(tx, step, now).await?;
                    }
                    tx.commit(
                        Audit::None("what Meta has, taken over; who asked for it is in an entry of its own"),
                        (),
                    )
                })
                .await?;
        }
        Ok(synced)
    }

    /// Every template of an account, page after page.
    async fn templates_told(&self, cloud: &CloudChannel, waba_id: &str) -> Result<Vec<MetaTemplate>> {
        let mut told = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let page = self.0.cloud.template_list(cloud, waba_id, after.as_deref()).await;
            let page = page.map_err(call_failed)?;
            told.extend(page.templates);
            match page.after {
                None => return Ok(told),
                // A cursor that does not move would go round for ever.
                next if next == after => break,
                next => after = next,
            }
        }
        // Whatever is missing from half a list must not count as deleted.
        Err(Error::new(Code::MetaUnreachable, "Meta's list of templates did not end"))
    }

    /// Compares what is known with what Meta tells.
    fn template_steps(
        &self,
        keys: &WorkspaceKeys,
        channel: &ChannelRow,
        known: Vec<TemplateRow>,
        told: &[MetaTemplate],
    ) -> Result<Vec<Step>> {
        let now = self.now();
        let mut by_provider: HashMap<String, usize> = HashMap::new();
        let mut by_name: HashMap<(String, String), usize> = HashMap::new();
        for (at, row) in known.iter().enumerate() {
            if let Some(provider_id) = &row.provider_id {
                by_provider.insert(provider_id.clone(), at);
            }
            by_name.insert((row.name.clone(), row.language.clone()), at);
        }
        let mut met = vec![false; known.len()];
        let mut steps = Vec::with_capacity(told.len());
        for told in told {
            let at = by_provider.get(&told.id).copied();
            let at = at.or_else(|| by_name.get(&(told.name.clone(), told.language.clone())).copied());
            match at.and_then(|at| known.get(at).map(|row| (at, row))) {
                Some((at, _)) if std::mem::replace(&mut met[at], true) => {}
                Some((_, seen)) => steps.push(changed(keys, seen, told, now)?),
                None => {
                    let id = TemplateId::new(now, self.entropy());
                    steps.push(Step::Add(Box::new(added(keys, channel, id, told, now)?)));
                }
            }
        }
        let gone = known
            .into_iter()
            .zip(met)
            .filter(|(row, met)| !met && row.provider_id.is_some() && row.status != TemplateStatus::Deleted);
        steps.extend(gone.map(|(row, _)| Step::Gone(Box::new(row))));
        Ok(steps)
    }
}

/// A template that was made elsewhere.
fn added(
    keys: &WorkspaceKeys,
    channel: &ChannelRow,
    id: TemplateId,
    told: &MetaTemplate,
    now: Timestamp,
) -> Result<TemplateRow> {
    let none = gatepost_core::template::Components::none();
    let components = told.components.as_deref().unwrap_or_else(|| none.raw());
    let mut row = TemplateRow {
        id,
        mode: channel.mode,
        waba_id: channel.waba_id.clone(),
        provider_id: None,
        name: told.name.clone(),
        language: told.language.clone(),
        category: told.category.clone().unwrap_or_default(),
        parameter_format: ParameterFormat::default().as_str().to_owned(),
        status: TemplateStatus::Other("UNKNOWN".to_owned()),
        status_at: None,
        category_at: None,
        quality: None,
        quality_at: None,
        reason: None,
        components: seal_components(keys, id, components)?,
        created_at: now,
        updated_at: now,
        synced_at: None,
    };
    let seen = row.clone();
    take_over(&mut row, &seen, told, now);
    Ok(row)
}

/// A template that is known here.
fn changed(keys: &WorkspaceKeys, seen: &TemplateRow, told: &MetaTemplate, now: Timestamp) -> Result<Step> {
    let mut row = seen.clone();
    if let Some(components) = &told.components
        && open_components(keys, seen)?.get() != components.get()
    {
        row.components = seal_components(keys, seen.id, components)?;
    }
    take_over(&mut row, seen, told, now);
    if differs(seen, &row) {
        row.updated_at = now;
    }
    Ok(Step::Change(Box::new((seen.clone(), row))))
}

/// Whether anything but the time of reading is different.
fn differs(seen: &TemplateRow, row: &TemplateRow) -> bool {
    *seen != TemplateRow { updated_at: seen.updated_at, synced_at: seen.synced_at, ..row.clone() }
}

async fn write(tx: &WorkspaceTx<'_>, step: &Step, now: Timestamp) -> Result<()> {
    match step {
        Step::Add(row) => {
            // Made here meanwhile: then it is known, and the next synchronisation compares it.
            tx.template_insert(row).await?;
        }
        Step::Change(pair) => {
            let (seen, row) = pair.as_ref();
            if let Some(current) = tx.template_take(row.id).await? {
                let mut row = row.clone();
                keep_news(&mut row, seen, &current);
                tx.template_update(&row).await?;
            }
        }
        Step::Gone(seen) => {
            if let Some(mut row) = tx.template_take(seen.id).await?
                && row.provider_id == seen.provider_id
                && row.status_at == seen.status_at
            {
                (row.status, row.updated_at, row.synced_at) = (TemplateStatus::Deleted, now, Some(now));
                tx.template_update(&row).await?;
            }
        }
    }
    Ok(())
}
