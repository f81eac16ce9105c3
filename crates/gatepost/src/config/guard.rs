//! `[guard]`: the rules of what may be sent.

use gatepost_app::GuardConfig;
use serde::Deserialize;

use super::choices::{essential_purposes, own_keywords};
use crate::failure::Result;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    pub essential_purposes: Option<Vec<String>>,
    pub opt_out_keywords: Vec<String>,
    pub opt_in_keywords: Vec<String>,
}

/// The section as the application takes it.
///
/// Errors: what is no keyword, and what is no purpose.
pub fn guard_config(guard: &Guard) -> Result<GuardConfig> {
    let usual = GuardConfig::default();
    let essential = match &guard.essential_purposes {
        Some(names) => essential_purposes(names)?,
        None => usual.essential,
    };
    let keywords = own_keywords(&guard.opt_out_keywords, &guard.opt_in_keywords)?;
    Ok(GuardConfig { essential, keywords, ..usual })
}
