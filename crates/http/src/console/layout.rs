//! The documents around pages: a narrow one for signing in and setting up, and the frame with the sidebar.
//!
//! Nothing in them needs a script: the sidebar of a narrow screen and the menu are popovers, which HTML opens and closes
//! by itself; the theme comes from a cookie, so the first paint has the right colours.

use gatepost_core::WorkspaceId;
use gatepost_core::access::PermissionId;
use gatepost_core::channel::Mode;
use maud::{DOCTYPE, Markup, html};

use super::assets::{self, File};
use super::cookies::Theme;
use super::nav::{self, Section};
use super::parts::{self, Icon, own};
use super::view::View;

/// Where one signs in.
pub const SIGN_IN_PATH: &str = "/sign-in";
/// Where one proves again who one is.
pub const REAUTH_PATH: &str = "/reauth";
/// The query parameter of both: the page to come back to, a path of this server ([`page::local`](super::page::local)).
pub const BACK: &str = "back";
/// Where the form for the theme goes.
pub const THEME_PATH: &str = "/theme";
/// Where the form for signing out goes.
pub const SIGN_OUT_PATH: &str = "/sign-out";
/// Where a person sees the workspaces that they belong to.
pub const WORKSPACES_PATH: &str = "/workspaces";

fn document(theme: Theme, title: &str, body: Markup) -> Markup {
    let set = (theme != Theme::System).then(|| theme.as_str());
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[set] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(set.unwrap_or("light dark"));
                title { (title) " · Gatepost" }
                link rel="icon" href=(assets::url(File::Favicon)) type="image/svg+xml";
                link rel="preload" href=(assets::url(File::Inter)) as="font" type="font/woff2" crossorigin;
                link rel="stylesheet" href=(assets::url(File::Styles));
                link rel="license" href=(assets::url(File::Licences));
                script src=(assets::url(File::Script)) defer {}
            }
            (body)
        }
    }
}

/// Gatepost's mark: a post with its gate.
fn mark() -> Markup {
    html! {
        svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            rect width="32" height="32" rx="8" fill="currentColor" {}
            path class="drawing" d="M9 25V9.2L10.8 7l1.7 2.2V25M12.5 12.5H24M12.5 20.5H24M24 12.5v8M12.5 20.5 24 12.5"
                fill="none" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

/// A page that is one thing only, in the middle: signing in, setting up, an invitation.
pub fn narrow(view: &View, title: &str, content: Markup) -> Markup {
    let notice = view.take_notice();
    document(
        view.theme,
        title,
        html! {
            body class="narrow" {
                main id="content" {
                    p class="brand" { (mark()) "Gatepost" }
                    @if let Some(notice) = notice { (parts::notice(notice)) }
                    div class="card" {
                        header { h1 { (title) } }
                        div class="content" { (content) }
                    }
                }
                footer { (theme_form(view)) }
            }
        },
    )
}

/// A page without a form, for a refusal or a failure.
pub(super) fn plain(theme: Theme, title: &str, content: Markup) -> Markup {
    document(
        theme,
        title,
        html! {
            body class="narrow" {
                main id="content" {
                    p class="brand" { (mark()) "Gatepost" }
                    div class="card" { div class="content" { (content) } }
                }
            }
        },
    )
}

/// Who looks at a page.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The name; the e-mail address where there is none.
    pub name: &'a str,
    pub email: &'a str,
}

/// What a page belongs to.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    Workspace {
        id: WorkspaceId,
        name: &'a str,
        /// Whether the viewer holds a permission here. What they may not do, the sidebar does not show.
        may: &'a (dyn Fn(PermissionId) -> bool + Sync),
        /// Which side a page shows, where it shows one of them.
        mode: Option<Mode>,
    },
    /// The person's own things.
    Account,
    /// The operators' listener.
    Operators,
}

/// The frame of a page: sidebar, bar and what both know.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pub place: Place<'a>,
    pub person: Person<'a>,
    /// The entry of the sidebar that is marked.
    pub section: Section,
}

