//! Who is an operator.

use axum::extract::State;
use gatepost_app::{App, OperatorView};
use gatepost_core::EmailAddress;
use gatepost_core::access::OperatorRole;
use gatepost_core::access::operator_permission::{OperatorRead, UserManage};
use maud::{Markup, html};

use super::{Desk, PEOPLE};
use crate::access::{Operator, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page::{self as pages};
use crate::console::parts::{
    self, Column, Field, Select, Table, Tone, actions, badge, card, own, page_header, submit,
};
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(PEOPLE, list).id("operatorPeoplePage").summary("See who is an operator"),
        form(PEOPLE, set).id("operatorPeopleForm").summary("Make somebody an operator, or none any more"),
    ]
}

struct Ask {
    email: EmailAddress,
    role: Option<OperatorRole>,
}

impl FormBody for Ask {
    const FIELDS: &'static [&'static str] = &["email", "role"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let email = reader
            .parsed("email", "Give the e-mail address of an account.", |text| EmailAddress::parse(text).ok());
        let role = reader.parsed("role", "Choose what they are to be.", |text| match text {
            "none" => Some(None),
            other => OperatorRole::parse(other).map(Some),
        });
        Some(Self { email: email?, role: role? })
    }
}

fn document(view: &View, desk: &Desk, all: &[OperatorView], state: &FormState) -> Markup {
    let row = |operator: &OperatorView| {
        vec![
            own(&operator.user.name),
            own(&operator.user.email),
            html! { (operator.user.operator.map_or("", OperatorRole::as_str)) },
            html! {
                @if operator.user.disabled_at.is_some() { (badge(Tone::Bad, "Disabled")) }
                @else if operator.second_factor { (badge(Tone::Good, "Second factor")) }
                @else { (badge(Tone::Warn, "No second factor yet: cannot sign in here")) }
            },
        ]
    };
    let columns =
        [Column::text("Name"), Column::text("E-mail address"), Column::text("Role"), Column::text("Account")];
    let content = html! {
        (page_header("Operators", Some("Administrators run the installation; support sees states and opens visits."), html! {}))
        (card("Who they are", html! { (Table { caption: "Operators", columns: &columns, rows: all.iter().map(row).collect() }) }))
        @if desk.administers() {
            (card("Change a role", parts::form(view, PEOPLE, state, html! {
                (Field::email("email", "E-mail address").hint("Of an account that exists.").required().fill(state))
                (Select::new("role", "Role").option("support", "Support").option("administrator", "Administrator")
                    .option("none", "No operator any more").fill(state))
                (actions(submit("Save the role")))
            })))
        }
    };
    desk.page(view, Section::Operators, "Operators", content)
}

async fn list(operator: Operator<OperatorRead>, State(app): State<App>, view: View) -> Answer {
    let desk = Desk::of(&app, &operator).await?;
    let all = app.operator_list(&operator).await?;
    Ok(pages::ok(document(&view, &desk, &all, &FormState::default())))
}

async fn set(
    operator: Operator<UserManage>,
    reading: Operator<OperatorRead>,
    State(app): State<App>,
    view: View,
    form: Form<Ask>,
) -> Answer {
    let refused = match form.into_result() {
        Ok((ask, state)) => match app.operator_role_set(&operator, &ask.email, ask.role).await {
            Ok(_) => return Ok(pages::see_and_say(PEOPLE, Notice::OperatorSaved)),
            Err(error) if error.code() == gatepost_core::Code::NotFound => {
                state.with_error("email", "Nobody has this address.")
            }
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let desk = Desk::of(&app, &operator).await?;
    let all = app.operator_list(&reading).await?;
    Ok(pages::invalid(document(&view, &desk, &all, &refused)))
}
