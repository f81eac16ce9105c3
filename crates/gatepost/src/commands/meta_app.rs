//! `gatepost meta-app`: Meta apps of the operator's, which serve channels of every workspace.
//!
//! A workspace's own app is added with its first channel (`gatepost channel add cloud`).

use serde_json::{Value, json};

use super::channel_cloud::{given_or_asked, paste_at_meta, secret};
use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;
use crate::output::Output;

const PATH: &str = "/operator/v1/meta-apps";

/// Meta apps of yours that channels of every workspace may use.
#[derive(clap::Subcommand)]
pub enum MetaApp {
    /// Add a Meta app; its app secret is asked for without echo, or read from standard input
    #[command(after_help = "Example:\n  gatepost meta-app create \"Our Meta app\" --app-id 1234567890123456")]
    Create(Create),
    /// List the Meta apps
    List,
    /// Remove a Meta app that no channel uses
    Delete {
        /// The Meta app's id here: app_…
        id: String,
    },
}

#[derive(clap::Args)]
pub struct Create {
    /// A name, for people
    name: String,
    /// Meta's id of the app
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// The version of Meta's Graph API for its channels [default: the configuration's]
    #[arg(long, value_name = "vN.N")]
    graph_version: Option<String>,
    /// Where its channels find Meta: one of those that meta.base_urls names [default: the configuration's]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

impl MetaApp {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::Create(create) => {
                let app_id = given_or_asked(create.app_id, "Meta app id", output)?;
                let app_secret = secret("App secret", output)?;
                let body = json!({
                    "name": create.name,
                    "app_id": app_id,
                    "app_secret": app_secret.expose(),
                    "graph_version": create.graph_version,
                    "base_url": create.base_url,
                });
                let app = operator.post(PATH, &body).await?;
                output.data(&app);
                output.say(format_args!(
                    "Added the Meta app {} ({}) for every workspace.",
                    text(&app, "name"),
                    text(&app, "id")
                ));
                paste_at_meta(&app, operator, output);
                Ok(())
            }
            Self::List => {
                let known = operator.get(PATH).await?;
                output.data(&known);
                let rows: Vec<Vec<String>> =
                    known["data"].as_array().map(Vec::as_slice).unwrap_or_default().iter().map(row).collect();
                let none = "No shared Meta app. Add one: gatepost meta-app create NAME --app-id ID";
                output.table(&["ID", "NAME", "META'S ID", "VERSION", "CREATED"], &rows, none);
                Ok(())
            }
            Self::Delete { id } => {
                operator.delete(&format!("{PATH}/{id}")).await?;
                output.data(&json!({ "id": id, "deleted": true }));
                output.say(format_args!("Removed {id}, its secret with it."));
                Ok(())
            }
        }
    }
}

fn row(app: &Value) -> Vec<String> {
    ["id", "name", "app_id", "graph_version", "created_at"].map(|name| cell(app, name)).to_vec()
}
