//! The one table of all keys: unknown ones are found with it, and docs/configuration.md is written from it.

use std::fmt::Write;

use crate::environment::VARIABLES;

/// One key of the file.
pub struct Key {
    /// Dotted path; `[]` stands for each entry of a list.
    pub path: &'static str,
    pub takes: &'static str,
    /// What holds where the key is left out.
    pub default: &'static str,
    /// A value in TOML that is accepted.
    pub example: &'static str,
    pub about: &'static str,
}

/// Every key of the file, in the order of the reference.
pub const KEYS: &[Key] = &[
    Key {
        path: "data_dir",
        takes: "path",
        default: "`$XDG_DATA_HOME/gatepost`, that is `~/.local/share/gatepost`; `gatepost-data` in the current directory for a user without a home",
        example: r#""/var/lib/gatepost""#,
        about: "The directory with the database (SQLite), the generated master key and the operator's socket. One running server owns it. Nobody else may write to it.",
    },
    Key {
        path: "server.listen",
        takes: "address and port",
        default: "`127.0.0.1:8080`, or the next free port where that is taken",
        example: r#""127.0.0.1:8080""#,
        about: "Where the API and Meta's callbacks answer. An address other than loopback needs TLS or a trusted proxy. A port named here is never changed: where it is taken, `serve` refuses to start.",
    },
    Key {
        path: "server.public_url",
        takes: "URL",
        default: "the address listened on",
        example: r#""https://gatepost.example.com""#,
        about: "Under which address the outside world, Meta above all, reaches this server. Callback URLs are made from it.",
    },
    Key {
        path: "server.tls_certificate",
        takes: "path",
        default: "none",
        example: r#""/etc/gatepost/tls/fullchain.pem""#,
        about: "The certificate chain (PEM). With it and `server.tls_key` the server speaks TLS itself.",
    },
    Key {
        path: "server.tls_key",
        takes: "path",
        default: "none",
        example: r#""/etc/gatepost/tls/key.pem""#,
        about: "The certificate's private key (PEM).",
    },
    Key {
        path: "server.trusted_proxies",
        takes: "list of networks",
        default: "`[]`",
        example: r#"["10.0.0.0/8"]"#,
        about: "The proxies in front of this server, by address or network (no bits below the prefix). What they say about the caller is believed from these alone, up to the right-most hop that is not one of them.",
    },
    Key {
        path: "server.forwarded_header",
        takes: "`\"x-forwarded-for\"` or `\"forwarded\"`",
        default: "`\"x-forwarded-for\"`",
        example: r#""forwarded""#,
        about: "In which header the trusted proxies name the caller: `X-Forwarded-For` with `X-Forwarded-Proto`, or `Forwarded` (RFC 7239). The other one is not looked at: a proxy passes it on as the caller wrote it.",
    },
    Key {
        path: "server.proxy_protocol",
        takes: "`true` or `false`",
        default: "`false`",
        example: "true",
        about: "Whether connections from the trusted proxies begin with a PROXY header, version 2 (HAProxy `send-proxy-v2`). Then one of theirs without it is refused; nobody else's header is taken.",
    },
    Key {
        path: "server.metrics_listen",
        takes: "address and port, or `\"off\"`",
        default: "`127.0.0.1:9464` where that is free, otherwise off",
        example: r#""127.0.0.1:9464""#,
        about: "Where Prometheus reads metrics (`/metrics`). Nothing there asks for a credential: keep it off the internet.",
    },
    Key {
        path: "server.threads",
        takes: "number",
        default: "one for each processor",
        example: "2",
        about: "Threads that work on requests.",
    },
    Key {
        path: "server.drain_seconds",
        takes: "number",
        default: "`20`",
        example: "20",
        about: "How long a server that was told to stop finishes what is under way. What is left is taken up at the next start.",
    },
    Key {
        path: "operators.listen",
        takes: "address and port, or \"off\"",
        default: "`127.0.0.1:8180`; nowhere where that is taken",
        example: r#""127.0.0.1:8180""#,
        about: "Where operators sign in, with a second factor: workspaces, visits, logs. No customer's key or session opens anything there, and nothing of it answers on the public address. An address other than loopback needs TLS (`server.tls_certificate`, which it then uses) or a trusted proxy.",
    },
    Key {
        path: "database.url",
        takes: "URL",
        default: "SQLite in the data directory",
        example: r#""postgresql://gatepost_app@db.example.com/gatepost?sslmode=verify-full""#,
        about: "A PostgreSQL database, as the role that `serve` works with: no superuser, no `BYPASSRLS`, not the owner of the tables. Use `sslmode=verify-full` across any network that is not your own. A password is better given in the variable.",
    },
    Key {
        path: "database.owner_url",
        takes: "URL",
        default: "none",
        example: r#""postgresql://gatepost_owner@db.example.com/gatepost?sslmode=verify-full""#,
        about: "The same database as the role that owns the tables; `migrate` alone uses it.",
    },
    Key {
        path: "vault.master_key_file",
        takes: "path",
        default: "`master.key` in the data directory, made at the first start of a fresh SQLite store",
        example: r#""/run/secrets/gatepost-master-key""#,
        about: "The master keys, one a line, the first in use; mode 0600. A file named here must exist. Back it up apart from the data: without it the data is gone.",
    },
    Key {
        path: "egress.exceptions",
        takes: "list of tables",
        default: "`[]`",
        example: r#"[{ host = "10.1.2.0/24", port = 8080, scheme = "http" }]"#,
        about: "Places that webhooks may reach although the rules refuse them (private addresses, plain http).",
    },
    Key {
        path: "egress.exceptions[].host",
        takes: "host name, address or network",
        default: "required",
        example: r#""crm.corp.example""#,
        about: "The place.",
    },
    Key {
        path: "egress.exceptions[].port",
        takes: "number",
        default: "the ports that are open on a public host",
        example: "8443",
        about: "The port.",
    },
    Key {
        path: "egress.exceptions[].scheme",
        takes: "`\"https\"` or `\"http\"`",
        default: "`\"https\"`",
        example: r#""http""#,
        about: "The scheme.",
    },
    Key {
        path: "egress.extra_ports",
        takes: "list of numbers",
        default: "`[]`",
        example: "[444]",
        about: "Ports that webhooks may use on any public host, besides 443 and those from 1024 up that no database, queue or the like is known for.",
    },
    Key {
        path: "egress.deny_ports",
        takes: "list of numbers",
        default: "`[]`",
        example: "[8080]",
        about: "Ports that webhooks may not use on public hosts; wins over `egress.extra_ports`.",
    },
    Key {
        path: "meta.base_url",
        takes: "URL",
        default: "`https://graph.facebook.com`",
        example: r#""https://graph.facebook.com""#,
        about: "Where live channels find Meta. Another address is for a simulated Meta (`gatepost sandbox`) or a proxy of yours. Test channels do not look here.",
    },
    Key {
        path: "meta.base_urls",
        takes: "list of URLs",
        default: "`[\"https://graph.facebook.com\", \"https://api.facebook.com\"]`",
        example: r#"["https://graph.facebook.com", "https://api.facebook.com"]"#,
        about: "Where else a Meta app may be told to find Meta, besides `meta.base_url`. Nothing but these can be chosen, and what is taken off the list is reached no more: these calls know no address policy.",
    },
    Key {
        path: "meta.management_calls_per_hour",
        takes: "number, 1 to 5000",
        default: "`200`",
        example: "200",
        about: "Calls that manage things at Meta (templates, numbers, subscriptions), an hour, for each Meta app and account: 200 as Meta gives to accounts that have not sent yet; active ones get 5000. What is over is refused without asking Meta.",
    },
    Key {
        path: "meta.graph_version",
        takes: "text",
        default: "`v25.0`",
        example: r#""v25.0""#,
        about: "The version of Meta's Graph API, for Meta apps that name none of their own.",
    },
    Key {
        path: "meta.pair_seconds",
        takes: "number",
        default: "`6`",
        example: "6",
        about: "One channel writes to one person once in so many seconds, apart from `meta.pair_burst`. Meta refuses what is faster.",
    },
    Key {
        path: "meta.pair_burst",
        takes: "number",
        default: "`45`",
        example: "45",
        about: "So many messages to one person may go at once, on credit.",
    },
    Key {
        path: "webhooks.retry_schedule",
        takes: "list of numbers",
        default: "`[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]`",
        example: "[5, 300, 1800, 7200]",
        about: "Seconds from one attempt of a webhook delivery to the next, a fifth more or less; at most 20 waits of a day, a week in all. Endpoints can have a schedule of their own. An empty list means one attempt and no more.",
    },
    Key {
        path: "webhooks.timeout_seconds",
        takes: "number, 1 to 30",
        default: "`15`",
        example: "15",
        about: "How long a webhook's receiver has to answer, from looking up its name to the head of its answer.",
    },
    Key {
        path: "retention.content_hours",
        takes: "number",
        default: "`72`",
        example: "72",
        about: "How long message contents and event payloads are kept at most, with the answers of receivers to them. What is still on its way to an endpoint keeps its payload until it is decided.",
    },
    Key {
        path: "retention.dead_letter_days",
        takes: "number, no more than `retention.log_days`",
        default: "`30`",
        example: "30",
        about: "For how long after its event a delivery that did not arrive keeps the payload, so that it can be retried and replayed. 0 keeps it no longer than what arrived.",
    },
    Key {
        path: "retention.log_days",
        takes: "number",
        default: "`30`",
        example: "30",
        about: "How long events, deliveries and attempts are kept, without their contents. Messages are not concerned.",
    },
    Key {
        path: "retention.deleted_workspace_days",
        takes: "number",
        default: "`30`",
        example: "30",
        about: "For how long a workspace that its owners deleted can be brought back. Until then nothing of it goes out or is opened; after that its keys are destroyed and its rows go, and only its audit log stays.",
    },
    Key {
        path: "audit.checkpoint_file",
        takes: "path",
        default: "none: checkpoints are in the database alone",
        example: r#""/mnt/audit/gatepost-audit-checkpoints.jsonl""#,
        about: "A second place for the signed checkpoints of the audit log: a file that is appended to, or a directory for one. Best on another disk or machine, or where files can only grow (`chattr +a`): with it `gatepost audit verify` finds a log that was cut off or replaced together with its database.",
    },
    Key {
        path: "limits.presets",
        takes: "list of tables",
        default: "`[]`; built in are `none`, `interactive` (`3/s`, `20/10s`, `100/min`) and `steady` (`120/min`)",
        example: r#"[{ name = "plan-a", windows = ["5/s", "200/min"] }]"#,
        about: "Rate limits under names of your own, for workspaces and keys (`gatepost limit`). No span of a window holds more requests than it says, wherever the span begins. Counted by each node for itself.",
    },
    Key {
        path: "limits.presets[].name",
        takes: "text",
        default: "required",
        example: r#""plan-a""#,
        about: "1 to 40 of a-z, 0-9, - and _.",
    },
    Key {
        path: "limits.presets[].windows",
        takes: "list of limits",
        default: "required",
        example: r#"["5/s", "200/min"]"#,
        about: "Up to four, each with a span of its own: `3/s`, `20/10s`, `100/min`, `5000/h`. All hold at once.",
    },
    Key {
        path: "limits.keys",
        takes: "name of a preset",
        default: "`\"none\"`",
        example: r#""none""#,
        about: "The limit of each API key, where neither the key nor its workspace has one. Channels keep their own pace whatever stands here.",
    },
    Key {
        path: "limits.addresses",
        takes: "name of a preset",
        default: "`\"interactive\"`",
        example: r#""interactive""#,
        about: "The limit of requests from one address (one /64 of IPv6) whose credential is missing or refused. Valid keys are never slowed by it, whoever else is behind the same address. Meta's callbacks and health checks are exempt.",
    },
    Key {
        path: "mail.server",
        takes: "host name or address",
        default: "none: no e-mail is sent, and links are shown to whoever asked for them",
        example: r#""mail.example.com""#,
        about: "The mail server that e-mails are handed to: invitations, links to set a password, notices. Try it: `gatepost mail test`.",
    },
    Key {
        path: "mail.port",
        takes: "number",
        default: "465 for `tls`, 587 for `starttls`, 25 otherwise",
        example: "465",
        about: "The mail server's port.",
    },
    Key {
        path: "mail.security",
        takes: "`\"tls\"`, `\"starttls\"`, `\"loopback\"` or `\"insecure\"`",
        default: "`\"tls\"`",
        example: r#""tls""#,
        about: "TLS from the first byte; TLS begun by STARTTLS, and nothing without it; no TLS, to a mail server on this machine alone; or no TLS wherever it is, without a password: only for a network that is your own. Certificates are always checked.",
    },
    Key {
        path: "mail.user",
        takes: "text",
        default: "none",
        example: r#""gatepost@example.com""#,
        about: "The user to log in with at the mail server.",
    },
    Key {
        path: "mail.password",
        takes: "text",
        default: "none",
        example: r#""a password""#,
        about: "The user's password. It is better kept in a file: `mail.password_file`.",
    },
    Key {
        path: "mail.password_file",
        takes: "path",
        default: "none",
        example: r#""/run/secrets/gatepost-mail-password""#,
        about: "A file whose first line is the password. One of the two, not both.",
    },
    Key {
        path: "mail.from",
        takes: "address",
        default: "required with `mail.server`",
        example: r#""noreply@example.com""#,
        about: "The address that e-mails come from. The mail server must let the user send in its name.",
    },
    Key {
        path: "mail.from_name",
        takes: "text",
        default: "`Gatepost`",
        example: r#""Gatepost""#,
        about: "The name that is shown beside the address.",
    },
    Key {
        path: "mail.reply_to",
        takes: "address",
        default: "none",
        example: r#""help@example.com""#,
        about: "Where answers go.",
    },
    Key {
        path: "sso.providers",
        takes: "list of tables",
        default: "`[]`",
        example: r#"[{ key = "google", name = "Google", kind = "google", client_id = "gatepost.apps.example", client_secret = "kQ3vN8yT2mZ5" }]"#,
        about: "Identity providers that everybody may sign in through, besides those that workspaces name for themselves: a button for each on the sign-in page. People link their account there first, or come by an invitation; an address alone opens nothing. See docs/sso.md.",
    },
    Key {
        path: "sso.providers[].key",
        takes: "text",
        default: "required",
        example: r#""google""#,
        about: "1 to 32 of a-z, 0-9 and -. Its place in addresses: the redirect URI to register at the provider is `<public_url>/sso/<key>/callback`.",
    },
    Key {
        path: "sso.providers[].name",
        takes: "text",
        default: "required",
        example: r#""Google""#,
        about: "What stands on the button.",
    },
    Key {
        path: "sso.providers[].kind",
        takes: "`\"oidc\"`, `\"google\"`, `\"microsoft\"` or `\"github\"`",
        default: "required",
        example: r#""google""#,
        about: "`oidc` is any OpenID provider that publishes its configuration.",
    },
    Key {
        path: "sso.providers[].issuer",
        takes: "URL",
        default: "required for `oidc`",
        example: r#""https://id.example.com""#,
        about: "The issuer, exactly as the provider's configuration writes it: a slash at the end counts. A provider inside your network needs an exception under `egress.exceptions`.",
    },
    Key {
        path: "sso.providers[].tenant",
        takes: "UUID, or `\"organizations\"`, `\"consumers\"`, `\"common\"`",
        default: "required for `microsoft`",
        example: r#""organizations""#,
        about: "Whose Microsoft accounts may come.",
    },
    Key {
        path: "sso.providers[].client_id",
        takes: "text",
        default: "required",
        example: r#""gatepost.apps.example""#,
        about: "The client id that the provider gave for this Gatepost.",
    },
    Key {
        path: "sso.providers[].client_secret",
        takes: "text",
        default: "none",
        example: r#""kQ3vN8yT2mZ5""#,
        about: "Its secret; or name a file.",
    },
    Key {
        path: "sso.providers[].client_secret_file",
        takes: "path",
        default: "none",
        example: r#""/run/secrets/google-client-secret""#,
        about: "A file whose first line is the secret.",
    },
    Key {
        path: "workspaces.self_service",
        takes: "`true` or `false`",
        default: "`false`",
        example: "true",
        about: "Whether whoever owns a workspace may make another in the console. Otherwise workspaces are made by whoever runs this installation (`gatepost workspace create`).",
    },
    Key {
        path: "guard.default_plan",
        takes: "name of a plan",
        default: "none: everything, without limits",
        example: r#""free""#,
        about: "The plan of workspaces that were given none (`gatepost plan set`). `serve` refuses to start where there is no such plan, and nobody can delete it meanwhile.",
    },
    Key {
        path: "guard.acceptable_use_file",
        takes: "path",
        default: "none",
        example: r#""/etc/gatepost/acceptable-use.txt""#,
        about: "A text with your rules for acceptable use. Whoever makes a workspace accepts it, which is in the audit log with the text's version; `GET /v1/acceptable-use` shows both.",
    },
    Key {
        path: "guard.review_hours",
        takes: "whole number, 1 to 720",
        default: "`72`",
        example: "24",
        about: "For how long a held message waits for a person's decision before it expires, in hours; a shorter `ttl` of its own counts.",
    },
    Key {
        path: "billing.stripe_webhook_secret_file",
        takes: "path",
        default: "none: nobody is believed to bill",
        example: r#""/run/secrets/stripe-webhook-secret""#,
        about: "A file whose first line is the signing secret (`whsec_…`) of a webhook endpoint at Stripe that points to `/hooks/billing/stripe`. Its events then drive the subscriptions of workspaces.",
    },
    Key {
        path: "billing.prices",
        takes: "table of plans by price",
        default: "`{}`",
        example: r#"{ price_1Nxyz = "growth" }"#,
        about: "Which plan a price stands for, by the price's id or lookup key. A price whose lookup key is the name of a plan needs no entry.",
    },
    Key {
        path: "guard.essential_purposes",
        takes: "list of purposes",
        default: "`[\"authentication\"]`",
        example: r#"["authentication", "transactional"]"#,
        about: "What goes to people all the same who opted out or are suppressed. Anything beyond codes needs a good reason: whoever says STOP means it.",
    },
    Key {
        path: "guard.opt_out_keywords",
        takes: "list of texts",
        default: "`[]`",
        example: r#"["afmelden graag"]"#,
        about: "Words that mean an opt-out as a whole message, in every workspace, beside those that are understood everywhere. At most 80 characters each; everyday answers such as `ok` are refused.",
    },
    Key {
        path: "guard.opt_in_keywords",
        takes: "list of texts",
        default: "`[]`",
        example: r#"["weer aanmelden"]"#,
        about: "The same for opting in again. Together with `guard.opt_out_keywords` at most 10,000.",
    },
    Key {
        path: "limits.console",
        takes: "name of a preset",
        default: "`\"interactive\"`",
        example: r#""interactive""#,
        about: "The limit of pages and forms: of each session for whoever is signed in, and of each address (one /64 of IPv6) for whoever is not. The files that pages load are exempt.",
    },
    Key {
        path: "sessions.idle_minutes",
        takes: "number, 1 to 10080",
        default: "`60`",
        example: "60",
        about: "After so long without a request a session is over.",
    },
    Key {
        path: "sessions.absolute_hours",
        takes: "number, 1 to 720",
        default: "`24`",
        example: "24",
        about: "How long a session lasts altogether, however much it is used.",
    },
    Key {
        path: "sessions.access_token_minutes",
        takes: "number, 1 to 60",
        default: "`15`",
        example: "15",
        about: "How long an access token (`POST /v1/auth/token`) opens. It ends before where its session or key does.",
    },
    Key {
        path: "sessions.refresh_token_hours",
        takes: "number, 1 to 2160",
        default: "`24`",
        example: "24",
        about: "How long a refresh token waits to be used. That of a session ends with the session.",
    },
    Key {
        path: "log.level",
        takes: "level, or levels by part",
        default: "`\"info\"`",
        example: r#""info,gatepost_store=debug""#,
        about: "What is logged to standard error. Libraries never say more than warnings.",
    },
    Key {
        path: "log.format",
        takes: "`\"text\"` or `\"json\"`",
        default: "`\"text\"`",
        example: r#""json""#,
        about: "One line per entry either way.",
    },
];

/// The reference as Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         Gatepost needs no configuration. What is set comes from, in this order: flags of the command line, environment\n\
         variables, the file.\n\n\
         The file is the one that `--config` or `GATEPOST_CONFIG` names, or the first of `gatepost.toml` in the current\n\
         directory, `~/.config/gatepost/gatepost.toml` and `/etc/gatepost/gatepost.toml` that exists. A key that does not\n\
         exist is an error, wherever it stands.\n\n\
         This page is written from the program's own table: `GATEPOST_UPDATE=1 cargo test -p gatepost reference`.\n\n\
         ## Keys\n",
    );
    for key in KEYS {
        let _ = write!(
            out,
            "\n### `{}`\n\n{}\n\n- takes: {}\n- default: {}\n- example: `{}`\n",
            key.path, key.about, key.takes, key.default, key.example
        );
    }
    out.push_str("\n## Environment variables\n\n| variable | meaning |\n|---|---|\n");
    for variable in VARIABLES {
        let _ = writeln!(out, "| `{}` | {} |", variable.name, variable.about);
    }
    out
}

#[cfg(test)]
mod tests;
