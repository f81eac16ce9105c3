//! The form around a touch of a passkey: the script asks the browser, puts the answer into the form and sends it.

use gatepost_app::PasskeyStart;
use maud::{Markup, html};

use crate::console::form::FormState;
use crate::console::parts::{Tone, callout, error_summary, submit};
use crate::console::view::View;

/// What the browser is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// A new passkey.
    Make,
    /// A proof by one that it has.
    Use,
}

impl Touch {
    /// The function of `navigator.credentials` that the script calls.
    const fn function(self) -> &'static str {
        match self {
            Self::Make => "create",
            Self::Use => "get",
        }
    }
}

/// A form whose hidden fields `ticket` and `answer` are those of a ceremony. `fields` are further ones.
pub fn ceremony(
    view: &View,
    action: &str,
    touch: Touch,
    start: &PasskeyStart,
    state: &FormState,
    fields: Markup,
    button: &str,
) -> Markup {
    html! {
        form method="post" action=(action) class="fields" novalidate data-passkey=(touch.function())
            data-options=(start.options) {
            (view.csrf_field())
            (error_summary(state))
            input type="hidden" name="ticket" value=(start.ticket.expose());
            input type="hidden" name="answer" value=(state.value("answer").unwrap_or_default());
            (fields)
            (submit(button))
            div data-failed role="alert" hidden {
                (callout(Tone::Warn, "That did not work.", html! {
                    p { "The browser or the device did not finish. Try again, or choose another way." }
                }))
            }
            // Taken away by the script: `noscript` is left out where scripts are off for one page only.
            div data-unscripted {
                (callout(Tone::Warn, "Passkeys need a script.", html! {
                    p { "Allow scripts of this site in your browser, or choose another way." }
                }))
            }
        }
    }
}
