//! What a visitor sends, behind the locks that need no cookie: where it comes from, and what kind of body it is.

use axum::extract::{FromRequest, Request};
use gatepost_core::verification::VerificationCode;
use gatepost_core::{Code, Error};

use crate::body::read_body;
use crate::console::csrf::{FORM_MAX, check_origin, check_type};
use crate::console::form::{Form, FormBody, Reader, Sent};
use crate::problem::Failure;
use crate::state::{ApiState, Doors};

/// A form of a verification page.
pub(super) struct Sending {
    /// How far the visitor came, sealed.
    pub visit: String,
    pub asked: Asked,
}

/// What the visitor asks for.
pub(super) enum Asked {
    /// A code to the number that was typed.
    Start(String),
    /// Whether this is the code; `None`: it is none at all.
    Check(Option<VerificationCode>),
    /// Another code.
    Resend,
}

impl FormBody for Sending {
    const FIELDS: &'static [&'static str] = &["visit", "step", "phone", "code"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let visit = reader.exact("visit");
        let asked = match reader.exact("step").as_str() {
            "start" => Asked::Start(reader.text("phone")),
            "check" => Asked::Check(VerificationCode::parse(&reader.exact("code")).ok()),
            "resend" => Asked::Resend,
            _ => return None,
        };
        Some(Self { visit, asked })
    }
}

impl<A: Doors> FromRequest<ApiState<A>> for Sending {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let settings = state.settings();
        if settings.locks.origin {
            check_origin(&parts.headers, &parts.uri, state.https())?;
        }
        check_type(&parts.headers)?;
        let raw = read_body(&parts.headers, body, FORM_MAX, settings.body_timeout).await?;
        let form = Form::<Self>::of(Sent::decode(&raw)?)?;
        Ok(form.read.ok_or_else(|| Error::new(Code::InvalidField, "the form is none of this page's"))?)
    }
}
