//! Who may depend on whom (ARCHITECTURE.md, "The crates"): our direct dependencies, development ones excepted.
//! Third-party crates bind each other as they like; deny.toml looks at those.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::{TestResult, report, root};

/// Each of our crates and those of ours that it may name. The order is that of the layers.
const OURS: &[(&str, &[&str])] = &[
    ("gatepost-core", &[]),
    ("gatepost-vault", &["gatepost-core"]),
    ("gatepost-store", &["gatepost-core", "gatepost-vault"]),
    ("gatepost-net", &["gatepost-core"]),
    // The vault: callbacks are verified and tokens held with its signatures.
    ("gatepost-channels", &["gatepost-core", "gatepost-net", "gatepost-vault"]),
    (
        "gatepost-app",
        &["gatepost-core", "gatepost-vault", "gatepost-store", "gatepost-net", "gatepost-channels"],
    ),
    // Neither store nor vault: a handler can reach rows and keys through a use case only.
    ("gatepost-http", &["gatepost-core", "gatepost-app"]),
    (
        "gatepost",
        &[
            "gatepost-core",
            "gatepost-vault",
            "gatepost-store",
            "gatepost-net",
            "gatepost-channels",
            "gatepost-app",
            "gatepost-http",
        ],
    ),
    // For tests only, so that the store can use it in its own tests: it names none of ours.
    ("gatepost-testdb", &[]),
    (
        "gatepost-testkit",
        &[
            "gatepost-core",
            "gatepost-vault",
            "gatepost-store",
            "gatepost-net",
            "gatepost-channels",
            "gatepost-app",
            "gatepost-http",
            "gatepost-testdb",
        ],
    ),
    (
        "gatepost-bench",
        &[
            "gatepost-core",
            "gatepost-vault",
            "gatepost-store",
            "gatepost-net",
            "gatepost-channels",
            "gatepost-app",
            "gatepost-http",
            "gatepost-testdb",
            "gatepost-testkit",
        ],
    ),
];

/// What the domain may name: crates without async, I/O, clock or randomness of their own.
const PURE: &[&str] =
    &["idna", "jiff", "serde", "serde_json", "subtle", "unicode-normalization", "url", "uuid", "zeroize"];

/// What every crate above the domain may name.
const COMMON: &[&str] = &[
    "base64",
    "bytes",
    "futures-util",
    "metrics",
    "serde",
    "serde_json",
    "subtle",
    "thiserror",
    "tokio",
    "tokio-util",
    "tracing",
    "url",
    "uuid",
    "zeroize",
];

/// A third-party crate that belongs to somebody.
struct Owned {
    name: &'static str,
    owners: &'static [&'static str],
    /// Who else may name it, and why.
    exceptions: &'static [(&'static str, &'static str)],
}

const fn owned(
    name: &'static str,
    owners: &'static [&'static str],
    exceptions: &'static [(&'static str, &'static str)],
) -> Owned {
    Owned { name, owners, exceptions }
}

const CEILINGS: (&str, &str) = ("gatepost-bench", "measures the bare parts that Gatepost is compared with");
const TEST_SERVERS: (&str, &str) = ("gatepost-testkit", "serves and calls HTTP on loopback");
const COMMAND_LINE: (&str, &str) = ("gatepost", "the command line speaks HTTP over the server's own socket");

