//! What this machine gives without Gatepost: the figures that ours are compared with.

mod bare;
mod bare_postgres;
mod bare_sqlite;
mod disk;
mod postgres;
mod posts;
mod sqlite;

pub use bare::{bare_accept, constant};
pub use disk::fsyncs;
pub use postgres::commits;
pub use posts::signed_posts;
pub use sqlite::inserts;

/// As many bytes as the sealed columns of a message.
const ROW_BYTES: usize = 300;
