//! `/account/linked`: the accounts at identity providers that a person has linked.

use axum::extract::State;
use gatepost_app::{App, IdentityView, SsoOffer};
use gatepost_core::IdentityId;
use maud::{Markup, html};

use super::LINKED_PATH;
use crate::access::{SignedIn, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    Column, Icon, Table, actions, card, empty, error_summary, own, page_header, plain_form, quiet, secondary,
    stack, time, untitled_card,
};
use crate::console::seat::Account;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From as CallerFrom};

const UNLINK: &str = "/account/linked/unlink";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(LINKED_PATH, linked).id("linkedPage").summary("See the accounts at identity providers"),
        form(UNLINK, unlink).id("linkedUnlinkForm").summary("Take an account at an identity provider off"),
    ]
}

struct UnlinkAsk(IdentityId);

impl FormBody for UnlinkAsk {
    const FIELDS: &'static [&'static str] = &["identity_id"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.parsed("identity_id", "Choose an account.", |text| text.parse().ok()).map(Self)
    }
}

fn document(account: &Account, known: &[IdentityView], offers: &[SsoOffer], state: &FormState) -> Markup {
    let title = "Linked accounts";
    account.page(
        Section::Linked,
        title,
        html! {
            (page_header(title, Some("Accounts at identity providers that open yours."), html! {}))
            (error_summary(state))
            (stack(html! {
                @if known.is_empty() {
                    (untitled_card(empty(Icon::User, "Nothing is linked", "Link an account to sign in with it.", html! {})))
                } @else {
                    (card("Linked", table(account, known)))
                }
                @if !offers.is_empty() {
                    (card("Link another", actions(html! {
                        @for offer in offers {
                            (plain_form(&account.view, &format!("/sso/{}/link", offer.key), html! {
                                (secondary(&format!("Link {}", offer.name)))
                            }))
                        }
                    })))
                }
            }))
        },
    )
}

fn table(account: &Account, known: &[IdentityView]) -> Markup {
    let rows = known.iter().map(|identity| {
        vec![
            html! { bdi dir="ltr" { (identity.issuer) } },
            html! { @if let Some(email) = &identity.email { (own(email)) } @else { "–" } },
            html! { @if let Some(at) = identity.last_used_at { (time(at)) } @else { "never" } },
            plain_form(
                &account.view,
                UNLINK,
                html! {
                    input type="hidden" name="identity_id" value=(identity.id);
                    (quiet("Unlink"))
                },
            ),
        ]
    });
    let columns = [
        Column::text("Provider"),
        Column::text("Address there"),
        Column::text("Last used"),
        Column::buttons(),
    ];
    html! { (Table { caption: "Accounts that are linked", columns: &columns, rows: rows.collect() }) }
}

async fn linked(SignedIn(person): SignedIn, State(app): State<App>, account: Account) -> Answer {
    let (known, offers) = (app.identity_list(&person).await?, app.sso_link_offers(&person).await?);
    Ok(pages::ok(document(&account, &known, &offers, &FormState::default())))
}

async fn unlink(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    CallerFrom(caller): CallerFrom,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    account: Account,
    form: Form<UnlinkAsk>,
) -> Answer {
    let state = match form.into_result() {
        Ok((UnlinkAsk(id), state)) => match app.identity_unlink(&person, &caller, id).await {
            Ok(token) => {
                let done = pages::see_and_say(LINKED_PATH, Notice::AccountUnlinked);
                return Ok(session::with_session(done, kind, &token));
            }
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let (known, offers) = (app.identity_list(&person).await?, app.sso_link_offers(&person).await?);
    Ok(pages::invalid(document(&account, &known, &offers, &state)))
}