impl Frame<'_> {
    /// The whole document. `content` begins with [`parts::page_header`].
    pub fn page(&self, view: &View, title: &str, content: Markup) -> Markup {
        let notice = view.take_notice();
        let test = matches!(self.place, Place::Workspace { mode: Some(Mode::Test), .. });
        document(
            view.theme,
            title,
            html! {
                body class="framed" {
                    a class="skip" href="#content" { "Skip to the content" }
                    (self.rail())
                    div class="column" {
                        @if test {
                            aside class="mode" aria-label="Mode" {
                                (Icon::FlaskConical)
                                p { strong { "Test mode." } " Nothing here reaches a real phone." }
                            }
                        }
                        (self.bar(view))
                        main id="content" {
                            @if let Some(notice) = notice { (parts::notice(notice)) }
                            (content)
                        }
                    }
                }
            },
        )
    }

    fn rail(&self) -> Markup {
        html! {
            div class="rail" id="rail" popover {
                @match self.place {
                    Place::Workspace { id, name, may, .. } => {
                        nav aria-label="Workspace" {
                            (place(name, "Workspace"))
                            (entries(&nav::of_workspace(id, may), self.section))
                        }
                    }
                    Place::Operators => {
                        nav aria-label="Operators" {
                            (place("This installation", "Operators"))
                            (entries(&nav::of_operators(), self.section))
                        }
                    }
                    Place::Account => {
                        nav aria-label="Account" {
                            (place(self.person.name, "Your account"))
                            (entries(&nav::of_account(), self.section))
                        }
                    }
                }
                button class="close icon-button" type="button" popovertarget="rail" popovertargetaction="hide" {
                    (Icon::X) span class="unseen" { "Close the menu" }
                }
            }
        }
    }

    fn bar(&self, view: &View) -> Markup {
        html! {
            header class="bar" {
                button class="icon-button menu" type="button" popovertarget="rail" {
                    (Icon::Menu) span class="unseen" { "Menu" }
                }
                p class="where" dir="auto" {
                    @match self.place {
                        Place::Workspace { name, .. } => (name),
                        Place::Account => "Your account",
                        Place::Operators => (self.section.label()),
                    }
                }
                button class="person" type="button" popovertarget="person" {
                    (parts::avatar(self.person.name))
                    span class="unseen" { "Your account: " (own(self.person.name)) }
                }
                div class="menu-sheet" id="person" popover {
                    div class="who" {
                        p class="name" dir="auto" { (self.person.name) }
                        p class="muted" { (own(self.person.email)) }
                    }
                    @if !matches!(self.place, Place::Operators) {
                        nav aria-label="Your account" {
                            ul {
                                @for entry in nav::of_account().iter().flat_map(|group| &group.entries) {
                                    li { a href=(entry.href) { (entry.section.icon()) (entry.section.label()) } }
                                }
                            }
                        }
                    }
                    (theme_form(view))
                    form method="post" action=(SIGN_OUT_PATH) {
                        (view.csrf_field())
                        button class="entry" { (Icon::LogOut) "Sign out" }
                    }
                }
            }
        }
    }
}

/// The head of the sidebar: where one is, and the way to elsewhere.
fn place(name: &str, kind: &str) -> Markup {
    html! {
        a class="place" href=(WORKSPACES_PATH) {
            (mark())
            span {
                span class="name" dir="auto" { (name) }
                span class="kind" { (kind) }
            }
            (Icon::ChevronsUpDown)
            span class="unseen" { "Switch workspace" }
        }
    }
}

fn entries(groups: &[nav::Group], current: Section) -> Markup {
    html! {
        @for group in groups {
            @if let Some(title) = group.title { p class="group" id={ "nav-" (title) } { (title) } }
            ul aria-labelledby=[group.title.map(|title| format!("nav-{title}"))] {
                @for entry in &group.entries {
                    li {
                        a href=(entry.href) aria-current=[(entry.section == current).then_some("page")] {
                            (entry.section.icon()) (entry.section.label())
                        }
                    }
                }
            }
        }
    }
}

/// Three buttons: as the system, light, dark. The page comes back as it was.
fn theme_form(view: &View) -> Markup {
    html! {
        form class="theme" method="post" action=(THEME_PATH) aria-label="Appearance" {
            (view.csrf_field())
            input type="hidden" name="back" value=(view.open);
            @for (theme, icon, label) in [
                (Theme::System, Icon::Monitor, "As the system"),
                (Theme::Light, Icon::Sun, "Light"),
                (Theme::Dark, Icon::Moon, "Dark"),
            ] {
                button name="theme" value=(theme.as_str()) aria-pressed=(if theme == view.theme { "true" } else { "false" })
                    title=(label) {
                    (icon) span class="unseen" { (label) }
                }
            }
        }
    }
}
