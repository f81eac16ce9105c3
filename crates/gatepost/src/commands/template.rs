//! `gatepost template`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Map, Value, json};

use crate::answer::{cell, text};
use crate::cli::Context;
use crate::failure::{Failure, Result};
use crate::operator_client::{Operator, Workspace};
use crate::output::{Output, Tint, masked};

/// Largest template file; Meta's own limits stay far below.
const FILE_MAX: u64 = 1024 * 1024;

/// Message templates: what an account may say to somebody who has not written first.
#[derive(clap::Subcommand)]
pub enum Template {
    /// List the templates that are known here
    List(List),
    /// Read an account's templates from Meta
    Sync {
        /// A channel of the account; may be left out where only one can be meant
        #[arg(long, value_name = "ID")]
        channel: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Show a template with its components
    Show(One),
    /// Draft a template from a file
    #[command(after_help = "\
The file holds one JSON object in Meta's form:
  {
    \"name\": \"order_ready\", \"language\": \"en_US\", \"category\": \"UTILITY\",
    \"components\": [
      { \"type\": \"BODY\", \"text\": \"Hello {{1}}, your order {{2}} is ready for you.\",
        \"example\": { \"body_text\": [[\"Ada\", \"17\"]] } }
    ]
  }

Examples:
  gatepost template create --file order_ready.json
  gatepost template create --file order_ready.json --submit")]
    Create(Create),
    /// Submit a draft to Meta for review
    Submit(One),
    /// Delete a template at Meta and here; a draft only here
    Delete(One),
    /// See a template filled; nothing is sent
    #[command(after_help = "\
Examples:
  gatepost template preview tpl_… --body Ada --body 17
  gatepost template preview tpl_… --body first_name=Ada --button 0=17")]
    Preview(Preview),
    /// Send a template to somebody to see it arrive
    TestSend(TestSend),
}

/// Where to look.
#[derive(clap::Args)]
pub struct Place {
    /// The workspace, by id or name; may be left out where there is only one
    #[arg(long, value_name = "ID|NAME")]
    workspace: Option<String>,
}

#[derive(clap::Args)]
pub struct List {
    /// Only templates of this channel's account
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// Only templates in this state, such as APPROVED
    #[arg(long)]
    status: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub struct One {
    /// The template's id
    id: String,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
pub struct Create {
    /// The template, a JSON object in Meta's form; - reads standard input
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// A channel of the account; may be left out where only one can be meant
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// Submit it to Meta for review at once
    #[arg(long)]
    submit: bool,
    #[command(flatten)]
    place: Place,
}

/// What fills a template.
#[derive(clap::Args)]
pub struct Fill {
    /// A value of the body: the next number's, or NAME=VALUE where the variables have names
    #[arg(long = "body", value_name = "[NAME=]VALUE")]
    body: Vec<String>,
    /// The value of the header's variable
    #[arg(long = "header", value_name = "[NAME=]VALUE", conflicts_with = "header_link")]
    header: Vec<String>,
    /// Where Meta fetches the header's picture, video or document
    #[arg(long, value_name = "URL")]
    header_link: Option<String>,
    /// The value of a button, by its place: the first one is 0
    #[arg(long = "button", value_name = "PLACE=VALUE")]
    buttons: Vec<String>,
}

#[derive(clap::Args)]
pub struct Preview {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    fill: Fill,
}

#[derive(clap::Args)]
pub struct TestSend {
    #[command(flatten)]
    one: One,
    /// The recipient, an international number such as +12025550123
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// Why it is sent
    #[arg(long, default_value = "internal_team", value_parser = ["authentication", "transactional", "operational", "support", "internal_team"])]
    purpose: String,
    #[command(flatten)]
    fill: Fill,
}

impl Template {
    pub async fn run(self, context: Context) -> Result<()> {
        let output = context.output;
        let operator = Operator::connect(context.quiet_settings()?, output).await?;
        let done = self.perform(&operator, output).await;
        operator.close().await;
        done
    }

    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        match self {
            Self::List(list) => list.perform(operator, output).await,
            Self::Sync { channel, place } => {
                let workspace = place.find(operator).await?;
                let body = channel.map_or_else(|| json!({}), |id| json!({ "channel_id": id }));
                let synced = operator.post(&workspace.path("templates/sync"), &body).await?;
                output.data(&synced);
                output.say(format_args!(
                    "Meta has {} templates of the account {}: {} new here, {} changed, {} gone.",
                    synced["total"],
                    text(&synced, "waba_id"),
                    synced["added"],
                    synced["changed"],
                    synced["deleted"]
                ));
                Ok(())
            }
            Self::Show(one) => {
                let (workspace, path) = one.find(operator).await?;
                let template = operator.get(&workspace.path(&path)).await?;
                show(&template, output);
                Ok(())
            }
            Self::Create(create) => create.perform(operator, output).await,
            Self::Submit(one) => {
                let (workspace, path) = one.find(operator).await?;
                let submitted =
                    operator.call(Method::POST, &workspace.path(&format!("{path}/submit")), None).await?;
                output.data(&submitted);
                output.say(format_args!("Submitted {}: {}.", one.id, text(&submitted, "status")));
                Ok(())
            }
            Self::Delete(one) => {
                let (workspace, path) = one.find(operator).await?;
                operator.delete(&workspace.path(&path)).await?;
                output.data(&json!({ "id": one.id, "deleted": true }));
                output.say(format_args!("Deleted {}.", one.id));
                Ok(())
            }
            Self::Preview(preview) => {
                let (workspace, path) = preview.one.find(operator).await?;
                let body = json!({ "parameters": preview.fill.parameters()? });
                let shown = operator.post(&workspace.path(&format!("{path}/preview")), &body).await?;
                show_filled(&shown, output);
                Ok(())
            }
            Self::TestSend(send) => {
                let (workspace, path) = send.one.find(operator).await?;
                let body =
                    json!({ "to": send.to, "purpose": send.purpose, "parameters": send.fill.parameters()? });
                let sent = operator.post(&workspace.path(&format!("{path}/test-send")), &body).await?;
                output.data(&sent);
                output.say(format_args!(
                    "{} to {}: {}",
                    text(&sent, "id"),
                    masked(&send.to),
                    text(&sent, "state")
                ));
                Ok(())
            }
        }
    }
}

impl Place {
    async fn find(&self, operator: &Operator) -> Result<Workspace> {
        operator.workspace(self.workspace.as_deref()).await
    }
}

impl One {
    /// The workspace, and the template's path in it.
    async fn find(&self, operator: &Operator) -> Result<(Workspace, String)> {
        Ok((self.place.find(operator).await?, format!("templates/{}", self.id)))
    }
}

impl List {
    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let workspace = self.place.find(operator).await?;
        let mut query = Vec::new();
        for (name, value) in [("channel_id", &self.channel), ("status", &self.status)] {
            let Some(value) = value else { continue };
            // Ids and Meta's words need no escaping; anything else would match nothing.
            if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(Failure::usage(format!("{value:?} is no {}", name.trim_end_matches("_id"))));
            }
            query.push(format!("{name}={value}"));
        }
        let templates = operator.list_where(&workspace.path("templates"), &query.join("&")).await?;
        output.data(&json!({ "data": templates }));
        let rows: Vec<Vec<String>> = templates
            .iter()
            .map(|t| {
                ["id", "mode", "name", "language", "category", "status"].map(|name| cell(t, name)).to_vec()
            })
            .collect();
        let none = "No template is known here. Read those of an account: gatepost template sync";
        output.table(&["ID", "MODE", "NAME", "LANGUAGE", "CATEGORY", "STATUS"], &rows, none);
        Ok(())
    }
}

