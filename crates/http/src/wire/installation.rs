//! The installation itself, at the operator's socket.

use gatepost_app::{
    LaneStatus, MailStatus, MailTested as MailTestedView, MasterKeyUse, NodeStatus, RecoveryLink,
    Status as StatusView, VaultStatus,
};
use gatepost_core::{NodeId, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object};

/// The state of this installation.
#[derive(Serialize, ToSchema)]
pub struct Status<'a> {
    version: &'a str,
    /// The node that answers.
    #[schema(value_type = String, example = "nod_01kagq5rh8e5htqh9sk95d3x4w")]
    node: NodeId,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
    nodes: Vec<Node>,
    work: Vec<Lane<'a>>,
    mail: Mail<'a>,
    /// What the operator lets customers' webhooks reach besides public addresses.
    egress_exceptions: &'a [String],
}

/// A running process of this installation.
#[derive(Serialize, ToSchema)]
struct Node {
    #[schema(value_type = String, example = "nod_01kagq5rh8e5htqh9sk95d3x4w")]
    id: NodeId,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// Whether it holds its lease.
    live: bool,
}

/// Jobs of one kind that wait.
#[derive(Serialize, ToSchema)]
struct Lane<'a> {
    kind: &'a str,
    /// How many; counted up to 100,000.
    jobs: i64,
    /// When the first of them is due.
    #[schema(value_type = String, format = DateTime)]
    first_due: Timestamp,
}

/// How e-mail fares.
#[derive(Serialize, ToSchema)]
struct Mail<'a> {
    /// Null where this node is told of no mail server.
    #[schema(required = true, example = "mail.example.com:465")]
    server: Option<&'a str>,
    /// The address that mails come from.
    #[schema(required = true, example = "noreply@example.com")]
    from: Option<&'a str>,
    /// Mails that wait or are being handed over; counted up to 100,000.
    waiting: i64,
    /// Mails of the last seven days that did not go out: refused, or given up.
    failed: i64,
    /// When the mail server last took one; null where none was in the time that is remembered.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    last_sent_at: Option<Timestamp>,
}

impl<'a> From<&'a MailStatus> for Mail<'a> {
    fn from(view: &'a MailStatus) -> Self {
        Self {
            server: view.server.as_deref(),
            from: view.from.as_deref(),
            waiting: view.waiting,
            failed: view.failed,
            last_sent_at: view.last_sent,
        }
    }
}

impl From<&NodeStatus> for Node {
    fn from(view: &NodeStatus) -> Self {
        Self { id: view.id, started_at: view.started_at, live: view.live }
    }
}

impl From<&LaneStatus> for Lane<'_> {
    fn from(view: &LaneStatus) -> Self {
        Self { kind: view.kind.as_str(), jobs: view.jobs, first_due: view.first_due }
    }
}

impl<'a> From<&'a StatusView> for Status<'a> {
    fn from(view: &'a StatusView) -> Self {
        Self {
            version: view.version,
            node: view.node,
            started_at: view.started_at,
            now: view.now,
            nodes: view.nodes.iter().map(Node::from).collect(),
            work: view.work.iter().map(Lane::from).collect(),
            mail: Mail::from(&view.mail),
            egress_exceptions: &view.egress_exceptions,
        }
    }
}

/// Which master keys wrap what.
#[derive(Serialize, ToSchema)]
pub struct Vault<'a> {
    /// The master key that new data keys are wrapped under.
    primary: &'a str,
    /// True when no other master key is needed any more.
    complete: bool,
    keys: Vec<MasterKey<'a>>,
}

/// A master key by its id.
#[derive(Serialize, ToSchema)]
struct MasterKey<'a> {
    id: &'a str,
    /// How many data keys are wrapped under it.
    wraps: i64,
    /// False where data keys need it and the server does not hold it.
    held: bool,
}

impl<'a> From<&'a MasterKeyUse> for MasterKey<'a> {
    fn from(view: &'a MasterKeyUse) -> Self {
        Self { id: &view.id, wraps: view.wraps, held: view.held }
    }
}

impl<'a> From<&'a VaultStatus> for Vault<'a> {
    fn from(view: &'a VaultStatus) -> Self {
        Self {
            primary: &view.primary,
            complete: view.complete(),
            keys: view.keys.iter().map(MasterKey::from).collect(),
        }
    }
}

/// Whom to send a test mail to.
#[derive(ToSchema)]
pub struct MailTest {
    /// An e-mail address.
    #[schema(example = "anna@example.com")]
    pub to: String,
}

impl Body for MailTest {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { to: object.required("to", parse::email)? })
    }
}

/// A test mail that the mail server took.
#[derive(Serialize, ToSchema)]
pub struct MailTested<'a> {
    #[schema(example = "mail.example.com:465")]
    server: &'a str,
    #[schema(example = "noreply@example.com")]
    from: &'a str,
    /// What the mail server said when it took the mail.
    receipt: &'a str,
}

impl<'a> From<&'a MailTestedView> for MailTested<'a> {
    fn from(view: &'a MailTestedView) -> Self {
        Self { server: &view.server, from: &view.from, receipt: &view.receipt }
    }
}

/// Whose password is to be set anew.
#[derive(ToSchema)]
pub struct UserRecover {
    /// The e-mail address of the account.
    #[schema(example = "anna@example.com")]
    pub email: String,
}

impl Body for UserRecover {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { email: object.required("email", parse::email)? })
    }
}

/// A link with which a person sets a new password.
#[derive(Serialize, ToSchema)]
pub struct UserRecovered<'a> {
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    user_id: UserId,
    /// Shown this once.
    link: &'a str,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl<'a> From<&'a RecoveryLink> for UserRecovered<'a> {
    fn from(view: &'a RecoveryLink) -> Self {
        Self { user_id: view.user, link: view.link.expose(), expires_at: view.expires_at }
    }
}
