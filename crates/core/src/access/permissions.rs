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

/// What a member of a workspace is. People sign in later; the table already knows what each role will hold.
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
}

/// A permission as a type, so that a function can ask for it in its signature.
pub trait Permission: Send + Sync + 'static {
    const ID: PermissionId;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, scopes [$($scope:ident),*], roles [$($role:ident),*];)*) => {
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
}

permissions! {
    /// Send messages.
    MessageSend = "message.send", scopes [Send, Admin], roles [Owner, Admin, Agent];
    /// Read messages and their states.
    MessageRead = "message.read", scopes [Send, Read, Admin], roles [Owner, Admin, Agent, Analyst];
    /// See channels.
    ChannelRead = "channel.read", scopes [Send, Read, Webhooks, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Add, change and remove channels and their Meta apps.
    ChannelManage = "channel.manage", scopes [Admin], roles [Owner, Admin];
    /// See message templates.
    TemplateRead = "template.read", scopes [Send, Read, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Draft, submit, change and delete message templates.
    TemplateManage = "template.manage", scopes [Admin], roles [Owner, Admin];
    /// See webhook endpoints and their deliveries.
    EndpointRead = "endpoint.read", scopes [Webhooks, Admin], roles [Owner, Admin, Analyst];
    /// Add, change and remove webhook endpoints, rotate their secrets.
    EndpointManage = "endpoint.manage", scopes [Webhooks, Admin], roles [Owner, Admin];
    /// Read what receivers answered to deliveries: their words, which may hold their secrets.
    DeliveryAnswerRead = "delivery.answer_read", scopes [Admin], roles [Owner, Admin];
    /// Read the event log.
    EventRead = "event.read", scopes [Read, Webhooks, Admin], roles [Owner, Admin, Agent, Analyst];
    /// Make up events in test mode.
    EventTrigger = "event.trigger", scopes [Webhooks, Admin], roles [Owner, Admin];
    /// See API keys (never their secrets).
    KeyRead = "key.read", scopes [Admin], roles [Owner, Admin];
    /// Make, rotate and revoke API keys.
    KeyManage = "key.manage", scopes [Admin], roles [Owner, Admin];
    /// Read and export the audit log.
    AuditRead = "audit.read", scopes [Admin], roles [Owner, Admin];
    /// See from where keys may be used.
    AllowlistRead = "allowlist.read", scopes [Admin], roles [Owner, Admin];
    /// Change from where keys may be used.
    AllowlistManage = "allowlist.manage", scopes [Admin], roles [Owner, Admin];
    /// See which web pages may read answers.
    OriginRead = "origin.read", scopes [Admin], roles [Owner, Admin];
    /// Change which web pages may read answers.
    OriginManage = "origin.manage", scopes [Admin], roles [Owner, Admin];
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    pub const EMPTY: Self = Self(0);

    pub fn all() -> Self {
        PermissionId::ALL.iter().fold(Self::EMPTY, |set, p| set.with(*p))
    }

    pub fn of_scopes(scopes: &[Scope]) -> Self {
        PermissionId::ALL
            .iter()
            .filter(|p| p.scopes().iter().any(|s| scopes.contains(s)))
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

    #[test]
    fn admin_scope_and_owner_hold_everything() {
        for permission in PermissionId::ALL {
            assert!(permission.scopes().contains(&Scope::Admin), "{}", permission.as_str());
            assert!(permission.roles().contains(&Role::Owner), "{}", permission.as_str());
        }
        assert_eq!(PermissionSet::of_scopes(&[Scope::Admin]), PermissionSet::all());
        assert!(!PermissionSet::of_scopes(&[Scope::Read]).holds(PermissionId::MessageSend));
    }

    #[test]
    fn scope_bits_round_trip() {
        let scopes = vec![Scope::Send, Scope::Webhooks];
        assert_eq!(Scope::from_bits(Scope::to_bits(&scopes)), scopes);
    }
}
