//! What cannot be taken back, and what is shown once.

use maud::{Markup, html};

use super::block::{Tone, callout};
use super::fields::{Field, danger, form};
use super::icon::Icon;
use crate::console::form::FormState;
use crate::console::view::View;

/// The field of [`confirm`].
pub const CONFIRM: &str = "confirm";

/// Asks for the name of what is about to be destroyed. The handler compares the field `confirm` with `name` once more.
/// `consequence` says what is lost.
pub fn confirm(
    view: &View,
    action: &str,
    name: &str,
    consequence: &str,
    button: &str,
    cancel: &str,
    state: &FormState,
) -> Markup {
    html! {
        (callout(Tone::Warn, "", html! { p { (consequence) } }))
        (form(view, action, state, html! {
            p { "To go on, type " strong class="whole" { bdi { (name) } } " below." }
            (Field::text(CONFIRM, "Name").required().fill(state))
            div class="actions" {
                (danger(button))
                a class="button secondary" href=(cancel) { "Cancel" }
            }
        }))
    }
}

/// A secret in the only answer that ever holds it. It is a field that can be selected as a whole; with scripts there is
/// a button that copies it.
pub fn secret_once(label: &str, secret: &str) -> Markup {
    html! {
        div class="secret" {
            (callout(Tone::Warn, "Copy it now.", html! {
                p { "It is shown this once. Gatepost keeps a digest of it and cannot show it again." }
            }))
            div class="field" {
                label for="secret" { (label) }
                div class="with-button" {
                    input id="secret" class="mono" type="text" dir="ltr" readonly value=(secret) autocomplete="off"
                        spellcheck="false";
                    button class="button secondary" type="button" data-copy-from="secret" hidden {
                        (Icon::Copy) span { "Copy" }
                    }
                }
            }
        }
    }
}

/// Several such texts, one on a line, as one field that can be selected as a whole. The page says itself that they are
/// shown once.
pub fn secret_lines(label: &str, lines: &[&str]) -> Markup {
    html! {
        div class="secret" {
            div class="field" {
                label for="secret" { (label) }
                textarea id="secret" class="mono" dir="ltr" readonly rows=(lines.len()) autocomplete="off"
                    spellcheck="false" { (lines.join("\n")) }
                button class="button secondary" type="button" data-copy-from="secret" hidden {
                    (Icon::Copy) span { "Copy all" }
                }
            }
        }
    }
}
