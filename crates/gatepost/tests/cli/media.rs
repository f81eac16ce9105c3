//! Files by hand, beside a running server.

use std::fs;

use crate::support::Machine;

#[test]
fn a_file_goes_up_and_comes_down_the_same() {
    let machine = Machine::new();
    let _server = machine.serve();
    let key = machine.set_up();
    let (up, down) = (machine.home().join("Größen 1.PDF"), machine.home().join("down.pdf"));
    let file: Vec<u8> =
        b"%PDF-1.7\n".iter().copied().chain((0..300_000_u32).map(|n| n.to_be_bytes()[2])).collect();
    fs::write(&up, &file).unwrap();
    let (up, at) = (up.to_str().unwrap(), down.to_str().unwrap());
    let made = machine.run(&["media", "upload", up, "--key", &key, "--json"]).ok().json();
    assert_eq!((made["filename"].as_str(), made["size"].as_u64()), (Some("Größen 1.PDF"), Some(300_009)));
    let id = made["id"].as_str().unwrap();
    let said = machine.run(&["media", "fetch", id, "-o", at, "--key", &key]).ok();
    assert!(said.out.contains("300009 bytes"), "{}", said.out);
    assert_eq!(fs::read(&down).unwrap(), file);
    let again = machine.run(&["media", "fetch", id, "-o", at, "--key", &key]);
    assert_eq!(again.code, Some(2), "nothing is written over: {}", again.err);

    let wrong = machine.run(&["media", "upload", up, "--type", "image/png", "--key", &key]);
    assert_eq!(wrong.code, Some(3), "{}", wrong.err);
    assert!(wrong.err.contains("image/png"), "{}", wrong.err);
    let unknown = machine.run(&["media", "upload", up, "--type", "text/html", "--key", &key]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.err);

    machine.run(&["media", "delete", id, "--key", &key]).ok();
    let elsewhere = machine.home().join("elsewhere.pdf");
    let gone = machine.run(&["media", "fetch", id, "-o", elsewhere.to_str().unwrap(), "--key", &key]);
    assert_eq!(gone.code, Some(3), "{}", gone.err);
    let left = fs::read_dir(machine.home()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("elsewhere")
    });
    assert_eq!(left.count(), 0, "no half of a file is left");
}
