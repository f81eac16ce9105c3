//! The rules for acceptable use, in forms that make a workspace.

use gatepost_app::AcceptableUse;
use maud::{Markup, html};

use super::form::{FormState, Reader};
use super::parts::checkbox;

/// The fields, for the lists of forms that take them.
pub const ACCEPTED: &str = "acceptable_use";
pub const VERSION: &str = "acceptable_use_version";

/// The rules, and the box that says that they are accepted; nothing where there are none.
pub fn fields(rules: Option<&AcceptableUse>, state: &FormState) -> Markup {
    html! {
        @if let Some(rules) = rules {
            details {
                summary { "The rules for acceptable use" }
                pre { (rules.text) }
            }
            input type="hidden" name=(VERSION) value=(rules.version);
            (checkbox(ACCEPTED, "I accept the rules for acceptable use", None, false, state))
        }
    }
}

/// The version that was accepted.
pub fn read(reader: &mut Reader<'_>) -> Option<String> {
    let version = reader.text(VERSION);
    let accepted = reader.ticked(ACCEPTED);
    (accepted && !version.is_empty()).then_some(version)
}
