//! The permissions, and the scopes of API keys and roles of members that hold them. This table is the only one.

use std::fmt;

/// What an API key was made for. A key holds the permissions of all its scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Send messages and follow them.
    Send,
    /// Read messages and events.
    Read,
    /// Set up webhooks and read events.
    Webhooks,
    /// Everything a key can do, keys and channels included.
    Admin,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Send, Self::Read, Self::Webhooks, Self::Admin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Webhooks => "webhooks",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// The bit stored in the database; never reused.
    pub const fn bit(self) -> i64 {
        match self {
            Self::Send => 1,
            Self::Read => 2,
            Self::Webhooks => 4,
            Self::Admin => 8,
        }
    }

    pub fn from_bits(bits: i64) -> Vec<Self> {
        Self::ALL.into_iter().filter(|s| bits & s.bit() != 0).collect()
    }

    pub fn to_bits(scopes: &[Self]) -> i64 {
        scopes.iter().fold(0, |bits, s| bits | s.bit())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a member of a workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Owner,
    Admin,
    Agent,
    Analyst,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Agent, Self::Analyst];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Agent => "agent",
            Self::Analyst => "analyst",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Owner => 1,
            Self::Admin => 2,
            Self::Agent => 3,
            Self::Analyst => 4,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }

    /// Whether whoever has this role and manages members may give, change and take away `other`: an Admin's hand does not
    /// reach owners, so that nobody raises themselves or another above their own place.
    pub const fn reaches(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(other, Self::Owner),
            Self::Agent | Self::Analyst => false,
        }
    }

    /// What it is for, for people who choose one.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Owner => "Everything, members and the workspace itself included.",
            Self::Admin => "Sets up channels, keys, webhooks and members; cannot make or remove owners.",
            Self::Agent => "Sends messages and follows them.",
            Self::Analyst => "Reads messages, events and deliveries; changes nothing.",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A permission as a type, so that a function can ask for it in its signature.
pub trait Permission: Send + Sync + 'static {
    const ID: PermissionId;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, scopes [$($scope:ident),*], roles [$($role:ident),*] $(, $fresh:ident)?;)*) => {
        /// A permission as a value, for tables and sets.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum PermissionId {$($(#[$doc])* $name,)*}

        impl PermissionId {
            pub const ALL: &'static [PermissionId] = &[$(PermissionId::$name,)*];

            /// `noun.verb`, as errors and documents name it.
            pub const fn as_str(self) -> &'static str {
                match self {$(PermissionId::$name => $text,)*}
            }

            /// The key scopes that hold it.
            pub const fn scopes(self) -> &'static [Scope] {
                match self {$(PermissionId::$name => &[$(Scope::$scope,)*],)*}
            }

            /// The member roles that hold it.
            pub const fn roles(self) -> &'static [Role] {
                match self {$(PermissionId::$name => &[$(Role::$role,)*],)*}
            }

            /// Whether a person must have proved who they are a short while ago: what is marked `fresh` gives out
            /// secrets, gives power to others or cannot be taken back.
            pub const fn needs_fresh_proof(self) -> bool {
                match self {$(PermissionId::$name => permissions!(@fresh $($fresh)?),)*}
            }
        }

        /// The permissions as types.
        pub mod permission {
            use super::{Permission, PermissionId};
            $(
                $(#[$doc])*
                #[derive(Debug, Clone, Copy)]
                pub enum $name {}
                impl Permission for $name {
                    const ID: PermissionId = PermissionId::$name;
                }
            )*
        }
    };
    (@fresh fresh) => { true };
    (@fresh) => { false };
}

