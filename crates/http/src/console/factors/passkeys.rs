//! Making, naming and removing passkeys.

use axum::extract::State;
use gatepost_app::{App, PasskeyStart, PasskeyView};
use gatepost_core::access::Person;
use gatepost_core::{Code, Error, PasskeyId, Result, Secret};
use maud::{Markup, html};

use super::ceremony::{Touch, ceremony};
use super::{Account, SECURITY_PATH};
use crate::access::{SignedIn, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::notice::Notice;
use crate::console::page;
use crate::console::parts::{
    Field, Tone, actions, button_link, callout, card, danger, form as form_part, page_header, stack, submit,
};
use crate::console::view::View;
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

pub const PATH: &str = "/account/security/passkeys";
pub const NEW_PATH: &str = "/account/security/passkeys/new";
const ONE_PATH: &str = "/account/security/passkeys/{passkey_id}";
const REMOVE_PATH: &str = "/account/security/passkeys/{passkey_id}/remove";

pub fn routes() -> Vec<Route<App>> {
    vec![
        form(NEW_PATH, passkey_begin).id("passkeyBeginForm").summary("Begin to make a passkey"),
        form(PATH, passkey_finish).id("passkeyMakeForm").summary("Keep a passkey that the browser made"),
        page(ONE_PATH, passkey_page).id("passkeyPage").summary("See one passkey"),
        form(ONE_PATH, passkey_rename).id("passkeyRenameForm").summary("Give a passkey another name"),
        form(REMOVE_PATH, passkey_remove).id("passkeyRemoveForm").summary("Remove a passkey"),
    ]
}

struct MadeAsk {
    ticket: String,
    answer: String,
    name: String,
}

impl FormBody for MadeAsk {
    const FIELDS: &'static [&'static str] = &["ticket", "answer", "name"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.required("name", "Give the passkey a name that you will know it by.");
        let ticket = reader.exact("ticket");
        let answer = reader.exact("answer");
        if answer.is_empty() {
            reader.wrong("", "The browser sent no passkey. Allow scripts of this site and try again.");
        }
        Some(Self { ticket, answer, name: name? })
    }
}

struct NameAsk(String);

impl FormBody for NameAsk {
    const FIELDS: &'static [&'static str] = &["name"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required("name", "Give the passkey a name that you will know it by.").map(Self)
    }
}

fn name_field(state: &FormState) -> Field<'_> {
    Field::text("name", "Name").hint("Such as “Work laptop” or “Blue key”.").required().max(60).fill(state)
}

fn new_document(account: &Account, view: &View, start: &PasskeyStart, state: &FormState) -> Markup {
    let title = "Add a passkey";
    let fields = html! { (name_field(state)) };
    account.page(
        view,
        title,
        html! {
            (page_header(title, Some("Your browser will ask where to keep it: on this device, a phone or a security key."), html! {}))
            (card("New passkey", html! {
                (ceremony(view, PATH, Touch::Make, start, state, fields, "Go on"))
                p { a href=(SECURITY_PATH) { "Cancel" } }
            }))
        },
    )
}

async fn passkey_begin(SignedIn(person): SignedIn, State(app): State<App>, view: View) -> Answer {
    let account = Account::of(&app, &person).await?;
    let start = app.passkey_make_start(&person).await?;
    Ok(page::ok(new_document(&account, &view, &start, &FormState::default())))
}

async fn passkey_finish(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    view: View,
    form: Form<MadeAsk>,
) -> Answer {
    let account = Account::of(&app, &person).await?;
    let state = match form.into_result() {
        Ok((ask, state)) => {
            let made = app.passkey_make_finish(&person, &caller, &ask.ticket, &ask.answer, &ask.name).await;
            match made {
                Ok(added) => return Ok(account.added(&view, kind, &added, Notice::PasskeyAdded)),
                // Its name alone is wrong: what the browser made is still good.
                Err(error) if error.code() == Code::InvalidField => {
                    let start = PasskeyStart { ticket: Secret::new(ask.ticket), options: String::new() };
                    return Ok(page::invalid(new_document(&account, &view, &start, &state.refused(error)?)));
                }
                Err(error) if error.code() == Code::LinkInvalid => {
                    FormState::default().with_error("", "That took too long. Try again.")
                }
                Err(error) => FormState::default().refused(error)?,
            }
        }
        Err(state) => state,
    };
    // The ceremony is used up; the page has another.
    let start = app.passkey_make_start(&person).await?;
    Ok(page::invalid(new_document(&account, &view, &start, &state)))
}

async fn one(app: &App, person: &Person, id: PasskeyId) -> Result<PasskeyView> {
    let passkeys = app.factors_of(person).await?.passkeys;
    passkeys.into_iter().find(|passkey| passkey.id == id).ok_or_else(|| Error::of(Code::NotFound))
}

fn one_document(
    account: &Account,
    view: &View,
    passkey: &PasskeyView,
    renaming: &FormState,
    removing: &FormState,
) -> Markup {
    let path = format!("{PATH}/{}", passkey.id);
    let shown = FormState::of([("name", passkey.name.clone())]);
    let state = if renaming.is_empty() && renaming.errors().is_empty() { &shown } else { renaming };
    account.page(
        view,
        "Passkey",
        html! {
            (page_header(&passkey.name, Some("A passkey of yours."), html! {}))
            (stack(html! {
                (card("Name", form_part(view, &path, state, html! {
                    (name_field(state))
                    (actions(html! {
                        (submit("Save the name"))
                        (button_link("secondary", None, "Back", SECURITY_PATH))
                    }))
                })))
                (card("Remove it", html! {
                    (callout(Tone::Warn, "", html! {
                        p { "It opens your account no longer, and your other sessions end at once. Your device may keep showing it until you delete it there." }
                    }))
                    (form_part(view, &format!("{path}/remove"), removing, actions(danger("Remove the passkey"))))
                }))
            }))
        },
    )
}

async fn passkey_page(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    Id(id): Id<PasskeyId>,
    view: View,
) -> Answer {
    let account = Account::of(&app, &person).await?;
    let passkey = one(&app, &person, id).await?;
    let empty = FormState::default();
    Ok(page::ok(one_document(&account, &view, &passkey, &empty, &empty)))
}

async fn passkey_rename(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    Id(id): Id<PasskeyId>,
    From(caller): From,
    view: View,
    form: Form<NameAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((NameAsk(name), state)) => match app.passkey_rename(&person, &caller, id, &name).await {
            Ok(()) => return Ok(page::see_and_say(SECURITY_PATH, Notice::PasskeyRenamed)),
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let account = Account::of(&app, &person).await?;
    let passkey = one(&app, &person, id).await?;
    Ok(page::invalid(one_document(&account, &view, &passkey, &state, &FormState::default())))
}

async fn passkey_remove(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    Id(id): Id<PasskeyId>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    view: View,
) -> Answer {
    match app.passkey_remove(&person, &caller, id).await {
        Ok(token) => {
            Ok(session::with_session(page::see_and_say(SECURITY_PATH, Notice::PasskeyRemoved), kind, &token))
        }
        Err(error) => {
            let state = FormState::default().refused(error)?;
            let account = Account::of(&app, &person).await?;
            let passkey = one(&app, &person, id).await?;
            Ok(page::invalid(one_document(&account, &view, &passkey, &FormState::default(), &state)))
        }
    }
}
