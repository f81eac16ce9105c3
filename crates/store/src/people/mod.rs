//! People: accounts, sessions, seats in workspaces, and what they are handed once.
//!
//! An account belongs to no workspace, so it is read and written through [`crate::SystemTx`]. Columns that tell
//! something of a person are sealed before they come here.

pub(crate) mod factors;
pub(crate) mod identities;
pub(crate) mod invitations;
pub(crate) mod members;
pub(crate) mod notices;
pub(crate) mod providers;
pub(crate) mod sessions;
pub(crate) mod tickets;
pub(crate) mod users;

pub use factors::{FactorCount, PasskeyRow};
pub use identities::IdentityRow;
pub use invitations::{InvitationInsert, InvitationRow};
pub use members::{MemberRow, SeatRow};
pub use notices::UserNoticeRow;
pub use providers::IdentityProviderRow;
pub use sessions::SessionRow;
pub use tickets::{FailureCount, TicketKind, TicketRow};
pub use users::UserRow;
