//! Every metric there is. The help texts of `/metrics`, docs/metrics.md and the check of the alert rules come from here;
//! a test holds the table against the code that counts.

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever grows; begins at nothing with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often which size or time was seen.
    Histogram,
}

/// A label and the values it can have; none are listed where they follow from something else.
pub type Label = (&'static str, &'static [&'static str]);

pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [Label],
    pub about: &'static str,
}

const fn counter(name: &'static str, labels: &'static [Label], about: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, labels, about }
}

const fn gauge(name: &'static str, labels: &'static [Label], about: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, labels, about }
}

const fn histogram(name: &'static str, labels: &'static [Label], about: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, labels, about }
}

/// What the receiver answered, what the way out says, and what could not be sent at all.
const ERROR_CLASSES: &[&str] = &[
    "status_410",
    "status_429",
    "status_4xx",
    "status_5xx",
    "status_other",
    "url_blocked",
    "request_invalid",
    "dns_not_found",
    "dns_failed",
    "connect_failed",
    "tls_failed",
    "certificate_invalid",
    "timeout_dns",
    "timeout_connect",
    "timeout_tls",
    "timeout_response",
    "timeout_body",
    "connection_lost",
    "response_invalid",
    "response_too_large",
    "redirect_refused",
    "payload_unreadable",
    "payload_gone",
    "unsigned",
];
const ENGINES: &[&str] = &["sqlite", "postgres"];
const JOB_KINDS: &[&str] = &[
    "message_send",
    "envelope_process",
    "delivery_attempt",
    "outcome_decide",
    "channel_check",
    "webhook_replay",
    "endpoint_test",
    "mail_send",
    "message_expire",
    "suppression_import",
    "verification_expire",
];
/// From the permission matrix; no caller can make one up.
const ROUTES: Label = ("route", &[]);

