//! What a workspace set for its verifications, and where it has verified people.

use gatepost_core::{Result, Timestamp};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What a verification is held against beside counters.
#[derive(Debug, Clone, Default)]
pub struct VerificationFacts {
    /// The workspace's own settings as JSON.
    pub settings: Option<String>,
    /// Somebody was verified in the country before.
    pub country_verified: bool,
}

statements! {
    FACTS = same("SELECT w.verification, CAST(CASE WHEN EXISTS (SELECT 1 FROM verification_country c WHERE c.workspace_id = $1 AND c.country = $2) THEN 1 ELSE 0 END AS BIGINT) FROM workspace w WHERE w.id = $1");
    SET = same("UPDATE workspace SET verification = $2 WHERE id = $1");
    COUNTRY_ADD = same("INSERT INTO verification_country (workspace_id, country, verified_at) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, country) DO NOTHING");
    COUNTRIES = same("SELECT country, verified_at FROM verification_country WHERE workspace_id = $1 ORDER BY country");
}

impl WorkspaceTx<'_> {
    /// The settings, and whether somebody was verified in a country.
    pub async fn verification_facts(&self, country: Option<&str>) -> Result<VerificationFacts> {
        let read =
            |row: &Row<'_>| Ok(VerificationFacts { settings: row.get(0)?, country_verified: row.get(1)? });
        let values = params![self.workspace, country.unwrap_or_default()];
        Ok(self.tx.query_opt(&FACTS, values, read).await?.unwrap_or_default())
    }

    pub async fn verification_settings_set(&self, json: &str) -> Result<()> {
        Ok(self.tx.execute_one(&SET, params![self.workspace, json]).await?)
    }

    /// Somebody was verified in this country; the first time stays.
    pub async fn verification_country_add(&self, country: &str, now: Timestamp) -> Result<()> {
        self.tx.execute(&COUNTRY_ADD, params![self.workspace, country, now.micros()]).await?;
        Ok(())
    }

    /// Where somebody was verified, and when first.
    pub async fn verification_countries(&self) -> Result<Vec<(String, Timestamp)>> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)));
        Ok(self.tx.query(&COUNTRIES, params![self.workspace], read).await?)
    }
}
