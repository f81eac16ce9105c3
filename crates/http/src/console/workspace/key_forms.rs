//! Forms of API keys: a new one, a successor, the end of one. A secret is in the answer to its form and nowhere else.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, Idempotent, KeyCreate, Outcome, PageQuery};
use gatepost_core::access::Scope;
use gatepost_core::access::permission::{ChannelRead, KeyManage, KeyRead};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, ChannelId, Code, Error, Result, Timestamp, text};
use maud::{Markup, html};

use crate::access::{Grant, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Choice, Choices, Field, Icon, Select, Tone, actions, button_link, callout, card, confirm,
    page_header, secret_once, stack, submit,
};
use crate::console::seat::Seat;
use crate::path::Id;
use crate::reply::{Answer, kept};
use crate::route::Route;
use crate::wire::NAME_MAX;

const NEW: &str = "/w/{workspace_id}/keys/new";
const ROTATE: &str = "/w/{workspace_id}/keys/{key_id}/rotate";
const REVOKE: &str = "/w/{workspace_id}/keys/{key_id}/revoke";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(NEW, key_new).id("keyNewPage").summary("Open the form for a new API key"),
        form(NEW, key_create).id("keyCreateForm").summary("Make an API key"),
        page(ROTATE, rotate_page).id("keyRotatePage").summary("Open the form that replaces an API key"),
        form(ROTATE, key_rotate).id("keyRotateForm").summary("Replace an API key"),
        page(REVOKE, revoke_page)
            .id("keyRevokePage")
            .open_when_suspended()
            .summary("Open the form that ends an API key"),
        form(REVOKE, key_revoke).id("keyRevokeForm").open_when_suspended().summary("End an API key"),
    ]
}

/// A key to make.
#[derive(Debug)]
struct KeyAsk {
    name: String,
    mode: Mode,
    scopes: Vec<Scope>,
    channels: Vec<ChannelId>,
    expires_at: Option<Timestamp>,
    /// Of the page, so that a form that is sent twice makes one key.
    once: String,
}

impl FormBody for KeyAsk {
    const FIELDS: &'static [&'static str] = &["name", "mode", "expires_at", "once"];
    const LISTS: &'static [&'static str] = &["scopes", "channels"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let name = reader.checked("name", |written| text::name(written, NAME_MAX));
        let mode = reader.parsed("mode", "Choose test or live.", |written| {
            [Mode::Test, Mode::Live].into_iter().find(|mode| mode.as_str() == written)
        });
        let scopes = reader.choices("scopes", Scope::parse);
        if scopes.is_empty() {
            reader.wrong("scopes", "Choose at least one.");
        }
        let channels = reader.choices("channels", |written| written.parse().ok());
        let expires =
            reader.parsed("expires_at", "Give a day as 2027-01-31, or leave it empty.", |written| {
                if written.is_empty() { Some(None) } else { day(written).map(Some) }
            });
        let once = reader.parsed("once", "Open the page again.", |written| {
            let fit = (1..=64).contains(&written.len())
                && written.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            fit.then(|| written.to_owned())
        });
        Some(Self { name: name?, mode: mode?, scopes, channels, expires_at: expires?, once: once? })
    }
}

/// The end of a day, in UTC.
fn day(written: &str) -> Option<Timestamp> {
    let start = (written.len() == 10).then(|| Timestamp::parse(&format!("{written}T00:00:00Z")))??;
    Some(start.plus(Duration::from_hours(24)))
}

/// A channel that a key can be bound to.
struct Channel {
    id: String,
    label: String,
}

async fn channels(app: &App, seat: &Seat) -> Result<Vec<Channel>> {
    let Some(grant) = seat.grant::<ChannelRead>() else { return Ok(Vec::new()) };
    let page = app.channel_list(&grant, PageQuery { limit: 100, after: None }).await?;
    let label = |mode: Mode, name: &str| format!("{name} ({})", mode.as_str());
    let shown = |channel: gatepost_app::ChannelView| Channel {
        id: channel.id.to_string(),
        label: label(channel.mode, &channel.name),
    };
    Ok(page.items.into_iter().map(shown).collect())
}

fn scope_hint(scope: Scope) -> &'static str {
    match scope {
        Scope::Send => "Send messages and follow them.",
        Scope::Read => "Read messages and events.",
        Scope::Webhooks => "Set up webhooks and read events.",
        Scope::Admin => "Everything a key can do, keys and channels included.",
    }
}