pub const METRICS: &[Metric] = &[
    // Webhooks.
    counter(
        "gatepost_webhook_attempts_total",
        &[("outcome", &["sent", "failed", "blocked", "dead"])],
        "Attempts to deliver an event, by what the delivery is after it. `dead`: the schedule is spent.",
    ),
    counter(
        "gatepost_webhook_errors_total",
        &[("class", ERROR_CLASSES)],
        "Attempts that were no success, by why; the attempts of the delivery say it in the same words.",
    ),
    histogram(
        "gatepost_webhook_delivery_seconds",
        &[],
        "From an event to its receiver's 2xx, retries included; replays are left out.",
    ),
    counter(
        "gatepost_webhook_circuits_total",
        &[("turn", &["opened", "closed"])],
        "Circuits of endpoints that opened after failures in a row, and that closed after a success.",
    ),
    counter(
        "gatepost_webhook_endpoints_disabled_total",
        &[("reason", &["gone", "failing"])],
        "Endpoints that Gatepost disabled.",
    ),
    gauge(
        "gatepost_webhook_lag_seconds",
        &[],
        "How long the delivery has been due that waits longest for an endpoint that is well. Deliveries to failing and disabled endpoints do not count: they wait on purpose.",
    ),
    gauge(
        "gatepost_webhook_endpoints",
        &[("health", &["healthy", "failing", "disabled"])],
        "Webhook endpoints of all workspaces. `failing`: nothing has succeeded since the last failure. Looked at 1,000 workspaces at a time, so with more of them it lags behind.",
    ),
    gauge("gatepost_event_streams", &[], "Streams of events that are open on this node."),
    counter(
        "gatepost_event_streams_ended_total",
        &[(
            "reason",
            &[
                "client_left",
                "too_slow",
                "api_key_revoked",
                "api_key_expired",
                "ip_not_allowed",
                "session_ended",
                "membership_changed",
                "shutting_down",
                "unavailable",
            ],
        )],
        "Streams of events that ended, by why.",
    ),
    counter(
        "gatepost_events_unreadable_total",
        &[],
        "Events whose content does not open: the row was changed in the database, or its key is gone. Anything but 0 is a security event.",
    ),
    // Work.
    gauge(
        "gatepost_jobs",
        &[("kind", JOB_KINDS)],
        "Jobs that wait or are under way, counted up to 100,000. The same on every node of an installation.",
    ),
    gauge(
        "gatepost_jobs_late_seconds",
        &[("kind", JOB_KINDS)],
        "How long the job has been due that is due longest. Work that rests on purpose counts: sends of a channel that cannot send, deliveries of an endpoint that fails or is disabled.",
    ),
    // Messages.
    counter(
        "gatepost_messages_accepted_total",
        &[("kind", &[])],
        "Messages that were accepted, by Meta's type (`text`, `template` and so on).",
    ),
    counter(
        "gatepost_meta_sends_total",
        &[(
            "outcome",
            &["accepted", "refused", "not_sent", "ambiguous", "suppressed", "expired", "unsendable"],
        )],
        "Calls that hand a message to Meta. `not_sent`: Meta was not reached. `ambiguous`: the answer was cut. `suppressed`, `expired`: the guard stopped it at the last moment.",
    ),
    counter(
        "gatepost_sends_cut_total",
        &[],
        "Sends whose answer was cut, so that nobody knows whether they went out.",
    ),
    counter(
        "gatepost_sends_paced_total",
        &[("limit", &["pair"])],
        "Sends that were held back to keep one of Meta's limits; `pair` is the one per person.",
    ),
    counter(
        "gatepost_choices_total",
        &[("choice", &["opt_out", "opt_in"]), ("source", &["person", "meta_preference", "meta_refusal"])],
        "People who asked to be left alone, or to be written to again.",
    ),
    counter(
        "gatepost_policy_decisions_total",
        &[("decision", &["block", "hold", "release"]), ("code", &[])],
        "Decisions of the guard that were not simply to let a message through, by the code that the sender got.",
    ),
    counter(
        "gatepost_verifications_total",
        &[(
            "step",
            &[
                "verification.created",
                "verification.sent",
                "verification.delivered",
                "verification.approved",
                "verification.expired",
                "verification.blocked",
                "verification.failed",
            ],
        )],
        "Steps of verifications, as their events name them.",
    ),
    counter(
        "gatepost_verification_checks_total",
        &[("verdict", &["approved", "wrong", "blocked", "expired", "over"])],
        "Codes that were checked. `over`: the verification had ended before, so that nothing was compared.",
    ),
    counter(
        "gatepost_verification_refusals_total",
        &[(
            "rule",
            &[
                "country",
                "phone_cool_down",
                "phone_velocity",
                "client_ip_velocity",
                "range_velocity",
                "workspace_velocity",
                "range_pumping",
                "region_pumping",
            ],
        )],
        "Codes that were not sent because of a rule against misuse. Many of one rule: somebody tries, or a limit is too low.",
    ),
    counter(
        "gatepost_verification_ranges_blocked_total",
        &[("rule", &["range_pumping", "region_pumping"])],
        "Times that a range of numbers was blocked because hardly any code was entered there.",
    ),
    counter(
        "gatepost_spoken_codes_total",
        &[("result", &["approved", "late", "missed", "hidden", "beside_words", "not_heard"])],
        "Codes that people sent. `missed`: nobody's, or another's; `hidden`: right, from a number that is not told; `beside_words`: somebody's, among words that may refuse; `not_heard`: from somebody who sent too many wrong ones.",
    ),
    counter("gatepost_media_uploaded_total", &[("kind", &[])], "Files that were passed on to Meta, by kind."),
    counter("gatepost_media_fetched_total", &[], "Files that were fetched from Meta."),
    counter(
        "gatepost_media_refusals_total",
        &[("why", &["digest", "elsewhere"])],
        "Files from Meta that were refused: not the one that was announced, or an address that is not Meta's.",
    ),
    // Callbacks.
    counter(
        "gatepost_callbacks_total",
        &[("result", &[])],
        "Callbacks of Meta: `accepted`, or the code of the refusal, such as `signature_invalid`.",
    ),
    counter(
        "gatepost_billing_events_total",
        &[(
            "result",
            &[
                "applied",
                "unchanged",
                "duplicate",
                "out_of_order",
                "other_subscription",
                "other_workspace",
                "no_workspace",
                "not_for_us",
                "not_an_event",
                "signature_invalid",
            ],
        )],
        "Events of the one who bills, by what became of them.",
    ),
    counter(
        "gatepost_callback_items_total",
        &[("result", &["new"])],
        "Pieces of news in callbacks that were not known before.",
    ),
    counter(
        "gatepost_callback_orphans_total",
        &[],
        "Parts of signed callbacks that belong to no channel: a number that was never added here, or was removed.",
    ),
    // Signing in.
    counter(
        "gatepost_sign_in_throttled_total",
        &[("of", &["account", "address"])],
        "Guesses at passwords and codes that were not looked at, because their account or their address had too many.",
    ),
    counter(
        "gatepost_password_checks_total",
        &[],
        "Passwords that were compared, right or wrong; guesses that were not looked at are not among them.",
    ),
    // E-mail.
    counter(
        "gatepost_mails_total",
        &[("outcome", &["sent", "deferred", "refused", "given_up"])],
        "Tries to hand an e-mail to the mail server, by how they ended. `refused`: the server does not take this mail. `given_up`: its time was over.",
    ),
    // The process.
    histogram(
        "gatepost_http_request_seconds",
        &[ROUTES, ("method", &[])],
        "From the request's head to the answer's head.",
    ),
    counter(
        "gatepost_http_requests_total",
        &[ROUTES, ("method", &[]), ("status", &["1xx", "2xx", "3xx", "4xx", "5xx"])],
        "Requests that were answered.",
    ),
    histogram(
        "gatepost_store_batch_size",
        &[("engine", ENGINES)],
        "Transactions that were committed together.",
    ),
    histogram("gatepost_store_commit_seconds", &[("engine", ENGINES)], "The time of a commit."),
    counter(
        "gatepost_audit_tampering_total",
        &[],
        "Looks at the audit log that found it changed. Anything but 0 is a security event; `gatepost audit verify` tells more.",
    ),
    counter(
        "gatepost_audit_refusals_dropped_total",
        &[],
        "Refusals that were not written into the audit log one by one, because too many came at once.",
    ),
    counter(
        "gatepost_vault_refusals_total",
        &[],
        "Sealed columns that did not open: a changed row, or a wrong key. Anything but 0 is a security event.",
    ),
];

/// From the start on every counter is there with 0 in each of its values, as far as these are known: what was never seen
/// before would otherwise begin at 1, and rules that ask how much it grew would miss the first time.
pub fn begin() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.about),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.about),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.about),
        }
        match (metric.kind, metric.labels) {
            (Kind::Counter, []) => metrics::counter!(metric.name).increment(0),
            (Kind::Counter, [(label, values)]) => {
                for value in *values {
                    metrics::counter!(metric.name, *label => *value).increment(0);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
