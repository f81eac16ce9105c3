//! What a person proves themselves with.

use axum::extract::State;
use gatepost_app::{App, FactorsView};
use maud::{Markup, html};

use super::{Account, PasskeyPlace, SECURITY_PATH};
use crate::access::{SignedIn, form, page};
use crate::console::credentials::{EMAIL_PATH, PASSWORD_PATH};
use crate::console::notice::Notice;
use crate::console::page;
use crate::console::parts::{
    Column, Icon, Table, Tone, actions, badge, button_link, callout, card, card_with_action, day, empty, own,
    page_header, plain_form, secondary, stack, submit,
};
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{AtConsole, From};

pub const CODES_PATH: &str = "/account/security/recovery-codes";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(SECURITY_PATH, security_page).id("securityPage").summary("See what one signs in with"),
        form(CODES_PATH, codes_make).id("recoveryCodesMakeForm").summary("Make new recovery codes"),
    ]
}

async fn security_page(SignedIn(person): SignedIn, State(app): State<App>, view: View) -> Answer {
    let account = Account::of(&app, &person).await?;
    let factors = app.factors_of(&person).await?;
    let title = "Sign-in and security";
    let lead =
        "What you prove yourself with. Changes ask for a fresh proof, and you are told of them by e-mail.";
    let content = html! {
        (page_header(title, Some(lead), html! {}))
        @if factors.second_factor_owed && !has_second(&factors) {
            (callout(Tone::Warn, "You owe a second factor.", html! {
                p { "Your role, or a workspace that you belong to, asks for one. Add a passkey or an authenticator app; until then those pages stay closed." }
            }))
        }
        (stack(html! {
            (passkeys(&view, &factors, &PasskeyPlace::of(&app, &view)))
            (app_card(&view, &factors))
            @if has_second(&factors) { (codes(&view, &factors)) }
            (credentials(&factors))
        }))
    };
    Ok(page::ok(account.page(&view, title, content)))
}

/// What is changed on pages of its own.
fn credentials(factors: &FactorsView) -> Markup {
    let password = if factors.password { "Change the password" } else { "Set a password" };
    card(
        "Password and address",
        actions(html! {
            (button_link("secondary", None, password, PASSWORD_PATH))
            (button_link("secondary", None, "Change the e-mail address", EMAIL_PATH))
        }),
    )
}

fn has_second(factors: &FactorsView) -> bool {
    factors.totp.is_some() || !factors.passkeys.is_empty()
}

fn passkeys(view: &View, factors: &FactorsView, place: &PasskeyPlace) -> Markup {
    let add = html! {
        @if place.here() {
            (plain_form(view, super::passkeys::NEW_PATH, submit("Add a passkey")))
        }
    };
    let rows = factors.passkeys.iter().map(|passkey| {
        let href = format!("{}/{}", super::passkeys::PATH, passkey.id);
        vec![
            html! { (own(&passkey.name)) },
            day(passkey.created_at),
            html! { @if let Some(at) = passkey.last_used_at { (day(at)) } @else { "never" } },
            button_link("quiet", None, "Change", &href),
        ]
    });
    let columns = [Column::text("Name"), Column::text("Made"), Column::text("Last used"), Column::buttons()];
    card_with_action(
        "Passkeys",
        html! { @if !factors.passkeys.is_empty() { (add) } },
        html! {
            (place.hint(SECURITY_PATH))
            @if *place == PasskeyPlace::Nowhere {
                (callout(Tone::Info, "", html! {
                    p { "Passkeys need https and a host name, or http://localhost. Whoever runs this Gatepost sets the address as server.public_url." }
                }))
            }
            @if factors.passkeys.is_empty() {
                (empty(
                    Icon::FingerprintPattern,
                    "No passkey yet",
                    "A passkey is on your device or security key and opens with your finger, face or PIN. It signs you in alone, and no other site can ask for it.",
                    add,
                ))
            } @else {
                (Table { caption: "Your passkeys", columns: &columns, rows: rows.collect() })
            }
        },
    )
}

fn app_card(view: &View, factors: &FactorsView) -> Markup {
    let path = super::authenticator::PATH;
    card(
        "Authenticator app",
        html! {
            @match factors.totp {
                Some(since) => {
                    p { (badge(Tone::Good, "On")) " since " (day(since)) ". A code of the app is asked for after your password." }
                    (button_link("secondary", None, "Remove the app", &format!("{path}/remove")))
                }
                None => {
                    p { (badge(Tone::Plain, "Off")) " An app on your phone shows a code that is asked for after your password." }
                    (plain_form(view, path, secondary("Set up an app")))
                }
            }
        },
    )
}

fn codes(view: &View, factors: &FactorsView) -> Markup {
    let few = factors.recovery_codes <= 3;
    card(
        "Recovery codes",
        html! {
            p {
                (badge(if few { Tone::Warn } else { Tone::Good }, &format!("{} left", factors.recovery_codes)))
                " Each opens your account once when your device is gone. New codes void those that you have."
            }
            (plain_form(view, CODES_PATH, secondary("Make new codes")))
        },
    )
}

async fn codes_make(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    view: View,
) -> Answer {
    let account = Account::of(&app, &person).await?;
    let made = app.recovery_codes_make(&person, &caller).await?;
    Ok(account.added(&view, kind, &made, Notice::CodesMade))
}
