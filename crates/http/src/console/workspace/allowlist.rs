//! `/w/{workspace_id}/allowlist` and `/w/{workspace_id}/keys/{key_id}/allowlist`: from where keys may be used.
//!
//! A list is edited as a text, one address or network in a line, so that it works without scripts and takes two hundred
//! lines as well as two.

use std::fmt::Write as _;

use axum::extract::State;
use gatepost_app::{AllowlistChange, AllowlistView, App};
use gatepost_core::access::PermissionId;
use gatepost_core::access::permission::{AllowlistManage, AllowlistRead, KeyRead};
use gatepost_core::allowlist::{self, ENTRIES_MAX};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Code, Error, Network, Result};
use maud::{Markup, html};

use crate::access::{Grant, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader, sentence};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Column, Icon, Table, Tone, actions, callout, card, checkbox, code, empty, own, page_header, stack,
    tabs, textarea, time,
};
use crate::console::seat::Seat;
use crate::path::Id;
use crate::query::{Query, QueryParameter, invalid};
use crate::reply::Answer;
use crate::route::Route;

const LIST: &str = "/w/{workspace_id}/allowlist";
const OF_KEY: &str = "/w/{workspace_id}/keys/{key_id}/allowlist";
const MODE: [QueryParameter; 1] = [QueryParameter::text("mode", "live, which is usual, or test", "test")];

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(LIST, list_page).id("allowlistPage").summary("See from where keys may be used").query(&MODE),
        form(LIST, list_set).id("allowlistForm").summary("Change from where keys may be used").query(&MODE),
        page(OF_KEY, key_page).id("keyAllowlistPage").summary("See from where an API key may be used"),
        form(OF_KEY, key_set).id("keyAllowlistForm").summary("Change from where an API key may be used"),
    ]
}

/// What a form asks for.
enum ListAsk {
    /// The text with the viewer's own address in one more line; nothing is saved.
    AddMine(String),
    Save(AllowlistChange),
}

impl FormBody for ListAsk {
    const FIELDS: &'static [&'static str] = &["enabled", "entries", "confirm_lockout", "do"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let add = reader.parsed("do", "Use the buttons.", |written| match written {
            "add" => Some(true),
            "save" => Some(false),
            _ => None,
        })?;
        let text = reader.exact("entries");
        if add {
            return Some(Self::AddMine(text));
        }
        let enabled = reader.ticked("enabled");
        let confirm_lockout = reader.ticked("confirm_lockout");
        let entries = match read_lines(&text) {
            Ok(entries) => entries,
            Err(wrong) => {
                reader.wrong("entries", sentence(&wrong));
                return None;
            }
        };
        Some(Self::Save(AllowlistChange { enabled, entries, confirm_lockout }))
    }
}

/// One address or network in a line, a note behind it. Every line that is wrong is named.
fn read_lines(text: &str) -> Result<Vec<(Network, String)>, String> {
    let (mut entries, mut wrong) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line = line.trim();
        let (network, note) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match Network::parse(network).and_then(|network| Ok((network, allowlist::note(note)?))) {
            Ok(entry) => entries.push(entry),
            Err(expected) => wrong.push(format!("line {}: {expected}", at + 1)),
        }
    }
    if entries.len() > ENTRIES_MAX {
        wrong.push(format!("a list has at most {ENTRIES_MAX} lines"));
    }
    match wrong.as_slice() {
        [] => Ok(entries),
        few if few.len() <= 5 => Err(few.join("; ")),
        many => Err(format!("{}; and {} lines more", many[..5].join("; "), many.len() - 5)),
    }
}

fn written(view: &AllowlistView) -> String {
    view.entries.iter().fold(String::new(), |mut text, entry| {
        let _ = writeln!(text, "{} {}", entry.network, entry.note);
        text
    })
}

/// What is shown of one list, the workspace's or a key's.
struct Shown<'a> {
    seat: &'a Seat,
    section: Section,
    title: &'a str,
    lead: &'a str,
    /// Where the form goes and the page is.
    path: String,
    mode: Option<Mode>,
    back: Option<String>,
}

