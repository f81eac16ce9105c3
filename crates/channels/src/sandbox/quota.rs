//! The hourly limit of management calls, and the headers that tell how much of it is used (Meta, "Rate limits").

use axum::http::{HeaderValue, header::HeaderName};
use axum::response::Response;
use serde_json::json;
use std::time::Duration;

use super::reply::GraphError;
use super::world::World;

const HOUR: Duration = Duration::from_hours(1);

/// How much of an account's hour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    percent: u32,
    /// Until the hour is over; 0 while calls are left.
    minutes: u32,
}

/// Counts a call to an account, or refuses it with 80007.
pub(super) fn admit(world: &World, waba_id: &str) -> (Usage, Result<(), GraphError>) {
    let Some(limit) = world.config.rules.management_calls.filter(|limit| *limit > 0) else {
        return (Usage { percent: 0, minutes: 0 }, Ok(()));
    };
    let now = world.clock.now();
    world.account(waba_id, |account| {
        let (count, hour) = &mut account.calls;
        let began = match *hour {
            Some(began) if now.since(began) < HOUR => began,
            _ => {
                *count = 0;
                *hour.insert(now)
            }
        };
        let refused = *count >= limit;
        if !refused {
            *count += 1;
        }
        let left = HOUR.saturating_sub(now.since(began)).as_secs();
        let usage = Usage {
            percent: u32::try_from(u64::from(*count) * 100 / u64::from(limit)).unwrap_or(100),
            minutes: if refused { u32::try_from(left / 60 + 1).unwrap_or(60) } else { 0 },
        };
        (usage, if refused { Err(GraphError::calls()) } else { Ok(()) })
    })
}

/// `X-App-Usage` and `X-Business-Use-Case-Usage`.
pub(super) fn tell(response: &mut Response, waba_id: &str, usage: Usage) {
    let Usage { percent, minutes } = usage;
    let app = json!({ "call_count": percent, "total_cputime": percent, "total_time": percent });
    let business = json!({ waba_id: [{
        "type": "whatsapp_business_management",
        "call_count": percent,
        "total_cputime": percent,
        "total_time": percent,
        "estimated_time_to_regain_access": minutes,
    }] });
    for (name, value) in [("x-app-usage", app), ("x-business-use-case-usage", business)] {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
