//! `gatepost user`

use serde_json::json;

use crate::answer::text;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;

/// People who sign in.
#[derive(clap::Subcommand)]
pub enum User {
    /// Make a link with which a person who cannot sign in sets a new password
    #[command(after_help = "\
For installations without e-mail, and for whoever gets none. The link works once, for an hour. It ends all sessions of
the person; a second factor is asked for as before. See that it reaches nobody else: whoever has it has the account.

Example:
  gatepost user recover anna@example.com")]
    Recover {
        /// The e-mail address of the account
        email: String,
    },
}

impl User {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let Self::Recover { email } = self;
        let made = operator.post("/operator/v1/users/recover", &json!({ "email": email })).await;
        operator.close().await;
        let made = made?;
        output.data(&made);
        output.say(format_args!("Works once, until {}:\n", text(&made, "expires_at")));
        output.say(format_args!("  {}", text(&made, "link")));
        Ok(())
    }
}
