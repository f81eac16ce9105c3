//! What a visitor sees: one form at a time, in the site's name, colours and words. Nothing in it needs a script.

use std::fmt::Write as _;

use gatepost_app::{OpenPage, PageVisit};
use gatepost_core::verification::{Colour, PageSettings, PageWord};
use maud::{DOCTYPE, Markup, html};

use crate::console::assets::{self, File};
use crate::console::form::FormState;
use crate::console::parts::{Field, Icon, own};

/// Where a visitor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Phone,
    Code,
}

/// What of a step is shown.
pub(super) struct Shown<'a> {
    pub step: Step,
    pub error: Option<PageWord>,
    /// The number as it was typed.
    pub typed: Option<&'a str>,
}

impl Shown<'_> {
    pub const fn first(step: Step) -> Self {
        Self { step, error: None, typed: None }
    }
}

/// The field that an error stands at.
const fn field_of(error: PageWord) -> Option<&'static str> {
    match error {
        PageWord::PhoneWrong => Some("phone"),
        PageWord::CodeWrong => Some("code"),
        _ => None,
    }
}

/// The whole document.
pub(super) fn document(
    page: &OpenPage,
    visit: &PageVisit,
    token: &str,
    sealed: &str,
    shown: &Shown<'_>,
) -> Markup {
    let settings = &page.settings;
    let say = |word| settings.say(&visit.language, word);
    let title = say(PageWord::Title);
    let field = shown.error.and_then(field_of);
    let state = match (shown.error, field) {
        (Some(error), Some(field)) => FormState::default().with_error(field, say(error).to_owned()),
        _ => FormState::default(),
    };
    html! {
        (DOCTYPE)
        html lang=(visit.language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · " (settings.app_name) }
                link rel="icon" href=(assets::url(File::Favicon)) type="image/svg+xml";
                link rel="stylesheet" href=(assets::url(File::Styles));
                link rel="stylesheet" href={ "/verify/" (token) "/theme.css" };
                link rel="license" href=(assets::url(File::Licences));
            }
            body class="narrow verify" {
                main id="content" {
                    p class="brand" { (own(&settings.app_name)) }
                    div class="card" {
                        header { h1 dir="auto" { (title) } }
                        div class="content" {
                            @if let Some(error) = shown.error.filter(|_| field.is_none()) {
                                div class="callout bad" role="alert" tabindex="-1" autofocus {
                                    (Icon::CircleAlert)
                                    div { p dir="auto" { (say(error)) } }
                                }
                            }
                            @match shown.step {
                                Step::Phone => (phone_step(settings, visit, token, sealed, &state, shown.typed)),
                                Step::Code => (code_step(settings, visit, token, sealed, &state)),
                            }
                        }
                    }
                }
            }
        }
    }
}

fn phone_step(
    settings: &PageSettings,
    visit: &PageVisit,
    token: &str,
    sealed: &str,
    state: &FormState,
    typed: Option<&str>,
) -> Markup {
    let say = |word| settings.say(&visit.language, word);
    let field = Field::text("phone", say(PageWord::Phone)).hint(say(PageWord::PhoneHint)).autocomplete("tel");
    let field = field.required().focused().max(40).mono().fill(state).value(typed.unwrap_or_default());
    html! {
        p dir="auto" { (say(PageWord::Lead)) }
        form method="post" action={ "/verify/" (token) } class="fields" novalidate {
            input type="hidden" name="visit" value=(sealed);
            (field)
            button class="button primary" name="step" value="start" { (say(PageWord::Send)) }
        }
    }
}

fn code_step(
    settings: &PageSettings,
    visit: &PageVisit,
    token: &str,
    sealed: &str,
    state: &FormState,
) -> Markup {
    let say = |word| settings.say(&visit.language, word);
    let action = format!("/verify/{token}");
    let mut parameters = vec![("return_url", visit.return_url.as_str()), ("locale", visit.language.as_str())];
    if let Some(state) = &visit.state {
        parameters.push(("state", state));
    }
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    html! {
        p dir="auto" {
            (say(PageWord::Sent)) " "
            @if let Some(phone) = &visit.phone { strong class="mono" dir="ltr" { (phone) } }
        }
        form method="post" action=(action) class="fields" novalidate {
            input type="hidden" name="visit" value=(sealed);
            (Field::code("code", say(PageWord::Code)).required().focused().max(20).fill(state))
            button class="button primary" name="step" value="check" { (say(PageWord::Check)) }
        }
        div class="actions" {
            form method="post" action=(action) class="inline" {
                input type="hidden" name="visit" value=(sealed);
                button class="button secondary" name="step" value="resend" { (say(PageWord::Resend)) }
            }
            a class="button quiet" href={ (action) "?" (query) } { (say(PageWord::Change)) }
        }
    }
}

/// The page's colours. They stand for the button alone, and its words are black or white, so that whatever colour is chosen
/// nothing becomes hard to read; the ring around what has the focus keeps the ink's.
pub(super) fn theme(settings: &PageSettings) -> String {
    let mut css = String::from(".verify .card > .content { display: grid; gap: var(--s-5); }\n");
    let Some(light) = settings.accent.or(settings.accent_dark) else { return css };
    let dark = settings.accent_dark.unwrap_or(light);
    let pair = |one: Colour, two: Colour| format!("light-dark({one}, {two})");
    let _ = writeln!(
        css,
        ".verify .button.primary {{ --brand: {accent}; --brand-strong: {accent}; --on-brand: {ink}; border-color: var(--line-3); }}\n.verify .button.primary:focus-visible {{ outline-color: var(--ink); }}\n.verify .button.primary:hover {{ text-decoration: underline; }}",
        accent = pair(light, dark),
        ink = pair(light.ink(), dark.ink()),
    );
    css
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use gatepost_core::verification::ReturnUrl;

    use super::*;

    #[test]
    fn a_theme_is_made_of_colours_alone() {
        let mut settings = PageSettings {
            app_name: "</style><script>".to_owned(),
            accent: None,
            accent_dark: None,
            return_urls: vec![ReturnUrl::parse("https://shop.example/in").unwrap()],
            frame_ancestors: Vec::new(),
            texts: std::collections::BTreeMap::new(),
            template: None,
        };
        assert!(!theme(&settings).contains("--brand"));
        settings.accent = Some(Colour::parse("#ffee00").unwrap());
        let css = theme(&settings);
        assert!(css.contains("light-dark(#ffee00, #ffee00)") && css.contains("light-dark(#000000, #000000)"));
        assert!(!css.contains("script"));
    }
}