impl Shown<'_> {
    fn document(&self, view: &AllowlistView, state: &FormState, lockout: bool) -> Markup {
        let seat = self.seat;
        let content = stack(html! {
            (page_header(self.title, Some(self.lead), html! {
                @if let Some(back) = &self.back {
                    a class="button secondary" href=(back) { (Icon::ArrowLeft) "Back" }
                }
            }))
            @if let Some(mode) = self.mode {
                (tabs("Mode", [Mode::Live, Mode::Test].map(|shown| {
                    let name = if shown == Mode::Live { "Live keys" } else { "Test keys" };
                    (name, format!("{}?mode={}", seat.path("/allowlist"), shown.as_str()), shown == mode)
                })))
            }
            @if view.enabled {
                (callout(Tone::Good, "The list is on.", html! { p { "Keys open from these addresses only." } }))
            } @else {
                (callout(Tone::Plain, "The list is off.", html! { p { "Keys open from everywhere, whatever is listed." } }))
            }
            @if seat.may(PermissionId::AllowlistManage) {
                (card("Addresses", self.form(view, state, lockout)))
            } @else {
                (card("Addresses", table(view)))
            }
        });
        seat.page_of(self.section, self.mode, self.title, content)
    }

    fn form(&self, view: &AllowlistView, state: &FormState, lockout: bool) -> Markup {
        let text = written(view);
        parts::form(
            &self.seat.view,
            &self.path,
            state,
            html! {
                @if let Some(address) = view.your_address {
                    p { "Your own address is " (code(&address.to_string())) ", as it is seen here." }
                }
                (textarea("entries", "One address or network in a line", 8)
                    .hint("For example: 192.0.2.0/24 Office. IPv4 or IPv6, a note behind it if you like.")
                    .mono().unmarked().value(&text).fill(state))
                (checkbox("enabled", "Keys may be used from these addresses only",
                    Some("Binds the very next request, on every node."), view.enabled, state))
                @if lockout {
                    (checkbox("confirm_lockout", "My own address shall not be on the list",
                        Some("Keys that are used from where you are will be refused."), false, state))
                }
                (actions(html! {
                    // The first button is what the Enter key presses.
                    button class="button primary" name="do" value="save" { "Save the list" }
                    @if view.your_address.is_some() {
                        button class="button secondary" name="do" value="add" { (Icon::Plus) "Add my address" }
                    }
                }))
            },
        )
    }

    /// The form with one line more, not saved yet.
    fn with_mine(&self, view: &AllowlistView, mut text: String, state: &FormState) -> Markup {
        if let Some(address) = view.your_address.map(|address| address.to_string()) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            let _ = writeln!(text, "{address} My address");
        }
        let mut values = vec![("entries", text)];
        values.extend(state.value("enabled").map(|on| ("enabled", on.to_owned())));
        self.document(view, &FormState::of(values), false)
    }
}

fn table(view: &AllowlistView) -> Markup {
    if view.entries.is_empty() {
        return empty(Icon::Globe, "No addresses yet", "The list is empty.", html! {});
    }
    let rows = view
        .entries
        .iter()
        .map(|entry| vec![code(&entry.network.to_string()), own(&entry.note), time(entry.created_at)]);
    let columns = [Column::text("Network"), Column::text("Note"), Column::text("Listed")];
    html! { (Table { caption: "Addresses", columns: &columns, rows: rows.collect() }) }
}

fn mode_of(query: &Query) -> Result<Mode> {
    match query.get("mode") {
        None | Some("live") => Ok(Mode::Live),
        Some("test") => Ok(Mode::Test),
        Some(_) => Err(invalid("mode: expected test or live")),
    }
}

fn of_workspace(seat: &Seat, mode: Mode) -> Shown<'_> {
    Shown {
        seat,
        section: Section::Allowlist,
        title: "IP allowlist",
        lead: "From where this workspace's keys may be used. Live and test keys have a list each.",
        path: format!("{}?mode={}", seat.path("/allowlist"), mode.as_str()),
        mode: Some(mode),
        back: None,
    }
}

async fn list_page(grant: Grant<AllowlistRead>, State(app): State<App>, seat: Seat, query: Query) -> Answer {
    let mode = mode_of(&query)?;
    let view = app.allowlist_get(&grant, mode).await?;
    Ok(pages::ok(of_workspace(&seat, mode).document(&view, &FormState::default(), false)))
}

