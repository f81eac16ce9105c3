//! The schema's history: one number, two files.

use crate::engine::Migration;

/// Names the two files of a migration.
macro_rules! migration {
    ($number:literal, $name:literal, $file:literal) => {
        Migration {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../migrations/", $file, ".sqlite.sql")),
            postgres: include_str!(concat!("../migrations/", $file, ".postgres.sql")),
        }
    };
}

/// All migrations in order.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "foundation", "0001_foundation"),
    migration!(2, "channel truth", "0002_channel_truth"),
    migration!(3, "templates", "0003_templates"),
    migration!(4, "media", "0004_media"),
    migration!(5, "contact identity", "0005_contact_identity"),
    migration!(6, "time first", "0006_time_first"),
    migration!(7, "courier", "0007_courier"),
    migration!(8, "audit chain", "0008_audit_chain"),
    migration!(9, "access rules", "0009_access_rules"),
    migration!(11, "delivery order", "0011_delivery_order"),
    migration!(12, "recovery", "0012_recovery"),
    migration!(13, "people", "0013_people"),
    migration!(14, "mail", "0014_mail"),
    migration!(15, "identity providers", "0015_identity_providers"),
    migration!(16, "members", "0016_members"),
    migration!(17, "operators", "0017_operators"),
    migration!(18, "workspace end", "0018_workspace_end"),
    migration!(19, "guard", "0019_guard"),
    migration!(20, "plans", "0020_plans"),
    migration!(21, "choices", "0021_choices"),
    migration!(22, "verifications", "0022_verifications"),
    migration!(23, "verification rules", "0023_verification_rules"),
    migration!(24, "inbound verifications", "0024_inbound_verifications"),
];
