//! Which events there are. The table below is the only one.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::message::MessageState;

/// What an event is about: the one member of `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSubject {
    Message,
    Channel,
    Template,
    Contact,
    Notification,
    Endpoint,
    Policy,
    Usage,
    Verification,
}

impl EventSubject {
    /// The member's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Channel => "channel",
            Self::Template => "template",
            Self::Contact => "contact",
            Self::Notification => "notification",
            Self::Endpoint => "endpoint",
            Self::Policy => "policy",
            Self::Usage => "usage",
            Self::Verification => "verification",
        }
    }
}

macro_rules! events {
    ($($(#[doc = $meaning:literal])+ $kind:ident = $number:literal, $name:literal, $subject:ident, $told:literal;)*) => {
        /// Every event there is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventType {$($(#[doc = $meaning])+ $kind,)*}

        impl EventType {
            pub const ALL: [Self; [$($number,)*].len()] = [$(Self::$kind,)*];

            /// `family.what_happened`, as receivers and filters name it.
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$kind => $name,)*}
            }

            /// The number stored in the database; never reused.
            pub const fn number(self) -> i64 {
                match self {$(Self::$kind => $number,)*}
            }

            /// What a program made from the OpenAPI document calls its receiver, such as `onMessageSent`.
            pub const fn receiver_name(self) -> &'static str {
                match self {$(Self::$kind => concat!("on", stringify!($kind)),)*}
            }

            /// The name of its own schema, such as `MessageSentEvent`.
            pub const fn schema_name(self) -> &'static str {
                match self {$(Self::$kind => concat!(stringify!($kind), "Event"),)*}
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {$(Self::$kind => concat!($($meaning),+).trim(),)*}
            }

            /// When it is told, and how often.
            pub const fn told(self) -> &'static str {
                match self {$(Self::$kind => $told,)*}
            }

            /// What it is about.
            pub const fn subject(self) -> EventSubject {
                match self {$(Self::$kind => EventSubject::$subject,)*}
            }
        }
    };
}

events! {
    /// Meta's servers sent an outbound message on.
    MessageSent = 1, "message.sent", Message,
        "When Meta reports it. `message.delivered` may come first, or alone: states only move forward.";
    /// An outbound message reached the person's phone.
    MessageDelivered = 2, "message.delivered", Message,
        "When Meta reports it: at once, or when the phone is online again.";
    /// An outbound message was read.
    MessageRead = 3, "message.read", Message,
        "When Meta reports it; never where the person has switched read receipts off.";
    /// An outbound voice message was listened to.
    MessagePlayed = 11, "message.played", Message,
        "When Meta reports it, after `message.read` or in its place.";
    /// An outbound message will not arrive.
    MessageFailed = 4, "message.failed", Message,
        "Once, when nothing more will be tried. `error` says why and what to do. Where it is `outcome_unknown`, a later status may still prove that the message went out.";
    /// An outbound message has to wait, and is tried again.
    MessageDelayed = 7, "message.delayed", Message,
        "Once per message, when Meta refuses it for now or its channel cannot send. `error` says why.";
    /// A person wrote to a channel.
    MessageReceived = 5, "message.received", Message,
        "For every message, reaction and button reply of a person, once, whatever Meta repeats.";
    /// A channel's state, quality, name or limits changed.
    ChannelUpdated = 8, "channel.updated", Channel,
        "When Meta tells of it, and when Gatepost finds it out by sending or by its daily look.";
    /// A template's status, category or quality changed.
    TemplateUpdated = 9, "template.updated", Template,
        "When Meta tells of it, also of a template that was made elsewhere.";
    /// A person has another phone number or business-scoped user id.
    ContactUpdated = 10, "contact.updated", Contact,
        "When Meta tells of it. Messages to the old number may not arrive: keep the new one.";
    /// Meta told something else about a channel, passed on as it came.
    ChannelNotification = 6, "channel.notification", Notification,
        "For whatever Meta tells that has no event of its own.";
    /// Gatepost stopped delivering to an endpoint.
    EndpointDisabled = 12, "endpoint.disabled", Endpoint,
        "When it answered 410, or when its schedule was spent without one success. It goes to the workspace's other endpoints, and is in the log.";
    /// Somebody asked for a trial of one endpoint.
    EndpointTest = 13, "endpoint.test", Endpoint,
        "When asked for, to that endpoint alone, whatever its filter says.";
    /// A person does not want to hear from the workspace any more.
    ContactOptedOut = 14, "contact.opted_out", Contact,
        "When the person says so in words, by a button or through Meta, or when they are suppressed by hand. From then on only essential purposes go to them.";
    /// A person wants to hear from the workspace again.
    ContactOptedIn = 15, "contact.opted_in", Contact,
        "When the person undoes their opt-out, or an owner lifts a suppression that was made by hand.";
    /// The guard did not let a message through.
    PolicyBlocked = 16, "policy.blocked", Policy,
        "When a send is refused by the guard, when a queued message may not go any more, and when a held one is refused.";
    /// The guard holds something until somebody has decided.
    PolicyHeld = 17, "policy.held", Policy,
        "When a message is held, and when a person's words may have been an opt-out.";
    /// A message's time ran out before it was sent.
    MessageExpired = 18, "message.expired", Message,
        "Once, when its `ttl` is over. Nothing was sent.";
    /// A part of the plan is used up, or nearly.
    UsageReached = 19, "usage.reached", Usage,
        "Once per limit and period at 80 and at 100 per cent.";
    /// A person's number is to be verified.
    VerificationCreated = 20, "verification.created", Verification,
        "Once, when it begins.";
    /// The code is on its way to the person.
    VerificationSent = 21, "verification.sent", Verification,
        "When Meta reports it, once for each code that is sent. `verification.delivered` may come first, or alone.";
    /// The code reached the person's phone.
    VerificationDelivered = 22, "verification.delivered", Verification,
        "When Meta reports it, once for each code that is sent.";
    /// The right code came in time: the person has the number.
    VerificationApproved = 23, "verification.approved", Verification,
        "Once. Nothing follows it.";
    /// The time was over before the right code came.
    VerificationExpired = 24, "verification.expired", Verification,
        "Once, soon after `expires_at`, or when a code is tried after that. Nothing follows it.";
    /// Too many wrong codes were tried.
    VerificationBlocked = 25, "verification.blocked", Verification,
        "Once. The right code is refused from then on; begin another verification.";
    /// The code will not reach the person.
    VerificationFailed = 26, "verification.failed", Verification,
        "Once, when its message failed, or when whoever sent the code hides their number; `reason` says how. Nothing follows it.";
}

impl EventType {
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.number() == number)
    }

    /// The event that tells of an outbound message's new state, where one does.
    pub const fn of_state(state: MessageState) -> Option<Self> {
        match state {
            MessageState::Sent => Some(Self::MessageSent),
            MessageState::Delivered => Some(Self::MessageDelivered),
            MessageState::Read => Some(Self::MessageRead),
            MessageState::Failed => Some(Self::MessageFailed),
            MessageState::Expired => Some(Self::MessageExpired),
            MessageState::Queued
            | MessageState::Held
            | MessageState::Sending
            | MessageState::Blocked
            | MessageState::Revoked
            | MessageState::Received => None,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
