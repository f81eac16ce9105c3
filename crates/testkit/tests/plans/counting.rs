//! Limits are exact: whatever comes when, no more is accepted than the plan allows, and no less where more is asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use gatepost_core::Clock as _;
use gatepost_core::guard::{Day, Zone};
use gatepost_testkit::Engines;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Desk, channel, send, usage};

/// A burst from many senders at once: limits of the workspace and of each channel, of a day and of a month.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_exactly_the_limit_is_accepted() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        let cases = [
            (json!({"workspace_day": 13}), 13, "workspace", "day"),
            (json!({"workspace_month": 7}), 7, "workspace", "month"),
            (json!({"channel_day": 5}), 10, "channel", "day"),
            (json!({"channel_month": 4, "workspace_day": 100}), 8, "channel", "month"),
            (json!({"channel_day": 9, "workspace_day": 11}), 11, "workspace", "day"),
            (json!({"workspace_day": 0}), 0, "workspace", "day"),
        ];
        for (index, (limits, wanted, scope, period)) in cases.into_iter().enumerate() {
            let tenant = desk.world.tenant(&format!("Tenant {index}")).await;
            let channels = [channel(&tenant.admin, "One").await, channel(&tenant.admin, "Two").await];
            desk.give(tenant.workspace, &format!("plan-{index}"), &json!({"limits": limits})).await;
            let sends = (0..40).map(|person| send(&tenant.admin, &channels[person % 2], person));
            let answers = join_all(sends).await;
            let what = format!("{engine:?} {limits}");
            let accepted = answers.iter().filter(|answer| answer.status == 202).count();
            assert_eq!(accepted, wanted, "{what}");
            for refused in answers.iter().filter(|answer| answer.status != 202) {
                assert_eq!((refused.status, refused.code().as_str()), (429, "quota_exceeded"), "{what}");
                let details = &refused.json()["details"];
                assert_eq!(details["used"], details["limit"], "{what}: {details}");
                assert!(refused.headers.contains_key("retry-after"), "{what}");
            }
            let last = send(&tenant.admin, &channels[0], 99).await.json();
            assert_eq!(
                (&last["details"]["scope"], &last["details"]["period"]),
                (&json!(scope), &json!(period)),
                "{what}"
            );
            let used = usage(&tenant.admin).await;
            assert_eq!(used["workspace"]["day"]["used"], json!(wanted), "{what}");
            let of_channels: i64 = used["channels"]
                .as_array()
                .unwrap()
                .iter()
                .map(|of| of["day"]["used"].as_i64().unwrap())
                .sum();
            assert_eq!(of_channels, i64::try_from(wanted).unwrap(), "{what}");
        }
        desk.world.stop().await;
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    Send {
        channel: usize,
    },
    /// Several at once.
    Burst {
        count: usize,
    },
    Forth {
        minutes: u32,
    },
    Back {
        minutes: u32,
    },
    Zone {
        name: &'static str,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2_usize).prop_map(|channel| Step::Send { channel }),
        2 => (2..7_usize).prop_map(|count| Step::Burst { count }),
        3 => (1..3_000_u32).prop_map(|minutes| Step::Forth { minutes }),
        1 => (1..3_000_u32).prop_map(|minutes| Step::Back { minutes }),
        1 => proptest::sample::select(vec!["UTC", "Pacific/Auckland", "America/Los_Angeles", "Asia/Kathmandu"])
            .prop_map(|name| Step::Zone { name }),
    ]
}

/// What must be accepted, kept by the simplest means.
struct Model {
    zone: Zone,
    /// Days only go forward.
    last: Option<Day>,
    by_day: BTreeMap<(usize, i64), u32>,
    by_month: BTreeMap<(usize, i64), u32>,
}

const WORKSPACE: usize = 9;
const WORKSPACE_DAY: u32 = 6;
const CHANNEL_DAY: u32 = 4;
const WORKSPACE_MONTH: u32 = 20;

