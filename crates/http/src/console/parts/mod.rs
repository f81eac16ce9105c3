//! The parts of pages: functions that give markup.
//!
//! What a customer or a stranger wrote goes through [`own`] (or a part that does so by itself, as all that take a
//! `&str` of such a kind say), which keeps its direction apart from the text around it. Nothing here takes a style or a
//! class from outside, and no page writes one of its own: what a page needs and is not here belongs here.
//!
//! A whole page, with a form that shows its errors:
//!
//! ```ignore
//! pub fn routes() -> Vec<Route<App>> {
//!     vec![
//!         page(KEYS, keys_page).id("keysPage").summary("See the API keys"),
//!         form(KEYS, key_create).id("keyCreateForm").summary("Make an API key"),
//!     ]
//! }
//!
//! struct KeyAsk { name: String }
//!
//! impl FormBody for KeyAsk {
//!     const FIELDS: &'static [&'static str] = &["name"];
//!
//!     fn read(reader: &mut Reader<'_>) -> Option<Self> {
//!         let name = reader.required("name", "Give the key a name.");
//!         Some(Self { name: name? })
//!     }
//! }
//!
//! fn document(view: &View, frame: &Frame<'_>, state: &FormState) -> Markup {
//!     frame.page(view, "API keys", html! {
//!         (page_header("API keys", Some("What opens the API."), html! {}))
//!         (card("New key", form(view, "/w/…/keys", state, html! {
//!             (Field::text("name", "Name").hint("Where it is used.").required().fill(state))
//!             (actions(html! { (submit("Make the key")) }))
//!         })))
//!     })
//! }
//!
//! async fn keys_page(grant: Grant<KeyRead>, State(app): State<App>, view: View) -> Answer {
//!     Ok(page::ok(document(&view, &frame, &FormState::default())))
//! }
//!
//! async fn key_create(grant: Grant<KeyManage>, State(app): State<App>, view: View, form: Form<KeyAsk>) -> Answer {
//!     let (ask, state) = match form.into_result() {
//!         Ok(read) => read,
//!         Err(state) => return Ok(page::invalid(document(&view, &frame, &state))),
//!     };
//!     match app.key_create(&grant, ask.into()).await {
//!         Ok(_) => Ok(page::see_and_say("/w/…/keys", Notice::KeyMade)),
//!         Err(error) => Ok(page::invalid(document(&view, &frame, &state.refused(error)?))),
//!     }
//! }
//! ```

mod block;
mod danger;
mod fields;
mod icon;
mod table;
mod words;

pub use block::{
    Tone, actions, callout, card, card_with_action, empty, facts, meter, notice, page_header, pagination,
    stack, tabs, untitled_card,
};
pub use danger::{CONFIRM, confirm, secret_lines, secret_once};
pub use fields::{
    Choice, Choices, Field, Select, button_link, checkbox, danger, error_summary, form, plain_form, quiet,
    search_form, secondary, submit, textarea,
};
pub use icon::Icon;
pub use table::{Column, Table};
pub use words::{avatar, badge, code, copyable, day, own, time};
