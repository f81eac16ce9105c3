//! The sidebar: which pages there are, and who is shown which.
//!
//! What is left out here is only not shown; each page's own access refuses it besides.

use gatepost_core::WorkspaceId;
use gatepost_core::access::PermissionId;

use super::parts::Icon;

macro_rules! sections {
    ($($name:ident = $label:literal, $icon:ident;)*) => {
        /// A page, or a family of pages, of the sidebar.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Section {$(#[doc = $label] $name,)*}

        impl Section {
            pub const fn label(self) -> &'static str {
                match self {$(Self::$name => $label,)*}
            }

            pub const fn icon(self) -> Icon {
                match self {$(Self::$name => Icon::$icon,)*}
            }
        }
    };
}

sections! {
    Overview = "Overview", LayoutDashboard;
    Keys = "API keys", KeyRound;
    Allowlist = "IP allowlist", Globe;
    Members = "Members", Users;
    Audit = "Audit log", History;
    Sso = "Identity providers", LogIn;
    Settings = "Settings", Settings;
    Notices = "Notices", Bell;
    Workspaces = "Workspaces", Building2;
    Security = "Sign-in and security", ShieldCheck;
    Sessions = "Sessions", Laptop;
    Linked = "Linked accounts", User;
    OperatorVisits = "Operator visits", Eye;
    Visits = "Visits", Eye;
    Logs = "Logs", ScrollText;
    Operators = "Operators", Shield;
}

/// A link of the sidebar.
pub struct Entry {
    pub section: Section,
    pub href: String,
}

/// Links under a title.
pub struct Group {
    pub title: Option<&'static str>,
    pub entries: Vec<Entry>,
}

/// One line of the sidebar: the page, its path below the workspace's own, and what one must hold to see it.
type Line = (Section, &'static str, Option<PermissionId>);

const WORKSPACE: [(Option<&str>, &[Line]); 3] = [
    (None, &[(Section::Overview, "", None), (Section::Notices, "/notices", Some(PermissionId::NoticeRead))]),
    (
        Some("Develop"),
        &[
            (Section::Keys, "/keys", Some(PermissionId::KeyRead)),
            (Section::Allowlist, "/allowlist", Some(PermissionId::AllowlistRead)),
        ],
    ),
    (
        Some("Workspace"),
        &[
            (Section::Members, "/members", Some(PermissionId::MemberRead)),
            (Section::Audit, "/audit", Some(PermissionId::AuditRead)),
            (Section::Sso, "/sso", Some(PermissionId::IdentityProviderRead)),
            (Section::OperatorVisits, "/operator-visits", Some(PermissionId::OperatorVisitRead)),
            (Section::Settings, "/settings", Some(PermissionId::WorkspaceRead)),
        ],
    ),
];

const ACCOUNT: [(Section, &str); 5] = [
    (Section::Workspaces, "/workspaces"),
    (Section::Security, "/account/security"),
    (Section::Sessions, "/account/sessions"),
    (Section::Notices, "/account/notices"),
    (Section::Linked, "/account/linked"),
];

/// What a viewer sees in a workspace; a group without entries is none.
pub fn of_workspace(id: WorkspaceId, may: &dyn Fn(PermissionId) -> bool) -> Vec<Group> {
    WORKSPACE
        .iter()
        .map(|(title, lines)| Group {
            title: *title,
            entries: lines
                .iter()
                .filter(|(_, _, needed)| needed.is_none_or(may))
                .map(|(section, path, _)| Entry { section: *section, href: format!("/w/{id}{path}") })
                .collect(),
        })
        .filter(|group| !group.entries.is_empty())
        .collect()
}

/// What operators see on their own listener.
pub fn of_operators() -> Vec<Group> {
    let lines = [
        (Section::Workspaces, "/workspaces"),
        (Section::Visits, "/visits"),
        (Section::Logs, "/logs"),
        (Section::Operators, "/operators"),
    ];
    let entries = lines.into_iter().map(|(section, path)| Entry { section, href: path.to_owned() });
    vec![Group { title: None, entries: entries.collect() }]
}

/// What everybody who is signed in sees of their own.
pub fn of_account() -> Vec<Group> {
    let entries = ACCOUNT.iter().map(|(section, path)| Entry { section: *section, href: (*path).to_owned() });
    vec![Group { title: None, entries: entries.collect() }]
}