fn new_document(seat: &Seat, channels: &[Channel], state: &FormState) -> Markup {
    let scopes: Vec<Choice<'_>> = Scope::ALL
        .iter()
        .map(|scope| Choice { value: scope.as_str(), label: scope.as_str(), hint: Some(scope_hint(*scope)) })
        .collect();
    let channels: Vec<Choice<'_>> = channels
        .iter()
        .map(|channel| Choice { value: &channel.id, label: &channel.label, hint: None })
        .collect();
    let request = seat.view.request.to_string();
    let once = state.value("once").unwrap_or(&request);
    let content = stack(html! {
        (page_header("New API key", None, html! {}))
        (card("What it is for", parts::form(&seat.view, &seat.path("/keys/new"), state, html! {
            input type="hidden" name="once" value=(once);
            (Field::text("name", "Name").hint("Where it is used, such as “shop backend”.").required().max(NAME_MAX).fill(state))
            (Select::new("mode", "Mode").hint("A test key reaches test channels only; a live key reaches real phones.")
                .option("test", "Test").option("live", "Live").fill(state))
            (Choices {
                name: "scopes", label: "What it may do", hint: Some("As little as it needs."), several: true,
                choices: &scopes, chosen: &["send"], state,
            })
            @if !channels.is_empty() {
                (Choices {
                    name: "channels", label: "Only these channels",
                    hint: Some("Leave all of them out for every channel of its mode, those of later too."),
                    several: true, choices: &channels, chosen: &[], state,
                })
            }
            (Field::date("expires_at", "Valid until").hint("The last day, in UTC. Empty: no end.").fill(state))
            (actions(html! {
                (submit("Make the key"))
                (button_link("secondary", None, "Cancel", &seat.path("/keys")))
            }))
        })))
    });
    seat.page(Section::Keys, "New API key", content)
}

/// The one page that holds a secret.
fn secret_document(seat: &Seat, title: &str, secret: &str, text: &str) -> Markup {
    let content = stack(html! {
        (page_header(title, Some(text), html! {}))
        (card("The key", html! {
            (secret_once("API key", secret))
            (actions(html! { (button_link("primary", None, "I have copied it", &seat.path("/keys"))) }))
        }))
    });
    seat.page(Section::Keys, title, content)
}

/// The form again, with what was wrong with it.
async fn again(app: &App, seat: &Seat, state: &FormState) -> Result<Response> {
    Ok(pages::invalid(new_document(seat, &channels(app, seat).await?, state)))
}

async fn key_new(_: Grant<KeyManage>, State(app): State<App>, seat: Seat) -> Answer {
    Ok(pages::ok(new_document(&seat, &channels(&app, &seat).await?, &FormState::default())))
}

async fn key_create(
    grant: Grant<KeyManage>,
    State(app): State<App>,
    seat: Seat,
    form: Form<KeyAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(again(&app, &seat, &state).await?),
    };
    let request = gatepost_app::sha256(format!("{NEW} {} {ask:?}", seat.workspace()).as_bytes());
    let once = Idempotent { key: format!("console:{}", ask.once), request, render: kept };
    let create = KeyCreate {
        name: ask.name,
        mode: ask.mode,
        scopes: ask.scopes,
        channels: Some(ask.channels).filter(|channels| !channels.is_empty()),
        expires_at: ask.expires_at,
    };
    match app.key_create(&grant, create, Some(once)).await {
        Ok(Outcome::Fresh(created)) => {
            let text = "Give it to the software that needs it, in a place for secrets.";
            Ok(pages::ok(secret_document(&seat, "Your new key", created.secret.expose(), text)))
        }
        Ok(Outcome::Replayed(_)) => Ok(pages::ok(seat.page(Section::Keys, "Made already", html! {
            (page_header("This key was made already", None, html! {}))
            (callout(Tone::Info, "", html! {
                p { "The form was sent twice and made one key. Its secret was in the first answer only: if you did not copy it, rotate the key." }
            }))
            (actions(html! { (button_link("primary", None, "All keys", &seat.path("/keys"))) }))
        }))),
        Err(error) if matches!(error.code(), Code::TestModeOnly | Code::LiveModeOnly) => {
            let state = state.with_error("mode", error.detail().to_owned());
            Ok(again(&app, &seat, &state).await?)
        }
        Err(error) => Ok(again(&app, &seat, &state.refused(error)?).await?),
    }
}

/// How long the old secret still opens.
const OVERLAPS: [(&str, &str, u64); 4] = [
    ("0", "End it at once", 0),
    ("3600", "One hour", 3600),
    ("86400", "One day", 86_400),
    ("604800", "Seven days", 604_800),
];

