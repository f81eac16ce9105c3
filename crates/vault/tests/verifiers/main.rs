//! The verifiers of docs/verify: every language's takes what our signer signs, and nothing else.
//!
//! The cases lie in docs/verify/vectors.txt, made by our own signer; whoever writes a verifier in another language can use
//! them too. `GATEPOST_TEST_REQUIRE_VERIFIERS=1` makes a missing runtime of those that `.ci/run` installs a failure;
//! without it, and for the others always, a language whose runtime is not on the machine is left out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cases;
mod page;
mod public_key;
#[path = "../../../../docs/verify/verify.rs"]
mod verify;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use cases::{Case, cases};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").canonicalize().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Compares a checked-in file with what it must be, or writes it where `GATEPOST_UPDATE` is set.
fn checked_in(path: &Path, now: &str) {
    if is_set("GATEPOST_UPDATE") {
        std::fs::write(path, now).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == now,
        "{} is stale: GATEPOST_UPDATE=1 cargo test -p gatepost-vault --test verifiers",
        path.display()
    );
}

#[test]
fn the_vectors_are_what_the_signer_says() {
    let lines: Vec<String> = cases().iter().map(|case| case.line(true)).collect();
    checked_in(&docs().join("verify/vectors.txt"), &(lines.join("\n") + "\n"));
    let lines: Vec<String> = public_key::cases().iter().map(|case| case.line(true)).collect();
    checked_in(&docs().join("verify/vectors-key.txt"), &(lines.join("\n") + "\n"));
}

#[test]
fn cases_have_names_of_their_own_and_both_ends() {
    let cases = cases();
    let mut names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
    assert!(cases.iter().filter(|case| case.good).count() >= 10);
    assert!(cases.iter().filter(|case| !case.good).count() >= 35);
}

/// A language's verifier: its files, what compiles them (where something must), and what runs them. `{docs}` is
/// docs/verify, `{work}` an empty directory.
struct Language {
    name: &'static str,
    /// The program that must be there.
    runtime: &'static str,
    compile: &'static [&'static str],
    run: &'static [&'static str],
    /// Whether `.ci/run` installs the runtime: small ones only. Java and Go are hundreds of megabytes.
    in_ci: bool,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "Python",
        runtime: "python3",
        compile: &[],
        run: &["python3", "-B", "{docs}/run.py"],
        in_ci: true,
    },
    Language {
        name: "Node.js",
        runtime: "node",
        compile: &[],
        run: &["node", "{docs}/run.mjs"],
        in_ci: true,
    },
    Language { name: "PHP", runtime: "php", compile: &[], run: &["php", "{docs}/run.php"], in_ci: true },
    Language { name: "Ruby", runtime: "ruby", compile: &[], run: &["ruby", "{docs}/run.rb"], in_ci: true },
    Language { name: "bash", runtime: "openssl", compile: &[], run: &["bash", "{docs}/run.sh"], in_ci: true },
    Language {
        name: "Go",
        runtime: "go",
        compile: &["go", "build", "-o", "{work}/run", "{docs}/verify.go", "{docs}/run.go"],
        run: &["{work}/run"],
        in_ci: false,
    },
    Language {
        name: "Java",
        runtime: "javac",
        compile: &["javac", "-Xlint:all", "-Werror", "-d", "{work}", "{docs}/Verify.java", "{docs}/Run.java"],
        run: &["java", "-cp", "{work}", "Run"],
        in_ci: false,
    },
];

#[expect(clippy::disallowed_methods, reason = "looks for programs as a shell does")]
fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|directory| directory.join(program).is_file())
}

fn command(words: &[&str], work: &Path) -> Command {
    let docs = docs().join("verify");
    let fill = |word: &&str| {
        word.replace("{docs}", docs.to_str().unwrap()).replace("{work}", work.to_str().unwrap())
    };
    let words: Vec<String> = words.iter().map(fill).collect();
    let mut command = Command::new(&words[0]);
    // Go wants a home for what it compiles.
    command.args(&words[1..]).current_dir(work).env("GOCACHE", work.join("cache")).env("GO111MODULE", "off");
    command
}

