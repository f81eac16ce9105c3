//! Test or live: what a thing made by the operator is for.

use serde_json::Value;

use crate::failure::Result;
use crate::operator_client::{Operator, Workspace};

/// Test things touch the simulated Meta only; live ones reach WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    Test,
    Live,
}

impl Mode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

/// The mode that was named; otherwise live where the workspace has a live channel, and test where it has none.
pub async fn mode_or_usual(mode: Option<Mode>, operator: &Operator, workspace: &Workspace) -> Result<Mode> {
    if let Some(mode) = mode {
        return Ok(mode);
    }
    let channels = operator.list(&workspace.path("channels")).await?;
    let live = channels.iter().any(|channel: &Value| channel["mode"] == "live");
    Ok(if live { Mode::Live } else { Mode::Test })
}
