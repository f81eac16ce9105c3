//! `/setup`: the first operator, who is the owner of the first workspace. There is no such page afterwards.

use axum::extract::State;
use gatepost_app::{App, SetupAsk};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Error, Secret};
use maud::{Markup, html};

use super::enter;
use crate::access::{Public, form, page};
use crate::console::acceptable_use;
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout;
use crate::console::page as pages;
use crate::console::parts::{Field, actions, form as form_part, stack, submit};
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::From;

pub const SETUP_PATH: &str = "/setup";

/// Longest name, in characters.
const NAME_MAX: usize = 100;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(SETUP_PATH, setup_page)
            .id("setupPage")
            .summary("Set the installation up, while nobody is its operator"),
        form(SETUP_PATH, setup_complete)
            .id("setupForm")
            .summary("Set the installation up with the token that the server said at its start"),
    ]
}

impl FormBody for SetupAsk {
    const FIELDS: &'static [&'static str] = &[
        "token",
        "workspace",
        "name",
        "email",
        "password",
        acceptable_use::ACCEPTED,
        acceptable_use::VERSION,
    ];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let token = reader.required("token", "Paste the token that the server said when it started.");
        let workspace = reader.required("workspace", "Give the workspace a name, such as your company's.");
        let name = reader.required("name", "Say how you want to be called.");
        let email = reader.required("email", "Give your e-mail address.");
        let password = reader.exact("password");
        if password.is_empty() {
            reader.wrong("password", "Choose a password.");
        }
        let acceptable_use = acceptable_use::read(reader);
        Some(Self {
            acceptable_use,
            token: Secret::new(token?),
            workspace: workspace?,
            name: name?,
            email: email?,
            password: Secret::new(password),
        })
    }
}

fn document(app: &App, view: &View, state: &FormState) -> Markup {
    layout::narrow(
        view,
        "Set up Gatepost",
        stack(html! {
            p {
                "Nobody runs this Gatepost yet. Whoever completes this page does, and owns its first workspace."
            }
            (form_part(view, SETUP_PATH, state, html! {
                (Field::password("token", "Set-up token", "off")
                    .hint("The server said it when it started; gatepost setup-token makes another.")
                    .required().fill(state))
                (Field::text("workspace", "Workspace").hint("Your company or team.").required().max(NAME_MAX).fill(state))
                (Field::text("name", "Your name").autocomplete("name").required().max(NAME_MAX).fill(state))
                (Field::email("email", "E-mail").autocomplete("username").required().fill(state))
                (Field::password("password", "Password", "new-password")
                    .hint("At least 15 characters; several random words do well.")
                    .required().fill(state))
                (acceptable_use::fields(app.acceptable_use().as_deref(), state))
                (actions(submit("Set up and sign in")))
            }))
        }),
    )
}

async fn setup_page(_: Public, State(app): State<App>, view: View) -> Answer {
    if app.is_set_up().await? {
        return Err(Error::of(Code::NotFound).into());
    }
    Ok(pages::ok(document(&app, &view, &FormState::default())))
}

async fn setup_complete(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    view: View,
    form: Form<SetupAsk>,
) -> Answer {
    // As if the page had never been, whatever is sent.
    if app.is_set_up().await? {
        return Err(Error::of(Code::NotFound).into());
    }
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(document(&app, &view, &state))),
    };
    match app.setup_complete(&caller, ask).await {
        Ok(done) => {
            let response = pages::see(format!("/w/{}", done.workspace));
            Ok(enter(response, SessionKind::Console, &done.session))
        }
        Err(error) if error.code() == Code::LinkInvalid => {
            let text =
                "This token was used, is too old, or was never good. gatepost setup-token makes another.";
            Ok(pages::invalid(document(&app, &view, &state.with_error("token", text))))
        }
        Err(error) => Ok(pages::invalid(document(&app, &view, &state.refused(error)?))),
    }
}
