//! Channels: a workspace's WhatsApp senders.

/// How a channel reaches WhatsApp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// Meta's Cloud API.
    Cloud,
}

impl ChannelKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::Cloud.as_str()).then_some(Self::Cloud)
    }
}

/// Test things talk to the simulated Meta only; live things to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    Test,
    Live,
}

impl Mode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Test => 0,
            Self::Live => 1,
        }
    }

    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Test),
            1 => Some(Self::Live),
            _ => None,
        }
    }
}

/// Whether a channel can send, and if not, what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelState {
    Active,
    /// Meta refuses the token: a new one is needed.
    TokenInvalid,
    /// Meta restricted the number or the account.
    Restricted,
    /// Switched off by its owner.
    Disabled,
    /// The number is not registered for the Cloud API.
    Unregistered,
    /// The account took the app's access away.
    AccessLost,
    /// Meta wants to be paid first.
    PaymentRequired,
}

impl ChannelState {
    pub const ALL: [Self; 7] = [
        Self::Active,
        Self::TokenInvalid,
        Self::Restricted,
        Self::Disabled,
        Self::Unregistered,
        Self::AccessLost,
        Self::PaymentRequired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::TokenInvalid => "token_invalid",
            Self::Restricted => "restricted",
            Self::Disabled => "disabled",
            Self::Unregistered => "unregistered",
            Self::AccessLost => "access_lost",
            Self::PaymentRequired => "payment_required",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Active => 1,
            Self::TokenInvalid => 2,
            Self::Restricted => 3,
            Self::Disabled => 4,
            Self::Unregistered => 5,
            Self::AccessLost => 6,
            Self::PaymentRequired => 7,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }

    /// The one next action, for people; `None` when there is nothing to do.
    pub const fn next_action(self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::TokenInvalid => Some("give the channel a new access token"),
            Self::Restricted => Some("look at the account in Meta's business manager"),
            Self::Disabled => Some("enable the channel"),
            Self::Unregistered => Some("register the number with its PIN"),
            Self::AccessLost => Some("connect the account to the Meta app again, then enable the channel"),
            Self::PaymentRequired => {
                Some("set up the payment method in Meta's business manager, then enable the channel")
            }
        }
    }
}