struct RotateAsk {
    overlap: Duration,
}

impl FormBody for RotateAsk {
    const FIELDS: &'static [&'static str] = &["overlap"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let overlap = reader.parsed("overlap", "Choose from the list.", |written| {
            OVERLAPS.iter().find(|(value, _, _)| *value == written).map(|(_, _, seconds)| *seconds)
        });
        Some(Self { overlap: Duration::from_secs(overlap?) })
    }
}

/// The key's name, for whoever holds the permission to change it and so to see it.
async fn name_of(app: &App, seat: &Seat, id: ApiKeyId) -> Result<String> {
    let grant = seat.grant::<KeyRead>().ok_or_else(|| Error::of(Code::NotFound))?;
    Ok(app.key_get(&grant, id).await?.name)
}

fn rotate_document(seat: &Seat, id: ApiKeyId, name: &str, state: &FormState) -> Markup {
    let path = seat.path(&format!("/keys/{id}"));
    let mut overlap = Select::new("overlap", "The old secret")
        .hint("Long enough to put the new one in its place everywhere.")
        .chosen("86400");
    for (value, label, _) in OVERLAPS {
        overlap = overlap.option(value, label);
    }
    let content = stack(html! {
        (page_header("Rotate a key", Some("A successor with the same name, scopes, channels and list of addresses."), html! {}))
        (card(name, parts::form(&seat.view, &format!("{path}/rotate"), state, html! {
            (overlap.fill(state))
            (actions(html! { (submit("Rotate the key")) (button_link("secondary", None, "Cancel", &path)) }))
        })))
    });
    seat.page(Section::Keys, "Rotate a key", content)
}

async fn rotate_page(
    _: Grant<KeyManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<ApiKeyId>,
) -> Answer {
    let name = name_of(&app, &seat, id).await?;
    Ok(pages::ok(rotate_document(&seat, id, &name, &FormState::default())))
}

async fn key_rotate(
    grant: Grant<KeyManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<ApiKeyId>,
    form: Form<RotateAsk>,
) -> Answer {
    let name = name_of(&app, &seat, id).await?;
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(rotate_document(&seat, id, &name, &state))),
    };
    match app.key_rotate(&grant, id, ask.overlap).await {
        Ok(created) => {
            let text = "It does what the old one did. Put it in the old one's place.";
            Ok(pages::ok(secret_document(&seat, "The successor", created.secret.expose(), text)))
        }
        Err(error) => Ok(pages::invalid(rotate_document(&seat, id, &name, &state.refused(error)?))),
    }
}

struct RevokeAsk {
    confirm: String,
}

impl FormBody for RevokeAsk {
    const FIELDS: &'static [&'static str] = &[parts::CONFIRM];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required(parts::CONFIRM, "Type the key's name.").map(|confirm| Self { confirm })
    }
}

fn revoke_document(seat: &Seat, id: ApiKeyId, name: &str, state: &FormState) -> Markup {
    let path = seat.path(&format!("/keys/{id}"));
    let consequence = "Whatever uses this key is refused from the next request on. It cannot be undone; rotating a key lets two overlap.";
    let content = stack(html! {
        (page_header("Revoke a key", None, html! {
            a class="button secondary" href=(path) { (Icon::ArrowLeft) "Back" }
        }))
        (card(name, confirm(
            &seat.view, &format!("{path}/revoke"), name, consequence, "Revoke the key", &path, state,
        )))
    });
    seat.page(Section::Keys, "Revoke a key", content)
}

async fn revoke_page(
    _: Grant<KeyManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<ApiKeyId>,
) -> Answer {
    let name = name_of(&app, &seat, id).await?;
    Ok(pages::ok(revoke_document(&seat, id, &name, &FormState::default())))
}

async fn key_revoke(
    grant: Grant<KeyManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<ApiKeyId>,
    form: Form<RevokeAsk>,
) -> Answer {
    let name = name_of(&app, &seat, id).await?;
    let state = match form.into_result() {
        Ok((ask, _)) if text::name(&ask.confirm, NAME_MAX).is_ok_and(|typed| typed == name) => {
            app.key_revoke(&grant, id).await?;
            return Ok(pages::see_and_say(seat.path("/keys"), Notice::KeyRevoked));
        }
        Ok((_, state)) => state.with_error(parts::CONFIRM, "That is another name."),
        Err(state) => state,
    };
    Ok(pages::invalid(revoke_document(&seat, id, &name, &state)))
}