impl Create {
    async fn perform(self, operator: &Operator, output: Output) -> Result<()> {
        let mut body = read(&self.file)?;
        if let Some(channel) = self.channel {
            body["channel_id"] = json!(channel);
        }
        if self.submit {
            body["submit"] = json!(true);
        }
        let workspace = self.place.find(operator).await?;
        let made = operator.post(&workspace.path("templates"), &body).await?;
        output.data(&made);
        let (id, status) = (text(&made, "id"), text(&made, "status"));
        output.say(format_args!(
            "Made {} in {}: {id} is {status}.",
            text(&made, "name"),
            text(&made, "language")
        ));
        if status == "DRAFT" {
            output.say(format_args!("\nNext:\n  gatepost template submit {id}"));
        }
        Ok(())
    }
}

/// The JSON object of a file, or of standard input.
fn read(file: &Path) -> Result<Value> {
    let unreadable = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the template {} cannot be read: {why}", file.display()))
    };
    let mut words = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(FILE_MAX).read_to_string(&mut words)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(FILE_MAX).read_to_string(&mut words))
    };
    read.map_err(|e| unreadable(&e))?;
    match serde_json::from_str(&words) {
        Ok(body @ Value::Object(_)) => Ok(body),
        Ok(_) => Err(unreadable(&"expected one JSON object")),
        Err(why) => Err(unreadable(&why)),
    }
}

