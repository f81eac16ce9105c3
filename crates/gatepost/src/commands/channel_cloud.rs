//! `gatepost channel add cloud`: from what Meta gives to a channel that works.
//!
//! Threat note. Secrets are asked for without echo, or read from standard input where that is no terminal; there is no
//! flag for them, since flags end up in histories and process lists.

use std::io::{BufRead as _, IsTerminal as _};

use gatepost_core::Secret;
use serde_json::{Value, json};

use super::channel;
use crate::answer::text;
use crate::failure::{Failure, Result};
use crate::operator_client::{Operator, Workspace};
use crate::output::{Output, Tint};

/// A number on WhatsApp, through Meta's Cloud API.
///
/// Asks for what is not given by a flag. The app secret and the access token are asked for without echo; where standard
/// input is no terminal they are read from it, one a line, in this order (the app secret only where the Meta app is new
/// here).
#[derive(clap::Args)]
#[command(after_help = "\
What you need, at developers.facebook.com and business.facebook.com:
  the app's id and secret        App dashboard, App settings, Basic
  the phone number id, WABA id   App dashboard, WhatsApp, API setup
  an access token                Business settings, System users, Generate token; it needs
                                 whatsapp_business_messaging and whatsapp_business_management")]
pub struct Cloud {
    /// A name, for people
    #[arg(long)]
    name: Option<String>,
    /// The id of your Meta app
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,
    /// Meta's id of the phone number (not the number itself)
    #[arg(long, value_name = "ID")]
    phone_number_id: Option<String>,
    /// Meta's id of the WhatsApp Business account
    #[arg(long, value_name = "ID")]
    waba_id: Option<String>,
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

impl Cloud {
    pub async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let workspace = operator.workspace(self.workspace.as_deref()).await?;
        output.note(format_args!("Adding a WhatsApp number to {}.\n", workspace.name));
        let app_id = given_or_asked(self.app_id, "Meta app id", output)?;
        let app = self::meta_app(operator, &workspace, &app_id, output).await?;
        let phone_number_id = given_or_asked(self.phone_number_id, "Phone number id", output)?;
        let waba_id = given_or_asked(self.waba_id, "WhatsApp Business account id (WABA)", output)?;
        let token = secret("Access token", output)?;
        let name = match self.name {
            Some(name) => name,
            None if std::io::stdin().is_terminal() => ask("A name for this channel", output)?,
            None => "WhatsApp".to_owned(),
        };
        output.note("\nChecking with Meta …");
        let body = json!({
            "mode": "live",
            "type": "cloud",
            "name": name,
            "phone_number_id": phone_number_id,
            "waba_id": waba_id,
            "access_token": token.expose(),
            "meta_app_id": app["id"],
        });
        let made = operator.post(&workspace.path("channels"), &body).await?;
        output
            .say(output.tint(Tint::Green, "\nMeta accepts the number and the token; the channel is ready."));
        channel::show(&made, output);
        output.say("\nNext:\n  gatepost key create --mode live --scope send --scope read");
        Ok(())
    }
}

/// The Meta app of that id in the workspace; a new one is added, and what to paste at Meta is shown at once, since its
/// verify token is shown this once.
async fn meta_app(operator: &Operator, workspace: &Workspace, app_id: &str, output: Output) -> Result<Value> {
    let known = operator.list(&workspace.path("meta-apps")).await?;
    if let Some(app) = known.into_iter().find(|app| app["app_id"] == app_id) {
        output.note(format_args!("This Meta app is known already ({}).", text(&app, "id")));
        return Ok(app);
    }
    let app_secret = secret("App secret", output)?;
    let body =
        json!({ "name": format!("Meta app {app_id}"), "app_id": app_id, "app_secret": app_secret.expose() });
    let app = operator.post(&workspace.path("meta-apps"), &body).await?;
    output.data(&app);
    paste_at_meta(&app, operator, output);
    output.say("");
    Ok(app)
}

/// What to paste at Meta, of an app that was just made.
pub(super) fn paste_at_meta(app: &Value, operator: &Operator, output: Output) {
    let url = text(app, "callback_url");
    output.say("\nPaste this at Meta (App dashboard, WhatsApp, Configuration, Webhook), and subscribe to the field `messages`:");
    output.say(format_args!("  callback URL   {}", output.tint(Tint::Green, url)));
    output.say(format_args!("  verify token   {}", output.tint(Tint::Green, text(app, "verify_token"))));
    output.say("  The verify token is shown this once.");
    if !url.starts_with("https://") {
        output.say(output.tint(
            Tint::Yellow,
            "  Meta calls https addresses that the internet reaches: set server.public_url (GATEPOST_PUBLIC_URL), then\n  \
             use its address in place of this one.",
        ));
    }
    if !operator.is_server() {
        output.say("  Start the server (gatepost serve) before you save it there: Meta calls at once.");
    }
}

pub(super) fn given_or_asked(given: Option<String>, what: &str, output: Output) -> Result<String> {
    match given {
        Some(value) => Ok(value),
        None if std::io::stdin().is_terminal() => ask(what, output),
        None => Err(Failure::usage(format!(
            "the {what} is missing, and standard input is no terminal to ask for it; see gatepost channel add cloud --help"
        ))),
    }
}

fn ask(what: &str, output: Output) -> Result<String> {
    loop {
        output.ask(&format!("{what}: "));
        let answer = line()?.ok_or_else(|| Failure::usage(format!("{what}: nothing was given")))?;
        if !answer.is_empty() {
            return Ok(answer);
        }
    }
}

pub(super) fn secret(what: &str, output: Output) -> Result<Secret<String>> {
    let text = if std::io::stdin().is_terminal() {
        output.ask(&format!("{what} (not shown): "));
        rpassword::read_password().map_err(|error| Failure::failed(format!("{what}: {error}")))?
    } else {
        line()?.unwrap_or_default()
    };
    let text = text.trim().to_owned();
    if text.is_empty() {
        Err(Failure::usage(format!("{what}: nothing was given")))
    } else {
        Ok(Secret::new(text))
    }
}

/// The next line of standard input; `None` at its end.
fn line() -> Result<Option<String>> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text).map_err(Failure::failed)?;
    Ok((read > 0).then(|| text.trim().to_owned()))
}