impl Model {
    fn send(&mut self, channel: usize, now: gatepost_core::Timestamp) -> bool {
        let day = self.last.map_or(self.zone.day(now), |last| last.max(self.zone.day(now)));
        let (of_day, of_month) = (day.number(), day.month().number());
        let used = |map: &BTreeMap<(usize, i64), u32>, of, at| map.get(&(of, at)).copied().unwrap_or(0);
        let fits = used(&self.by_day, WORKSPACE, of_day) < WORKSPACE_DAY
            && used(&self.by_day, channel, of_day) < CHANNEL_DAY
            && used(&self.by_month, WORKSPACE, of_month) < WORKSPACE_MONTH;
        if fits {
            self.last = Some(day);
            for of in [WORKSPACE, channel] {
                *self.by_day.entry((of, of_day)).or_default() += 1;
                *self.by_month.entry((of, of_month)).or_default() += 1;
            }
        }
        fits
    }
}

/// Whatever happens in whatever order, what is accepted is what the simplest count would accept: across midnights,
/// months' ends, clocks that are set back and workspaces that move to another time zone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_of_events_is_counted_as_the_model_counts() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        let mut runner = TestRunner::new(Config { cases: 1, ..Config::default() });
        for round in 0..4 {
            let steps = proptest::collection::vec(step(), 45).new_tree(&mut runner).unwrap().current();
            let tenant = desk.world.tenant(&format!("Round {round}")).await;
            let channels = [channel(&tenant.admin, "One").await, channel(&tenant.admin, "Two").await];
            let limits = json!({
                "workspace_day": WORKSPACE_DAY, "channel_day": CHANNEL_DAY, "workspace_month": WORKSPACE_MONTH,
            });
            desk.give(tenant.workspace, &format!("round-{round}"), &json!({"limits": limits})).await;
            let mut model =
                Model { zone: Zone::UTC, last: None, by_day: BTreeMap::new(), by_month: BTreeMap::new() };
            let mut person = 0;
            for (at, step) in steps.iter().enumerate() {
                let what = format!("{engine:?}, step {at} of {steps:?}");
                let now = desk.world.clock.now();
                match step {
                    Step::Send { channel } => {
                        person += 1;
                        let answer = send(&tenant.admin, &channels[*channel], person).await;
                        let wanted = if model.send(*channel, now) { 202 } else { 429 };
                        assert_eq!(answer.status, wanted, "{what}: {}", answer.text);
                    }
                    Step::Burst { count } => {
                        let people: Vec<usize> = (person..person + count).collect();
                        person += count;
                        let sends = people.iter().map(|person| send(&tenant.admin, &channels[0], *person));
                        let accepted = join_all(sends).await.iter().filter(|a| a.status == 202).count();
                        let wanted = people.iter().filter(|_| model.send(0, now)).count();
                        assert_eq!(accepted, wanted, "{what}");
                    }
                    Step::Forth { minutes } => {
                        desk.world.clock.advance(Duration::from_mins((*minutes).into()));
                    }
                    Step::Back { minutes } => {
                        desk.world.clock.set_back(Duration::from_mins((*minutes).into()));
                    }
                    Step::Zone { name } => {
                        model.zone = Zone::parse(name).unwrap();
                        zone_set(&desk, tenant.workspace, name).await;
                    }
                }
            }
            let used = usage(&tenant.admin).await;
            let history = used["workspace"]["history"].as_array().unwrap();
            let told: BTreeMap<String, i64> = history
                .iter()
                .map(|day| (day["day"].as_str().unwrap().to_owned(), day["used"].as_i64().unwrap()))
                .collect();
            let wanted: BTreeMap<String, i64> = model
                .by_day
                .iter()
                .filter(|((of, _), _)| *of == WORKSPACE)
                .map(|((_, day), used)| (Day::from_number(*day).to_string(), i64::from(*used)))
                .collect();
            assert_eq!(told, wanted, "{engine:?}: the history of {steps:?}");
        }
        desk.world.stop().await;
    }
}

async fn zone_set(desk: &Desk, workspace: gatepost_core::WorkspaceId, name: &str) {
    let path = format!("/operator/v1/workspaces/{workspace}/workspace");
    let now: Value = desk.done("PATCH", &path, Some(&json!({"time_zone": name}))).await;
    assert_eq!(now["time_zone"], name);
}
