//! A fresh server that nobody uses sends no packet anywhere, and does not even try.

use std::process::Command;

use crate::support::{Machine, run, skipped};

/// How long the server is watched.
const SECONDS: &str = "6";

/// In a network of its own, where there is no way out: an attempt finds no route, and the kernel counts it, as it counts
/// everything that is sent, loopback included.
const SCRIPT: &str = r#"
set -eu
ip link set lo up
counters() {
  grep -E '^(Ip|Tcp|Udp): [0-9]' /proc/net/snmp
  grep -E '^(Ip6OutNoRoutes|Udp6OutDatagrams) ' /proc/net/snmp6 || true
  grep 'lo:' /proc/net/dev
}
"$1" serve --listen 127.0.0.1:0 --json > started &
server=$!
while ! [ -s started ]; do sleep 0.05; done
counters > before
sleep "$SECONDS_TO_WATCH"
counters > after
kill "$server"
wait "$server"
# The meter works: a datagram to anywhere is counted.
(echo x > /dev/udp/198.51.100.1/53) 2>/dev/null || true
counters > meter
"#;

#[test]
fn an_idle_server_sends_nothing() {
    let permitted = Command::new("unshare")
        .args(["-n", "ip", "link", "set", "lo", "up"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !permitted {
        skipped("a network namespace needs root, unshare(1) and ip(8)");
        return;
    }
    let machine = Machine::new();
    let mut command = Command::new("unshare");
    command
        .args(["-n", "bash", "-c", SCRIPT, "bash", env!("CARGO_BIN_EXE_gatepost")])
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", machine.home())
        .env("GATEPOST_DATA_DIR", machine.data())
        .env("SECONDS_TO_WATCH", SECONDS)
        .current_dir(machine.home());
    run(&mut command).ok();
    let read = |name: &str| std::fs::read_to_string(machine.home().join(name)).unwrap();
    assert!(read("before").contains("Udp: "), "the counters are there: {}", read("before"));
    assert_eq!(read("before"), read("after"));
    assert_ne!(read("after"), read("meter"), "the meter does not count");
}
