//! Two ways to the same routes: with a key, as a customer's software, or through the operator's socket.

use serde_json::Value;

use super::send::At;
use crate::api_client::Api;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::{Operator, Workspace};

/// Who asks. Without a key it is the operator; naming a workspace says so too.
#[derive(clap::Args)]
pub struct Who {
    /// The workspace, by id or name, as the operator; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
    #[command(flatten)]
    at: At,
}

/// The way that was chosen. Paths are those of the API without its `/v1/`.
pub enum Way {
    Key(Box<Api>),
    Operator { operator: Operator, workspace: Workspace },
}

impl Who {
    pub async fn way(self, context: &Context) -> Result<Way> {
        if self.workspace.is_none() && self.at.is_named() {
            return Ok(Way::Key(Box::new(self.at.api(context)?)));
        }
        let operator = Operator::connect(context.quiet_settings()?, context.output).await?;
        match operator.workspace(self.workspace.as_deref()).await {
            Ok(workspace) => Ok(Way::Operator { operator, workspace }),
            Err(failure) => {
                operator.close().await;
                Err(failure)
            }
        }
    }
}

impl Way {
    pub async fn get(&self, path: &str) -> Result<Value> {
        match self {
            Self::Key(api) => api.get(&format!("/v1/{path}")).await,
            Self::Operator { operator, workspace } => operator.get(&workspace.path(path)).await,
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        match self {
            Self::Key(api) => api.post(&format!("/v1/{path}"), body, None).await,
            Self::Operator { operator, workspace } => operator.post(&workspace.path(path), body).await,
        }
    }

    /// Whether a server does the work; without one it waits in the database.
    pub const fn is_served(&self) -> bool {
        match self {
            Self::Key(_) => true,
            Self::Operator { operator, .. } => operator.is_server(),
        }
    }

    pub async fn close(self) {
        if let Self::Operator { operator, .. } = self {
            operator.close().await;
        }
    }
}
