//! Sending a template to somebody to see it arrive.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Action;
use gatepost_core::content::{Content, ContentKind};
use gatepost_core::message::OnUnknown;
use gatepost_core::template::{Layout, Parameters, TemplateStatus};
use gatepost_core::{Code, Error, FieldError, Purpose, Recipient, Result, TemplateId};
use gatepost_store::WorkspaceScope;

use super::{format_of, open_components};
use crate::App;
use crate::idempotency::{Idempotent, Outcome};
use crate::messages::{MessageSend, MessageView};

/// Whom a template is tried on, and with what.
pub struct TemplateTestSend {
    pub to: Recipient,
    pub purpose: Purpose,
    pub parameters: Parameters,
}

impl App {
    /// Sends a template as a message, through a channel of its account.
    pub async fn template_test_send(
        &self,
        grant: &Grant<permission::MessageSend>,
        id: TemplateId,
        send: TemplateTestSend,
        idempotent: Option<Idempotent<MessageView>>,
    ) -> Result<Outcome<MessageView>> {
        let scope = WorkspaceScope::from(grant);
        let row = self.template_own(grant, id).await?;
        if row.provider_id.is_none() || row.status == TemplateStatus::Deleted {
            let detail = format!("a template that is {} cannot be sent", row.status);
            return Err(Error::new(Code::TemplateNotSubmitted, detail));
        }
        let keys = self.0.sealing.keys(scope).await?;
        let components = open_components(&keys, &row)?;
        let object = Layout::read(components.get(), &row.category)
            .message(&row.name, &row.language, format_of(&row), &send.parameters)
            .map_err(|wrong| Error::fields(under("/parameters", wrong)))?;
        let object = serde_json::value::to_raw_value(&object).map_err(Error::internal)?;
        let content = Content::parse(ContentKind::Template, object.get())
            .map_err(|wrong| Error::fields(under("/parameters", wrong)))?;
        let channel = self.template_channel_needed(grant, &row).await?;
        let message = MessageSend {
            ttl: None,
            channel: Some(channel.id),
            to: send.to,
            purpose: send.purpose,
            content,
            reply_to: None,
            on_unknown: OnUnknown::Fail,
        };
        let details = vec![("channel", channel.id.to_string())];
        let audit = self.audit(grant, Action::TemplateTestSent, ("template", id.to_string()), details);
        self.message_send_audited(grant, message, idempotent, Some(audit)).await
    }
}

fn under(place: &str, mut wrong: Vec<FieldError>) -> Vec<FieldError> {
    for error in &mut wrong {
        error.pointer.insert_str(0, place);
    }
    wrong
}