const OWNED: &[Owned] = &[
    // Cryptography.
    owned(
        "aws-lc-rs",
        &["gatepost-vault"],
        &[("gatepost-testkit", "signs as authenticators and identity providers do")],
    ),
    owned("argon2", &["gatepost-vault"], &[]),
    owned("crc32fast", &["gatepost-vault"], &[]),
    owned("totp-rs", &["gatepost-vault"], &[]),
    owned("webauthn-rs", &["gatepost-vault"], &[]),
    // Databases.
    owned("rusqlite", &["gatepost-store"], &[CEILINGS]),
    owned(
        "tokio-postgres",
        &["gatepost-store"],
        &[
            CEILINGS,
            ("gatepost-testdb", "makes databases and roles on the servers it starts"),
            ("gatepost-testkit", "looks at rows from outside, past the code under test"),
        ],
    ),
    owned("tokio-postgres-rustls", &["gatepost-store"], &[]),
    // The ways out.
    owned("hyper", &["gatepost-net"], &[COMMAND_LINE, CEILINGS]),
    owned("hyper-util", &["gatepost-net"], &[COMMAND_LINE, CEILINGS]),
    owned("hickory-resolver", &["gatepost-net"], &[]),
    owned("ipnet", &["gatepost-net"], &[]),
    owned("lettre", &["gatepost-net"], &[]),
    // Who signs in; its requests go through the ways out.
    owned("openidconnect", &["gatepost-app"], &[]),
    // Not behind a way out of ours: a client that shares none of our code checks what ours cannot.
    owned("reqwest", &["gatepost-testkit"], &[]),
    // TLS.
    owned(
        "rustls",
        &["gatepost-net"],
        &[
            ("gatepost-store", "TLS to PostgreSQL"),
            ("gatepost", "terminates TLS for the API"),
            ("gatepost-testkit", "receivers with good and bad certificates"),
        ],
    ),
    owned(
        "tokio-rustls",
        &["gatepost-net"],
        &[("gatepost-testkit", "mail servers with good and bad certificates")],
    ),
    owned("rcgen", &["gatepost-testkit"], &[]),
    owned("rustls-native-certs", &["gatepost-net"], &[("gatepost-store", "TLS to PostgreSQL")]),
    owned("webpki-roots", &["gatepost-net"], &[("gatepost-store", "TLS to PostgreSQL")]),
    owned("rustls-pki-types", &["gatepost-net"], &[("gatepost", "reads certificate and key files")]),
    // Serving and speaking HTTP.
    owned("maud", &["gatepost-http"], &[]),
    owned("qrcodegen", &["gatepost-http"], &[]),
    owned(
        "axum",
        &["gatepost-http"],
        &[
            ("gatepost-channels", "serves the simulated Meta"),
            ("gatepost", "the demo's receiver and the metrics listener"),
            TEST_SERVERS,
            CEILINGS,
        ],
    ),
    owned("axum-server", &["gatepost"], &[]),
    owned("tower", &["gatepost-http"], &[("gatepost", "serves the router on sockets")]),
    owned("tower-http", &["gatepost-http"], &[]),
    owned("utoipa", &["gatepost-http"], &[]),
    owned("http", &["gatepost-http"], &[COMMAND_LINE, TEST_SERVERS, CEILINGS]),
    owned("http-body-util", &["gatepost-http"], &[COMMAND_LINE, CEILINGS]),
    // The process.
    owned("clap", &["gatepost"], &[("gatepost-bench", "has a command line of its own")]),
    owned("toml", &["gatepost"], &[]),
    owned("rpassword", &["gatepost"], &[]),
    owned("tracing-subscriber", &["gatepost"], &[]),
    owned("metrics-exporter-prometheus", &["gatepost"], &[]),
    owned("mimalloc", &["gatepost"], &[("gatepost-bench", "measures with the binary's allocator")]),
    owned(
        "rustix",
        &["gatepost"],
        &[
            ("gatepost-testdb", "starts servers as another system user, waits for them to end"),
            ("gatepost-testkit", "kills processes in the crash test"),
            ("gatepost-bench", "reads CPU time and memory"),
        ],
    ),
    owned("moka", &["gatepost-app"], &[]),
    // Verifying and measuring.
    owned(
        "standardwebhooks",
        &["gatepost-testkit"],
        &[("gatepost", "the demo checks its own webhooks with it")],
    ),
    owned("tempfile", &["gatepost-testkit", "gatepost-testdb", "gatepost-bench"], &[]),
    owned("hdrhistogram", &["gatepost-bench"], &[]),
];

fn metadata() -> cargo_metadata::Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
}

/// The names of what a package is built from; what only its tests use is left out.
fn direct(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|d| d.kind != DependencyKind::Development)
        .map(|d| d.name.as_str())
        .collect()
}