async fn list_set(
    grant: Grant<AllowlistManage>,
    State(app): State<App>,
    seat: Seat,
    query: Query,
    form: Form<ListAsk>,
) -> Answer {
    let mode = mode_of(&query)?;
    let shown = of_workspace(&seat, mode);
    let read = seat.grant::<AllowlistRead>().ok_or_else(|| Error::of(Code::PermissionMissing))?;
    let view = app.allowlist_get(&read, mode).await?;
    let (change, state) = match form.into_result() {
        Ok((ListAsk::AddMine(text), state)) => return Ok(pages::ok(shown.with_mine(&view, text, &state))),
        Ok((ListAsk::Save(change), state)) => (change, state),
        Err(state) => return Ok(pages::invalid(shown.document(&view, &state, false))),
    };
    match app.allowlist_set(&grant, mode, change).await {
        Ok(_) => Ok(pages::see_and_say(shown.path, Notice::AllowlistSaved)),
        Err(error) => {
            let lockout = error.code() == Code::AllowlistLockout;
            Ok(pages::invalid(shown.document(&view, &state.refused(error)?, lockout)))
        }
    }
}

fn of_key<'a>(seat: &'a Seat, id: ApiKeyId, name: &'a str) -> Shown<'a> {
    let back = seat.path(&format!("/keys/{id}"));
    Shown {
        seat,
        section: Section::Keys,
        title: name,
        lead: "From where this key may be used. The workspace's own list must hold the address too, where it is on.",
        path: format!("{back}/allowlist"),
        mode: None,
        back: Some(back),
    }
}

async fn key_name(app: &App, seat: &Seat, id: ApiKeyId) -> Result<String> {
    match seat.grant::<KeyRead>() {
        Some(grant) => Ok(app.key_get(&grant, id).await?.name),
        None => Ok("An API key".to_owned()),
    }
}

async fn key_page(
    grant: Grant<AllowlistRead>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<ApiKeyId>,
) -> Answer {
    let view = app.key_allowlist_get(&grant, id).await?;
    let name = key_name(&app, &seat, id).await?;
    Ok(pages::ok(of_key(&seat, id, &name).document(&view, &FormState::default(), false)))
}

async fn key_set(
    grant: Grant<AllowlistManage>,
    State(app): State<App>,
    seat: Seat,
    Id(id): Id<ApiKeyId>,
    form: Form<ListAsk>,
) -> Answer {
    let read = seat.grant::<AllowlistRead>().ok_or_else(|| Error::of(Code::PermissionMissing))?;
    let view = app.key_allowlist_get(&read, id).await?;
    let name = key_name(&app, &seat, id).await?;
    let shown = of_key(&seat, id, &name);
    let (change, state) = match form.into_result() {
        Ok((ListAsk::AddMine(text), state)) => return Ok(pages::ok(shown.with_mine(&view, text, &state))),
        Ok((ListAsk::Save(change), state)) => (change, state),
        Err(state) => return Ok(pages::invalid(shown.document(&view, &state, false))),
    };
    match app.key_allowlist_set(&grant, id, change).await {
        Ok(_) => Ok(pages::see_and_say(shown.path, Notice::AllowlistSaved)),
        Err(error) => Ok(pages::invalid(shown.document(&view, &state.refused(error)?, false))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn lines() {
        let read = read_lines("192.0.2.0/24  The office\r\n\r\n  2001:db8::1\n").unwrap();
        let written: Vec<String> = read.iter().map(|(network, note)| format!("{network}|{note}")).collect();
        assert_eq!(written[0], "192.0.2.0/24|The office");
        assert!(written.len() == 2 && written[1].starts_with("2001:db8::1"));
        let wrong = read_lines("192.0.2.0/24\nnonsense\n192.0.2.1/24 x\n1.2.3.4 \u{202e}x").unwrap_err();
        assert!(["line 2: ", "line 3: ", "line 4: "].iter().all(|line| wrong.contains(line)), "{wrong}");
        assert!(!wrong.contains("line 1"));
        let many = "nonsense\n".repeat(9);
        assert!(read_lines(&many).unwrap_err().ends_with("and 4 lines more"));
    }
}
