//! Forms, their fields and their buttons.
//!
//! Every field has a label, and its hint and its error are tied to it (`aria-describedby`, `aria-invalid`). The id of a
//! field is `f-NAME`, so that the summary of errors can lead to it: a page has one form with a field of that name.

use maud::{Markup, Render, html};

use super::icon::Icon;
use crate::console::form::FormState;
use crate::console::view::View;

/// A form that changes something. Shows the summary of its errors, if it has any.
pub fn form(view: &View, action: &str, state: &FormState, fields: Markup) -> Markup {
    html! {
        form method="post" action=(action) class="fields" novalidate {
            (view.csrf_field())
            (error_summary(state))
            (fields)
        }
    }
}

/// A form of one button or so, in a line.
pub fn plain_form(view: &View, action: &str, fields: Markup) -> Markup {
    html! {
        form method="post" action=(action) class="inline" {
            (view.csrf_field())
            (fields)
        }
    }
}

/// A form that reads only: its fields become the page's query, so that it can be kept and sent on.
pub fn search_form(action: &str, label: &str, fields: Markup) -> Markup {
    html! {
        search aria-label=(label) {
            form method="get" action=(action) class="filters" { (fields) }
        }
    }
}

/// All that is wrong with a form, each entry leading to its field.
pub fn error_summary(state: &FormState) -> Markup {
    html! {
        @if !state.errors().is_empty() {
            div class="callout bad" role="alert" tabindex="-1" id="errors" autofocus {
                (Icon::CircleAlert)
                div {
                    p class="title" {
                        @if state.errors().len() == 1 { "One thing is not right yet." }
                        @else { (state.errors().len()) " things are not right yet." }
                    }
                    ul {
                        @for error in state.errors() {
                            li {
                                @if error.field.is_empty() { (error.text) }
                                @else { a href={ "#f-" (error.field) } { (error.text) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A field of one line, or of several.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own, set by a method of its name"
)]
pub struct Field<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'static str,
    value: Option<&'a str>,
    hint: Option<&'a str>,
    error: Option<&'a str>,
    autocomplete: Option<&'static str>,
    required: bool,
    read_only: bool,
    focused: bool,
    mono: bool,
    short: bool,
    unmarked: bool,
    max: Option<usize>,
    lines: Option<u8>,
}

impl<'a> Field<'a> {
    const fn new(kind: &'static str, name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            label,
            kind,
            value: None,
            hint: None,
            error: None,
            autocomplete: None,
            required: false,
            read_only: false,
            focused: false,
            mono: false,
            short: false,
            unmarked: false,
            max: None,
            lines: None,
        }
    }

    pub const fn text(name: &'a str, label: &'a str) -> Self {
        let mut field = Self::new("text", name, label);
        field.autocomplete = Some("off");
        field
    }

    pub const fn email(name: &'a str, label: &'a str) -> Self {
        Self::new("email", name, label)
    }

    /// Never filled in by the server. `autocomplete`: `current-password` or `new-password`.
    pub const fn password(name: &'a str, label: &'a str, autocomplete: &'static str) -> Self {
        let mut field = Self::new("password", name, label);
        field.autocomplete = Some(autocomplete);
        field
    }

    /// A code of digits from an authenticator or a mail. Never filled in by the server.
    pub const fn code(name: &'a str, label: &'a str) -> Self {
        let mut field = Self::new("code", name, label);
        field.autocomplete = Some("one-time-code");
        field.mono = true;
        field.short = true;
        field
    }

    /// A day, as `2026-11-21`.
    pub const fn date(name: &'a str, label: &'a str) -> Self {
        let mut field = Self::new("date", name, label);
        field.short = true;
        field
    }

    #[must_use]
    pub const fn value(mut self, value: &'a str) -> Self {
        self.value = Some(value);
        self
    }

    #[must_use]
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What was typed before and what was wrong with it.
    #[must_use]
    pub fn fill(mut self, state: &'a FormState) -> Self {
        self.error = state.error(self.name);
        if !matches!(self.kind, "password" | "code") {
            self.value = state.value(self.name).or(self.value);
        }
        self
    }

    #[must_use]
    pub const fn autocomplete(mut self, kind: &'static str) -> Self {
        self.autocomplete = Some(kind);
        self
    }

    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Not said to be optional: every field of a filter is.
    #[must_use]
    pub const fn unmarked(mut self) -> Self {
        self.unmarked = true;
        self
    }

    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The cursor is here when the page opens; for the first field of a page that is nothing but a form.
    #[must_use]
    pub const fn focused(mut self) -> Self {
        self.focused = true;
        self
    }

    /// For ids, addresses and other texts that are read letter by letter.
    #[must_use]
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// As wide as a few words only.
    #[must_use]
    pub const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    /// Most characters that a browser lets in; the server counts again.
    #[must_use]
    pub const fn max(mut self, characters: usize) -> Self {
        self.max = Some(characters);
        self
    }
}

/// A field of several lines.
pub const fn textarea<'a>(name: &'a str, label: &'a str, lines: u8) -> Field<'a> {
    let mut field = Field::text(name, label);
    field.lines = Some(lines);
    field
}

/// Label, hint and error around a control; the control gets the ids that describe it.
fn around(
    name: &str,
    label: &str,
    optional: bool,
    hint: Option<&str>,
    error: Option<&str>,
    control: impl FnOnce(Option<String>) -> Markup,
) -> Markup {
    let ids: Vec<String> = [hint.map(|_| format!("h-{name}")), error.map(|_| format!("e-{name}"))]
        .into_iter()
        .flatten()
        .collect();
    let described = (!ids.is_empty()).then(|| ids.join(" "));
    html! {
        div class={ "field" @if error.is_some() { " wrong" } } {
            label for={ "f-" (name) } {
                (label)
                @if optional { span class="optional" { "optional" } }
            }
            @if let Some(hint) = hint { p class="hint" id={ "h-" (name) } { (hint) } }
            (control(described))
            @if let Some(error) = error { p class="error" id={ "e-" (name) } { (Icon::CircleAlert) (error) } }
        }
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let id = format!("f-{}", self.name);
        let digits = self.kind == "code";
        let kind = if digits { "text" } else { self.kind };
        // What is typed may run from right to left; addresses and codes never do.
        let dir = if self.mono || matches!(kind, "email" | "password" | "date") { "ltr" } else { "auto" };
        let class =
            format!("{}{}", if self.mono { "mono " } else { "" }, if self.short { "short" } else { "" });
        let class = class.trim_end();
        let class = (!class.is_empty()).then_some(class);
        let invalid = self.error.map(|_| "true");
        let optional = !self.required && !self.read_only && !self.unmarked;
        around(self.name, self.label, optional, self.hint, self.error, |described| {
            html! {
                @if let Some(lines) = self.lines {
                    textarea id=(id) name=(self.name) rows=(lines) class=[class] dir=(dir) maxlength=[self.max]
                        required[self.required] readonly[self.read_only] autofocus[self.focused] spellcheck="false"
                        aria-describedby=[described] aria-invalid=[invalid] { "\n" (self.value.unwrap_or_default()) }
                } @else {
                    input id=(id) name=(self.name) type=(kind) value=[self.value] class=[class] dir=(dir)
                        maxlength=[self.max] autocomplete=[self.autocomplete]
                        inputmode=[digits.then_some("numeric")] autocapitalize=[(kind != "text" || self.mono).then_some("none")]
                        required[self.required] readonly[self.read_only] autofocus[self.focused]
                        spellcheck=[(kind == "text").then_some("false")]
                        aria-describedby=[described] aria-invalid=[invalid];
                }
            }
        })
    }
}

/// A choice from a list that is opened.
pub struct Select<'a> {
    name: &'a str,
    label: &'a str,
    hint: Option<&'a str>,
    error: Option<&'a str>,
    options: Vec<(String, String)>,
    chosen: Option<&'a str>,
}

impl<'a> Select<'a> {
    pub const fn new(name: &'a str, label: &'a str) -> Self {
        Self { name, label, hint: None, error: None, options: Vec::new(), chosen: None }
    }

    #[must_use]
    pub const fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Adds a value, and the words for it.
    #[must_use]
    pub fn option(mut self, value: impl Into<String>, text: impl Into<String>) -> Self {
        self.options.push((value.into(), text.into()));
        self
    }

    /// The value that is chosen where the form does not say.
    #[must_use]
    pub const fn chosen(mut self, value: &'a str) -> Self {
        self.chosen = Some(value);
        self
    }

    #[must_use]
    pub fn fill(mut self, state: &'a FormState) -> Self {
        self.error = state.error(self.name);
        self.chosen = state.value(self.name).or(self.chosen);
        self
    }
}

impl Render for Select<'_> {
    fn render(&self) -> Markup {
        let invalid = self.error.map(|_| "true");
        around(self.name, self.label, false, self.hint, self.error, |described| {
            html! {
                span class="select" {
                    select id={ "f-" (self.name) } name=(self.name) aria-describedby=[described]
                        aria-invalid=[invalid] {
                        @for (value, text) in &self.options {
                            option value=(value) selected[self.chosen == Some(value)] { (text) }
                        }
                    }
                    (Icon::ChevronDown)
                }
            }
        })
    }
}

/// A box to tick. What is sent is `on`; see [`Reader::ticked`](crate::console::form::Reader::ticked).
pub fn checkbox(name: &str, label: &str, hint: Option<&str>, ticked: bool, state: &FormState) -> Markup {
    let ticked = if state.is_empty() { ticked } else { state.chose(name, "on") };
    let error = state.error(name);
    html! {
        div class={ "tick" @if error.is_some() { " wrong" } } {
            input type="checkbox" id={ "f-" (name) } name=(name) value="on" checked[ticked]
                aria-invalid=[error.map(|_| "true")] aria-describedby=[hint.map(|_| format!("h-{name}"))];
            div {
                label for={ "f-" (name) } { (label) }
                @if let Some(hint) = hint { p class="hint" id={ "h-" (name) } { (hint) } }
                @if let Some(error) = error { p class="error" { (Icon::CircleAlert) (error) } }
            }
        }
    }
}

/// One of a group of choices.
pub struct Choice<'a> {
    pub value: &'a str,
    pub label: &'a str,
    pub hint: Option<&'a str>,
}

/// A group of choices: one of them, or any of them.
pub struct Choices<'a> {
    pub name: &'a str,
    pub label: &'a str,
    pub hint: Option<&'a str>,
    /// True where any number may be ticked.
    pub several: bool,
    pub choices: &'a [Choice<'a>],
    /// What is chosen where nobody has chosen yet.
    pub chosen: &'a [&'a str],
    pub state: &'a FormState,
}

