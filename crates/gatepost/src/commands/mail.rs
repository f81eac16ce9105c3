//! `gatepost mail`

use serde_json::json;

use crate::answer::text;
use crate::cli::Context;
use crate::failure::Result;
use crate::operator_client::Operator;

/// E-mail: invitations, links to set a password, notices.
#[derive(clap::Subcommand)]
pub enum Mail {
    /// Send a test mail, and see what the mail server says
    #[command(after_help = "\
The mail server stands in the configuration:

  [mail]
  server = \"mail.example.com\"
  user = \"gatepost@example.com\"
  password_file = \"/run/secrets/gatepost-mail-password\"
  from = \"noreply@example.com\"

A server reads its configuration when it starts.

Example:
  gatepost mail test anna@example.com")]
    Test {
        /// Where to
        address: String,
    },
}

impl Mail {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let Self::Test { address } = self;
        let sent = operator.post("/operator/v1/mail/test", &json!({ "to": address })).await;
        operator.close().await;
        let sent = sent?;
        output.data(&sent);
        output.say(format_args!(
            "{} took the mail from {}: {}",
            text(&sent, "server"),
            text(&sent, "from"),
            text(&sent, "receipt")
        ));
        output.say("Look whether it arrives, and not among the unwanted.");
        Ok(())
    }
}
