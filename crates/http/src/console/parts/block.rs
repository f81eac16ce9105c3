//! Parts that stand by themselves.

use maud::{Markup, html};

use super::icon::Icon;
use crate::console::notice::Notice;

/// What a colour means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Info,
    Warn,
    Bad,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Good => Icon::CircleCheck,
            Self::Warn => Icon::TriangleAlert,
            Self::Bad => Icon::CircleAlert,
            Self::Plain | Self::Info => Icon::Info,
        }
    }
}

/// The head of a page: its one `h1`, a sentence, and what can be done with the page as a whole.
pub fn page_header(title: &str, lead: Option<&str>, actions: Markup) -> Markup {
    html! {
        header class="page-header" {
            div {
                h1 dir="auto" { (title) }
                @if let Some(lead) = lead { p class="lead" { (lead) } }
            }
            @if !actions.0.is_empty() { div class="actions" { (actions) } }
        }
    }
}

/// A part of a page with a title of its own.
pub fn card(title: &str, content: Markup) -> Markup {
    card_with_action(title, html! {}, content)
}

/// The same with something to do beside its title.
pub fn card_with_action(title: &str, action: Markup, content: Markup) -> Markup {
    html! {
        section class="card" {
            header { h2 { (title) } (action) }
            div class="content" { (content) }
        }
    }
}

/// A part of a page that needs no title, such as one that is empty still.
pub fn untitled_card(content: Markup) -> Markup {
    html! {
        section class="card" { div class="content" { (content) } }
    }
}

/// Things below each other, with room between.
pub fn stack(content: Markup) -> Markup {
    html! { div class="stack" { (content) } }
}

/// Buttons beside each other.
pub fn actions(content: Markup) -> Markup {
    html! { div class="actions" { (content) } }
}

/// Something to know, and what to do about it.
pub fn callout(tone: Tone, title: &str, content: Markup) -> Markup {
    html! {
        div class={ "callout " (tone.class()) } role=[(tone == Tone::Bad).then_some("alert")] {
            (tone.icon())
            div {
                @if !title.is_empty() { p class="title" { (title) } }
                (content)
            }
        }
    }
}

/// What was just done.
pub fn notice(notice: Notice) -> Markup {
    html! {
        div class="callout good" role="status" {
            (Icon::CircleCheck)
            div { p { (notice.text()) } }
        }
    }
}

/// A list without entries: one sentence and one thing to do.
pub fn empty(icon: Icon, title: &str, text: &str, action: Markup) -> Markup {
    html! {
        div class="empty" {
            span class="picture" { (icon) }
            p class="title" { (title) }
            p { (text) }
            (action)
        }
    }
}

/// Names and values.
pub fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! {
        dl class="facts" {
            @for (name, value) in rows {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// Views of one thing, as links: the one that is shown is said.
pub fn tabs<'t>(label: &str, links: impl IntoIterator<Item = (&'t str, String, bool)>) -> Markup {
    html! {
        nav class="tabs" aria-label=(label) {
            @for (text, href, current) in links {
                a href=(href) aria-current=[current.then_some("page")] { (text) }
            }
        }
    }
}

/// The ways on from a page of a list. `first` is where the list begins, where this is not the beginning.
pub fn pagination(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav class="pagination" aria-label="Pages" {
                @if let Some(first) = first {
                    a class="button secondary" href=(first) { (Icon::ArrowLeft) "Newest" }
                }
                @if let Some(next) = next {
                    a class="button secondary" href=(next) rel="next" { "Older" (Icon::ArrowRight) }
                }
            }
        }
    }
}

/// How much of something is used.
pub fn meter(label: &str, used: u64, of: u64) -> Markup {
    html! {
        div class="meter" {
            span { (label) }
            span class="figures" { (used) " of " (of) }
            meter min="0" max=(of) value=(used) high=(of / 5 * 4) aria-label=(label) { (used) " of " (of) }
        }
    }
}
