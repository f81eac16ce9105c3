//! Builds `data/breached.bin` anew from lists of passwords, one on a line; `data/README.md` says which and how.
//!
//! `cargo run -p gatepost-vault --example breached_filter -- crates/vault/data/breached.bin LIST…`

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

use gatepost_vault::password::breached;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args_os().skip(1);
    let out = arguments.next().ok_or("give the file to write, then the lists to read")?;
    let mut entries = BTreeSet::new();
    for list in arguments {
        // Breached passwords are of every encoding; what is no UTF-8 cannot be typed here either.
        let bytes = fs::read(&list)?;
        let before = entries.len();
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        entries.extend(lines.map(|line| line.trim_end_matches('\r').to_owned()));
        writeln!(io::stdout(), "{}: {} new", Path::new(&list).display(), entries.len() - before)?;
    }
    let filter = breached::build(entries.iter().map(String::as_str)).ok_or("too many entries")?;
    fs::write(&out, &filter)?;
    writeln!(io::stdout(), "{} entries, {} bytes", breached::entries_of(&filter), filter.len())?;
    Ok(())
}