/// What is wrong with `package` naming `name`, if anything.
fn fault(package: &str, name: &str) -> Option<String> {
    if let Some((_, allowed)) = OURS.iter().find(|(ours, _)| *ours == package)
        && OURS.iter().any(|(ours, _)| *ours == name)
    {
        return (!allowed.contains(&name)).then(|| {
            format!(
                "layers: {package} must not depend on {name}; it may name {allowed:?}. Move the code to the layer \
                 that owns it, or pass the value in."
            )
        });
    }
    if package == "gatepost-core" {
        return (!PURE.contains(&name)).then(|| {
            format!(
                "pure domain: gatepost-core must not depend on {name}. Put the code that needs it in the crate that \
                 does the I/O and pass the result in; only a crate without async, I/O, clock and randomness may join \
                 PURE."
            )
        });
    }
    if PURE.contains(&name) || COMMON.contains(&name) {
        return None;
    }
    let Some(owned) = OWNED.iter().find(|o| o.name == name) else {
        return Some(format!(
            "a place for everything: {name}, which {package} names, is in no table. Give it an owner in OWNED, or add \
             it to COMMON where no layer is harmed by it."
        ));
    };
    let allowed = owned.owners.contains(&package) || owned.exceptions.iter().any(|(who, _)| *who == package);
    (!allowed).then(|| {
        format!(
            "ownership: {package} must not depend on {name}, which belongs to {}. Call what the owner offers, or \
             extend it; an exception needs a reason in OWNED.",
            owned.owners.join(" and ")
        )
    })
}

#[test]
fn dependencies_keep_to_the_layers() -> TestResult {
    let metadata = metadata()?;
    let mut faults = Vec::new();
    for package in metadata.workspace_packages() {
        if !OURS.iter().any(|(name, _)| *name == package.name.as_str()) {
            faults.push(format!(
                "layers: {} has no row in OURS; say which of our crates it may name",
                package.name
            ));
        }
        faults.extend(direct(package).into_iter().filter_map(|name| fault(&package.name, name)));
    }
    report(&faults);
    Ok(())
}

/// The rule itself: it must refuse what it is there for.
#[test]
fn forbidden_dependencies_are_refused() {
    for (package, name) in [
        ("gatepost-http", "gatepost-store"),
        ("gatepost-http", "rusqlite"),
        ("gatepost-http", "tokio-postgres"),
        ("gatepost-http", "reqwest"),
        ("gatepost-app", "axum"),
        ("gatepost-app", "reqwest"),
        ("gatepost-app", "rusqlite"),
        ("gatepost-app", "aws-lc-rs"),
        ("gatepost-core", "tokio"),
        ("gatepost-core", "gatepost-vault"),
        ("gatepost-store", "gatepost-app"),
        ("gatepost-net", "gatepost-store"),
        ("gatepost", "gatepost-testkit"),
        ("gatepost", "reqwest"),
        ("gatepost-app", "rand"),
    ] {
        assert!(fault(package, name).is_some(), "{package} may name {name}");
    }
    assert_eq!(fault("gatepost-store", "rusqlite"), None);
    assert_eq!(fault("gatepost-core", "uuid"), None);
}

/// A row that permits what nobody does is a door left open.
#[test]
fn the_tables_hold_nothing_unused() -> TestResult {
    let metadata = metadata()?;
    let used: BTreeMap<&str, BTreeSet<&str>> =
        metadata.workspace_packages().into_iter().map(|p| (p.name.as_str(), direct(p))).collect();
    let names = |package: &str, name: &str| used.get(package).is_some_and(|names| names.contains(name));
    let mut faults = Vec::new();
    for name in PURE {
        if !names("gatepost-core", name) {
            faults.push(format!("PURE lists {name}, which gatepost-core does not name: take the row out"));
        }
    }
    for name in COMMON {
        if !used.iter().any(|(_, names)| names.contains(name)) {
            faults.push(format!("COMMON lists {name}, which nobody names: take the row out"));
        }
    }
    for row in OWNED {
        for who in row.owners.iter().chain(row.exceptions.iter().map(|(who, _)| who)) {
            if !names(who, row.name) {
                faults.push(format!("OWNED lets {who} name {}, but it does not: take that out", row.name));
            }
        }
    }
    for (package, _) in OURS {
        if !used.contains_key(package) {
            faults
                .push(format!("OURS lists {package}, which is no crate of the workspace: take the row out"));
        }
    }
    report(&faults);
    Ok(())
}

/// `cargo run -- demo` and `cargo test` mean everything but the benchmark.
#[test]
fn everything_but_the_benchmark_is_a_default_member() -> TestResult {
    let metadata = metadata()?;
    let defaults: BTreeSet<_> =
        metadata.workspace_default_packages().iter().map(|p| p.name.to_string()).collect();
    let mut wanted: BTreeSet<_> = metadata.workspace_packages().iter().map(|p| p.name.to_string()).collect();
    wanted.remove("gatepost-bench");
    assert_eq!(defaults, wanted, "default-members in Cargo.toml: every crate but gatepost-bench");
    Ok(())
}
