//! SIGKILL at random points under load, again and again, on both engines: nothing accepted is lost, no event is
//! doubled, and no message goes out twice.
//!
//! What the kill may do is said plainly: a message whose POST to Meta was begun and not recorded is doubtful. It is
//! never sent again by itself; a status that carries our id resolves it, otherwise it fails as `outcome_unknown`. One
//! whose sender chose `resend` is sent again, and only such a one may go out twice. The test counts both.
//!
//! The kills fall where chance lets them: while requests are accepted, while messages go out (Meta fails at times as
//! well), while statuses and people's messages come in, while webhooks go out, and while the process starts. Chance
//! follows from a seed that is printed; `GATEPOST_CRASH_SEED` sets it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod deliveries;
mod dice;
mod judge;
mod load;
mod meta;
mod server;

use std::time::Duration;

use gatepost_channels::sandbox::Fault;
use gatepost_testkit::Engines;

use self::dice::Dice;
use self::load::Load;
use self::server::Installation;

/// Kills of all engines together.
const ROUNDS: usize = 100;

/// Something that goes wrong besides the kill, in some of the rounds.
fn trouble(installation: &Installation, dice: &mut Dice) {
    let fault = match dice.roll(8) {
        0 => Fault::ServerError,
        1 => Fault::RateLimited,
        2 => Fault::BadGateway { taken: true },
        3 => Fault::BadGateway { taken: false },
        4 => Fault::Cut { taken: true },
        5 => Fault::Garbled,
        _ => return,
    };
    installation.meta.fail_next(1, fault);
}

async fn survive(engine: Engines, rounds: usize) {
    let mut dice = Dice::from_environment();
    eprintln!("{engine:?}: GATEPOST_CRASH_SEED={}", dice.seed());
    let mut installation = Installation::new(engine).await;
    installation.start().await;
    let client = installation.set_up().await;
    let load = Load::start(&client, &installation, &mut dice);
    for round in 0..rounds {
        trouble(&installation, &mut dice);
        // A receiver that fails once is tried again after seconds; twice the same would take minutes.
        if round % 20 == 10 {
            installation.receiver.answer_with(&[500]);
        }
        // Most processes live long enough to work, some die while they start.
        if dice.roll(5) > 0 {
            installation.ready().await;
        }
        let life = 10 + dice.roll(600);
        tokio::time::sleep(Duration::from_millis(u64::try_from(life).unwrap())).await;
        installation.kill();
        installation.start_unready();
    }
    installation.ready().await;
    load.reaches(rounds).await;
    let done = load.stop().await;
    let verdict = judge::judge(&client, &installation, &done).await;
    eprintln!("{engine:?}: {rounds} kills; {verdict}");
    installation.kill();
}

fn postgres() -> bool {
    Engines::available().contains(&Engines::Postgres)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_survives_kills() {
    survive(Engines::Sqlite, if postgres() { ROUNDS * 3 / 5 } else { ROUNDS }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_survives_kills() {
    if postgres() {
        survive(Engines::Postgres, ROUNDS * 2 / 5).await;
    }
}