permissions! {
    /// Send messages.
    MessageSend = "message.send", scopes [Send, Admin], roles [Owner, Admin, Agent];
    /// Read messages and their states.
    MessageRead = "message.read", scopes [Send, Read, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Send codes to people, send them again and take them back.
    VerificationStart = "verification.start", scopes [Send, Admin], roles [Owner, Admin];
    /// Check codes that people typed.
    VerificationCheck = "verification.check", scopes [Send, Admin], roles [Owner, Admin];
    /// Read verifications and what became of them; numbers in full only together with `verification.start`.
    VerificationRead = "verification.read", scopes [Send, Read, Admin], roles [Owner, Admin, Analyst];
    /// Change what verifications are made with, and the rules that keep them from being misused.
    VerificationManage = "verification.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// See verification pages.
    VerificationPageRead = "verification_page.read", scopes [Send, Read, Admin], roles [Owner, Admin, Analyst];
    /// Make and remove verification pages.
    VerificationPageManage = "verification_page.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// See channels.
    ChannelRead = "channel.read", scopes [Send, Read, Webhooks, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Add, change and remove channels and their Meta apps.
    ChannelManage = "channel.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// See message templates.
    TemplateRead = "template.read", scopes [Send, Read, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Draft, submit, change and delete message templates.
    TemplateManage = "template.manage", scopes [Admin], roles [Owner, Admin];
    /// See webhook endpoints and their deliveries.
    EndpointRead = "endpoint.read", scopes [Webhooks, Admin], roles [Owner, Admin, Analyst];
    /// Add, change and remove webhook endpoints, rotate their secrets.
    EndpointManage = "endpoint.manage", scopes [Webhooks, Admin], roles [Owner, Admin], fresh;
    /// Read what receivers answered to deliveries: their words, which may hold their secrets.
    DeliveryAnswerRead = "delivery.answer_read", scopes [Admin], roles [Owner, Admin];
    /// Read the event log.
    EventRead = "event.read", scopes [Read, Webhooks, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Make up events in test mode.
    EventTrigger = "event.trigger", scopes [Webhooks, Admin], roles [Owner, Admin];
    /// See API keys (never their secrets).
    KeyRead = "key.read", scopes [Admin], roles [Owner, Admin];
    /// Make, rotate and revoke API keys.
    KeyManage = "key.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// Read the audit log.
    AuditRead = "audit.read", scopes [Admin], roles [Owner, Admin];
    /// Take the audit log away as a file.
    AuditExport = "audit.export", scopes [Admin], roles [Owner, Admin], fresh;
    /// See from where keys may be used.
    AllowlistRead = "allowlist.read", scopes [Admin], roles [Owner, Admin];
    /// Change from where keys may be used.
    AllowlistManage = "allowlist.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// See which web pages may read answers.
    OriginRead = "origin.read", scopes [Admin], roles [Owner, Admin];
    /// Change which web pages may read answers.
    OriginManage = "origin.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// See the workspace itself: its name and rules.
    WorkspaceRead = "workspace.read", scopes [Send, Read, Webhooks, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Rename the workspace, change its rules for members, hand it over, delete it.
    WorkspaceManage = "workspace.manage", scopes [], roles [Owner], fresh;
    /// See the members and the invitations.
    MemberRead = "member.read", scopes [Admin], roles [Owner, Admin];
    /// Invite and remove members, change their roles.
    MemberManage = "member.manage", scopes [], roles [Owner, Admin], fresh;
    /// See which identity providers the workspace has.
    IdentityProviderRead = "identity_provider.read", scopes [Admin], roles [Owner, Admin];
    /// Add, change and remove identity providers, and make one the only way in.
    IdentityProviderManage = "identity_provider.manage", scopes [], roles [Owner, Admin], fresh;
    /// See when operators may look into the workspace, and why.
    OperatorVisitRead = "operator_visit.read", scopes [Admin], roles [Owner, Admin];
    /// End an operator's right to look into the workspace.
    OperatorVisitRevoke = "operator_visit.revoke", scopes [], roles [Owner];
    /// See whom the workspace may not write to, who agreed to hear from it, what was refused and how much was used.
    GuardRead = "guard.read", scopes [Send, Read, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Change the guard's settings.
    GuardManage = "guard.manage", scopes [Admin], roles [Owner, Admin], fresh;
    /// Keep the workspace from writing to a person, one by one or by a file.
    SuppressionAdd = "suppression.add", scopes [Send, Admin], roles [Owner, Admin, Agent];
    /// Take away a list of people as a file.
    SuppressionExport = "suppression.export", scopes [Admin], roles [Owner, Admin], fresh;
    /// Let the workspace write to somebody again who was suppressed by hand.
    SuppressionLift = "suppression.lift", scopes [], roles [Owner];
    /// Record that a person agreed to hear from the workspace, or does no more.
    ConsentRecord = "consent.record", scopes [Send, Admin], roles [Owner, Admin, Agent];
    /// Read what waits for a decision, with its words.
    ReviewRead = "review.read", scopes [Admin], roles [Owner, Admin];
    /// Decide about what waits for a decision.
    ReviewDecide = "review.decide", scopes [], roles [Owner, Admin];
    /// Pause the workspace's sending, or parts of it, and let it go on.
    SendingPause = "sending.pause", scopes [], roles [Owner];
    /// Read the notices to the workspace.
    NoticeRead = "notice.read", scopes [Admin], roles [Owner, Admin];
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    pub const EMPTY: Self = Self(0);

    pub fn all() -> Self {
        PermissionId::ALL.iter().fold(Self::EMPTY, |set, p| set.with(*p))
    }

    pub(super) fn of(permissions: impl IntoIterator<Item = PermissionId>) -> Self {
        permissions.into_iter().fold(Self::EMPTY, Self::with)
    }

    pub fn of_scopes(scopes: &[Scope]) -> Self {
        PermissionId::ALL
            .iter()
            .filter(|p| p.scopes().iter().any(|s| scopes.contains(s)))
            .fold(Self::EMPTY, |set, p| set.with(*p))
    }

    pub fn of_role(role: Role) -> Self {
        PermissionId::ALL
            .iter()
            .filter(|p| p.roles().contains(&role))
            .fold(Self::EMPTY, |set, p| set.with(*p))
    }

    pub const fn holds(self, permission: PermissionId) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// True when every permission of `other` is held.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn with(self, permission: PermissionId) -> Self {
        Self(self.0 | 1 << permission as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key never decides about people: it cannot prove again who it is.
    #[test]
    fn owners_hold_everything_and_admin_keys_all_but_what_is_for_people() {
        let people = [
            PermissionId::WorkspaceManage,
            PermissionId::MemberManage,
            PermissionId::IdentityProviderManage,
            PermissionId::OperatorVisitRevoke,
            PermissionId::SuppressionLift,
            PermissionId::ReviewDecide,
            PermissionId::SendingPause,
        ];
        for permission in PermissionId::ALL {
            assert_eq!(
                permission.scopes().contains(&Scope::Admin),
                !people.contains(permission),
                "{}",
                permission.as_str()
            );
            assert!(permission.roles().contains(&Role::Owner), "{}", permission.as_str());
        }
        assert_eq!(PermissionSet::of_role(Role::Owner), PermissionSet::all());
        assert!(!PermissionSet::of_scopes(&[Scope::Read]).holds(PermissionId::MessageSend));
        let (admin, agent, analyst) = (
            PermissionSet::of_role(Role::Admin),
            PermissionSet::of_role(Role::Agent),
            PermissionSet::of_role(Role::Analyst),
        );
        assert!(admin.covers(agent) && admin.covers(analyst) && !admin.covers(PermissionSet::all()));
        assert!(agent.holds(PermissionId::MessageSend) && !analyst.holds(PermissionId::MessageSend));
    }

    /// Whoever can be reached holds nothing that the one who reaches does not, and whoever reaches manages members.
    #[test]
    fn nobody_reaches_above_themselves() {
        for role in Role::ALL {
            let own = PermissionSet::of_role(role);
            for other in Role::ALL {
                let reaches = role.reaches(other);
                let above = !own.covers(PermissionSet::of_role(other));
                assert!(!(reaches && above), "{role} reaches {other}");
                assert_eq!(reaches, own.holds(PermissionId::MemberManage) && !above, "{role} and {other}");
            }
        }
    }

    #[test]
    fn scope_bits_round_trip() {
        let scopes = vec![Scope::Send, Scope::Webhooks];
        assert_eq!(Scope::from_bits(Scope::to_bits(&scopes)), scopes);
    }
}