/// What a language's verifier says of each case, by the case's name.
fn verdicts(language: &Language, cases: &[Case]) -> Vec<String> {
    let work = tempfile::tempdir().unwrap();
    if !language.compile.is_empty() {
        let compiled = command(language.compile, work.path()).output().unwrap();
        let said = String::from_utf8_lossy(&compiled.stderr).into_owned();
        assert!(compiled.status.success(), "{} does not compile: {said}", language.name);
    }
    let mut command = command(language.run, work.path());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = cases.iter().map(|case| case.line(false) + "\n").collect();
    let writer = std::thread::spawn(move || drop(input.write_all(lines.as_bytes())));
    let ended = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.is_empty(), "{} ended badly: {said}", language.name);
    String::from_utf8(ended.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn expected(cases: &[Case]) -> Vec<String> {
    cases.iter().map(|case| format!("{}|{}", case.name, case.verdict())).collect()
}

#[test]
fn every_language_takes_the_good_and_refuses_the_bad() {
    let cases = cases();
    let (mut ran, mut missing) = (Vec::new(), Vec::new());
    for language in LANGUAGES {
        if is_there(language.runtime) {
            assert_eq!(verdicts(language, &cases), expected(&cases), "{}", language.name);
            ran.push(language.name);
        } else if language.in_ci {
            missing.push(language.name);
        }
    }
    if is_set("GATEPOST_TEST_REQUIRE_VERIFIERS") {
        assert!(missing.is_empty(), "not on this machine: {missing:?}; ran {ran:?}");
    }
}

/// By the public key: in Node.js, which has Ed25519 on board.
#[test]
fn the_verifier_by_public_key() {
    let node = Language {
        name: "Node.js",
        runtime: "node",
        compile: &[],
        run: &["node", "{docs}/run.mjs", "./verify-key.mjs"],
        in_ci: true,
    };
    let cases = public_key::cases();
    if is_there(node.runtime) {
        assert_eq!(verdicts(&node, &cases), expected(&cases));
    } else {
        assert!(!is_set("GATEPOST_TEST_REQUIRE_VERIFIERS"), "Node.js is not on this machine");
    }
}

#[test]
fn the_verifier_in_rust() {
    let cases = cases();
    let verdicts: Vec<String> = cases
        .iter()
        .map(|case| {
            let header = |name: &str| match name {
                "webhook-id" => case.id.as_str(),
                "webhook-timestamp" => case.timestamp.as_str(),
                "webhook-signature" => case.signature.as_str(),
                other => panic!("{other} is no header of the scheme"),
            };
            let good = verify::verify(cases::SECRET, header, &case.body, case.now);
            format!("{}|{}", case.name, if good { "good" } else { "bad" })
        })
        .collect();
    assert_eq!(verdicts, expected(&cases));
}

/// A verifier that says yes to everything, and one that says no, are seen.
#[test]
fn the_cases_tell_verifiers_apart() {
    let cases = cases();
    for verdict in ["good", "bad"] {
        let careless: Vec<String> = cases.iter().map(|case| format!("{}|{verdict}", case.name)).collect();
        assert_ne!(careless, expected(&cases));
    }
    // One that compares only as much as it was given; one that does not look at the time.
    let signature = |case: &Case| {
        let key = gatepost_vault::WebhookSecret::parse(cases::SECRET).unwrap().signing_key().unwrap();
        gatepost_vault::sign_standard(&case.id, case.timestamp.parse().ok()?, &case.body, &[key]).ok()
    };
    let by_prefix = |case: &Case| {
        signature(case).is_some_and(|own| case.signature.split(' ').any(|one| own.starts_with(one)))
    };
    let timeless =
        |case: &Case| signature(case).is_some_and(|own| case.signature.split(' ').any(|one| own == one));
    assert!(
        cases.iter().any(|case| by_prefix(case) && !timeless(case) && !case.good),
        "a prefix is not seen"
    );
    assert!(cases.iter().any(|case| timeless(case) && !case.good), "an old one is not seen");
    assert!(STANDARD.decode(cases::SECRET.trim_start_matches("whsec_")).is_ok());
}