impl Fill {
    /// The parameters as the API takes them.
    fn parameters(&self) -> Result<Value> {
        let mut parameters = Map::new();
        for (name, values) in [("header", &self.header), ("body", &self.body)] {
            if !values.is_empty() {
                parameters.insert(name.to_owned(), values_of(name, values)?);
            }
        }
        if let Some(link) = &self.header_link {
            parameters.insert("header_media".to_owned(), json!({ "link": link }));
        }
        if !self.buttons.is_empty() {
            parameters.insert("buttons".to_owned(), by_name("button", &self.buttons)?);
        }
        Ok(Value::Object(parameters))
    }
}

/// An array of values, or, where each begins with a variable's name and a `=`, an object.
fn values_of(flag: &str, values: &[String]) -> Result<Value> {
    if values.iter().all(|value| name_of(value).is_some()) {
        by_name(flag, values)
    } else {
        Ok(json!(values))
    }
}

fn by_name(flag: &str, values: &[String]) -> Result<Value> {
    let mut object = Map::new();
    for value in values {
        let named = name_of(value).map(|name| (name, &value[name.len() + 1..]));
        let Some((name, value)) = named else {
            return Err(Failure::usage(format!("--{flag} {value:?}: expected NAME=VALUE")));
        };
        object.insert(name.to_owned(), json!(value));
    }
    Ok(Value::Object(object))
}

/// The name in `NAME=VALUE`, of the characters that names of variables have.
fn name_of(value: &str) -> Option<&str> {
    let (name, _) = value.split_once('=')?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

fn show(template: &Value, output: Output) {
    output.data(template);
    for (label, name) in [
        ("id", "id"),
        ("name", "name"),
        ("language", "language"),
        ("category", "category"),
        ("status", "status"),
        ("reason", "reason"),
        ("quality", "quality"),
        ("mode", "mode"),
        ("account (WABA)", "waba_id"),
        ("Meta's id", "provider_id"),
        ("changed", "updated_at"),
        ("read from Meta", "synced_at"),
    ] {
        if !template[name].is_null() {
            let value = cell(template, name);
            output.say(format_args!("  {}  {value}", output.tint(Tint::Dim, format_args!("{label:14}"))));
        }
    }
    output.say(format_args!("\n{:#}", template["components"]));
}

fn show_filled(shown: &Value, output: Output) {
    output.data(shown);
    let header = &shown["header"];
    match header["text"].as_str().or_else(|| header["media"].as_str()) {
        Some(words) => output.say(output.tint(Tint::Bold, words)),
        None if header.is_object() => output.say(format_args!("[{}]", cell(header, "format"))),
        None => {}
    }
    for part in ["body", "footer"] {
        if let Some(words) = shown[part].as_str() {
            output.say(if part == "footer" { output.tint(Tint::Dim, words) } else { words.to_owned() });
        }
    }
    for button in shown["buttons"].as_array().into_iter().flatten() {
        let target = ["url", "phone_number", "code"].into_iter().find_map(|name| button[name].as_str());
        let target = target.map_or_else(String::new, |target| format!("  {target}"));
        output.say(format_args!("[{}]{target}", text(button, "text")));
    }
    for (list, words) in [("missing", "still missing"), ("unused", "fills nothing")] {
        let places = cell(shown, list);
        if !places.is_empty() {
            output.say(output.tint(Tint::Yellow, format_args!("\n{words}: {places}")));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn values_by_number_or_by_name() {
        let fill = |body: &[&str], buttons: &[&str]| Fill {
            body: body.iter().map(|v| (*v).to_owned()).collect(),
            header: Vec::new(),
            header_link: None,
            buttons: buttons.iter().map(|v| (*v).to_owned()).collect(),
        };
        let numbered = fill(&["Ada", "1+1=2"], &["0=a=b"]).parameters().unwrap();
        assert_eq!(numbered, json!({ "body": ["Ada", "1+1=2"], "buttons": { "0": "a=b" } }));
        let named = fill(&["first_name=Ada"], &[]).parameters().unwrap();
        assert_eq!(named, json!({ "body": { "first_name": "Ada" } }));
        assert_eq!(fill(&[], &[]).parameters().unwrap(), json!({}));
        assert!(fill(&[], &["Ada"]).parameters().is_err());
    }
}
