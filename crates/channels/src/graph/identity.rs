//! System messages that tell of a person's new number or id (Meta, "Business-scoped user IDs" and the `system` message).

use super::item::Inbound;
use super::json::text_at;

/// Who a person was, and who they are from now on; what is absent is not said.
///
/// No `Debug`: these are people's numbers.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityChange {
    /// `wa_id`: digits.
    pub old_phone: Option<String>,
    pub old_bsuid: Option<String>,
    pub new_phone: Option<String>,
    pub new_bsuid: Option<String>,
}

impl IdentityChange {
    /// `None` for any other message, and where no new name is told.
    pub fn read(message: &Inbound) -> Option<Self> {
        if message.kind != "system" {
            return None;
        }
        let system = |key: &str| text_at(message.raw.get(), &["system", key]);
        let kind = system("type")?;
        let (new_phone, new_bsuid) = match kind.as_str() {
            // Meta has written the new number under both names.
            "user_changed_number" | "customer_changed_number" => {
                (system("wa_id").or_else(|| system("new_wa_id")), system("user_id"))
            }
            "user_changed_user_id" => (system("wa_id"), system("user_id").or_else(|| system("new_user_id"))),
            _ => return None,
        };
        let old_phone = message.from.clone().or_else(|| system("customer"));
        let old_bsuid = system("previous_user_id")
            .or_else(|| system("old_user_id"))
            .or_else(|| message.from_user_id.clone());
        let moved = |old: &Option<String>, new: &Option<String>| new.is_some() && old != new;
        (moved(&old_phone, &new_phone) || moved(&old_bsuid, &new_bsuid)).then_some(Self {
            old_phone,
            old_bsuid,
            new_phone,
            new_bsuid,
        })
    }
}