impl Render for Choices<'_> {
    fn render(&self) -> Markup {
        let error = self.state.error(self.name);
        let kind = if self.several { "checkbox" } else { "radio" };
        let chosen = |value: &str| {
            if self.state.is_empty() {
                self.chosen.contains(&value)
            } else {
                self.state.chose(self.name, value)
            }
        };
        html! {
            fieldset class={ "choices" @if error.is_some() { " wrong" } } id={ "f-" (self.name) } tabindex="-1"
                aria-describedby=[error.map(|_| format!("e-{}", self.name))] {
                legend { (self.label) }
                @if let Some(hint) = self.hint { p class="hint" { (hint) } }
                @for (at, choice) in self.choices.iter().enumerate() {
                    div class="tick" {
                        input type=(kind) id={ "f-" (self.name) "-" (at) } name=(self.name) value=(choice.value)
                            checked[chosen(choice.value)]
                            aria-describedby=[choice.hint.map(|_| format!("h-{}-{at}", self.name))];
                        div {
                            label for={ "f-" (self.name) "-" (at) } { (choice.label) }
                            @if let Some(hint) = choice.hint {
                                p class="hint" id={ "h-" (self.name) "-" (at) } { (hint) }
                            }
                        }
                    }
                }
                @if let Some(error) = error {
                    p class="error" id={ "e-" (self.name) } { (Icon::CircleAlert) (error) }
                }
            }
        }
    }
}

/// The button that a form is for. A page has one of this kind.
pub fn submit(text: &str) -> Markup {
    html! { button class="button primary" { (text) } }
}

/// A button beside it.
pub fn secondary(text: &str) -> Markup {
    html! { button class="button secondary" { (text) } }
}

/// A button that hardly shows, as in a row of a table.
pub fn quiet(text: &str) -> Markup {
    html! { button class="button quiet" { (text) } }
}

/// A button that destroys.
pub fn danger(text: &str) -> Markup {
    html! { button class="button danger" { (text) } }
}

/// A link that looks like a button: it leads somewhere and changes nothing. `kind`: `primary`, `secondary` or `quiet`.
pub fn button_link(kind: &'static str, icon: Option<Icon>, text: &str, href: &str) -> Markup {
    html! {
        a class={ "button " (kind) } href=(href) {
            @if let Some(icon) = icon { (icon) }
            (text)
        }
    }
}
