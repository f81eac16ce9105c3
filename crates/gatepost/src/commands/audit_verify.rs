//! `gatepost audit verify`: offline, beside a server or without one.
//!
//! Threat note. The installation that is checked may be in somebody else's hands, so nothing of it is run and nothing
//! changed. Without `--public-key` the key is taken from the database and the master key: that tells of whoever holds
//! the database alone. Whoever may hold the master key too is told of by a public key that was noted elsewhere, and a
//! file of checkpoints that was kept elsewhere.

use std::path::PathBuf;

use gatepost_app::{
    Checked, CheckpointPublicKey, Elsewhere, Verified, public_key_of, verify_export, verify_store,
};
use gatepost_core::WorkspaceId;
use gatepost_store::Store;
use gatepost_store::engine::{Engine, SqliteOptions};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::config::Settings;
use crate::failure::{Failure, Result};
use crate::installation::data_dir::Places;
use crate::installation::database;
use crate::installation::master_keys::{KeyPlace, forbid_dumps};
use crate::output::{Output, Tint};

#[derive(clap::Args)]
#[command(after_help = "\
Without a file every log of this installation's database is checked, whether its server runs or not. The first thing
that is wrong is named with its entry. Exit code 0: nothing is wrong; 3: something is.

What was kept elsewhere tells of a database that was replaced as a whole:
  gatepost audit verify --checkpoints /mnt/audit/gatepost-audit-checkpoints.jsonl --public-key d75a98…")]
pub struct Verify {
    /// An export (JSON Lines) instead of the database
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere (audit.checkpoint_file) [default: the configured file]
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// The public key as it was noted elsewhere, 64 hex digits [default: from the database and the master key]
    #[arg(long, value_name = "HEX")]
    public_key: Option<String>,
}

impl Verify {
    pub async fn run(self, context: Context) -> Result<()> {
        let settings = context.quiet_settings()?;
        let given = match &self.public_key {
            Some(text) => Some(CheckpointPublicKey::parse(text).ok_or_else(|| {
                Failure::usage("--public-key: expected 64 hex digits (gatepost audit checkpoints shows them)")
            })?),
            None => None,
        };
        let configured = settings.config.audit.checkpoint_file.clone().filter(|path| path.is_file());
        let elsewhere = match self.checkpoints.or(configured) {
            Some(path) => Elsewhere::read(&path)?,
            None => Elsewhere::default(),
        };
        let checked = match (&self.file, given) {
            (Some(file), Some(key)) => vec![verify_export(file, key, &elsewhere)?],
            (file, given) => {
                let store = open(&settings).await?;
                let key = match given {
                    Some(key) => key,
                    None => key_of(&settings, &store).await?,
                };
                let checked = match file {
                    Some(file) => Ok(vec![verify_export(file, key, &elsewhere)?]),
                    None => verify_store(&store, key, &elsewhere).await,
                };
                store.engine().shutdown().await;
                checked?
            }
        };
        tell(&checked, context.output)
    }
}

/// Opens the database without changing it. On SQLite a server may have it open too.
async fn open(settings: &Settings) -> Result<Store> {
    if let Some(url) = &settings.config.database.url {
        return database::open_postgres(url).await;
    }
    let path = Places::new(&settings.data_dir).database();
    if !path.is_file() {
        return Err(Failure::refused(format!("there is no database {}", path.display())));
    }
    let engine = Engine::sqlite(SqliteOptions::new(&path)).await.map_err(Failure::failed)?;
    if let Some(pending) = database::pending(&engine).await? {
        return Err(Failure::failed(format!("the database lacks the migration {pending}"))
            .hint("start the server once, or run `gatepost migrate`"));
    }
    Ok(Store::new(engine))
}

async fn key_of(settings: &Settings, store: &Store) -> Result<CheckpointPublicKey> {
    forbid_dumps()?;
    let place = KeyPlace::choose(settings, Places::new(&settings.data_dir).master_key())?;
    let hint = "give it: --public-key (gatepost audit checkpoints shows it)";
    let Some(ring) = place.read()? else {
        return Err(Failure::usage("without the master key the public key is not known").hint(hint));
    };
    let found = public_key_of(store, &ring).await.map_err(|error| Failure::from(error).hint(hint))?;
    found.ok_or_else(|| {
        Failure::refused("this database has no key for checkpoints: nothing was ever signed in it").hint(hint)
    })
}

fn name(workspace: WorkspaceId) -> String {
    if workspace.uuid().is_nil() { "the platform".to_owned() } else { workspace.to_string() }
}

fn value(checked: &Checked) -> Value {
    match checked {
        Ok(Verified { workspace, entries, hidden, signed_to, checkpoints }) => json!({
            "log": name(*workspace), "ok": true, "entries": entries, "hidden": hidden, "signed_to": signed_to,
            "checkpoints": checkpoints,
        }),
        Err(finding) => json!({
            "log": name(finding.workspace), "ok": false, "first_bad_entry": finding.seq,
            "wrong": finding.fault.to_string(),
        }),
    }
}

fn tell(checked: &[Checked], output: Output) -> Result<()> {
    let bad = checked.iter().filter(|one| one.is_err()).count();
    output.data(&json!({
        "ok": bad == 0,
        "checked_at": gatepost_core::Clock::now(&gatepost_app::SystemClock),
        "logs": checked.iter().map(value).collect::<Vec<_>>(),
    }));
    for one in checked {
        match one {
            Ok(good) => {
                let hidden =
                    if good.hidden > 0 { format!(", {} hidden", good.hidden) } else { String::new() };
                output.say(format_args!(
                    "{}  {}: {} entries{hidden}, signed to {} by {} checkpoints",
                    output.tint(Tint::Green, "ok "),
                    name(good.workspace),
                    good.entries,
                    good.signed_to,
                    good.checkpoints
                ));
            }
            Err(finding) => output.say(format_args!(
                "{}  {}: entry {}: {}",
                output.tint(Tint::Red, "BAD"),
                name(finding.workspace),
                finding.seq,
                finding.fault
            )),
        }
    }
    if bad == 0 {
        return Ok(());
    }
    Err(Failure::refused(format!("{bad} of {} logs are not as they were written", checked.len())))
}
