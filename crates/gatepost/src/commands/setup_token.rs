//! `gatepost setup-token`

use serde_json::json;

use crate::answer::text;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;

/// Make another token to set the installation up with.
///
/// Good once and for an hour, while nobody runs this installation yet; older ones are void.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  gatepost setup-token")]
pub struct SetupToken {}

impl SetupToken {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let made = operator.post("/operator/v1/setup-token", &json!({})).await;
        operator.close().await;
        let made = made?;
        output.data(&made);
        output.say(format_args!("Open   {}", text(&made, "url")));
        output.say(format_args!(
            "Token  {}  (good once, until {})",
            text(&made, "token"),
            text(&made, "expires_at")
        ));
        Ok(())
    }
}
