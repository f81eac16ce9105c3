#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::SystemEntropy;
use std::os::unix::fs::PermissionsExt as _;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("master.key")
    }

    fn write(&self, text: &str, mode: u32) {
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn key() -> MasterKey {
    MasterKey::generate(&SystemEntropy).unwrap()
}

#[test]
fn a_created_file_is_private_complete_and_loads() {
    let place = Place::new();
    let made = create_file(&place.path(), &SystemEntropy).unwrap();
    let metadata = fs::metadata(place.path()).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o600);
    assert_eq!(place.names(), ["master.key"], "no temporary file is left");
    let loaded = load_file(&place.path()).unwrap();
    assert_eq!(loaded.ids().collect::<Vec<_>>(), [made.primary().id()]);
    assert!(place.text().starts_with("# Gatepost master keys"));
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let place = Place::new();
    place.write("precious", 0o600);
    let error = create_file(&place.path(), &SystemEntropy).unwrap_err();
    assert!(matches!(error, MasterKeyFileError::Exists { .. }), "{error}");
    assert_eq!(place.text(), "precious");
    assert_eq!(place.names(), ["master.key"]);
}

#[test]
fn of_many_creators_one_wins_and_all_others_see_its_key() {
    let place = Place::new();
    let path = place.path();
    let made: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| create_file(&path, &SystemEntropy).ok())).collect();
        workers.into_iter().filter_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(made.len(), 1);
    assert_eq!(load_file(&path).unwrap().primary().id(), made[0].primary().id());
}

#[test]
fn files_that_others_can_reach_are_refused_with_the_remedy() {
    let place = Place::new();
    let value = key().to_hex();
    for mode in [0o640, 0o604, 0o620, 0o610, 0o644, 0o601, 0o666, 0o777] {
        place.write(value.expose(), mode);
        let error = load_file(&place.path()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, MasterKeyFileError::TooOpen { .. }), "{mode:o}: {text}");
        assert!(text.contains(&format!("chmod 600 {}", place.path().display())), "{text}");
        assert!(!text.contains(&value.expose()[..6]));
    }
    for mode in [0o600, 0o400] {
        place.write(value.expose(), mode);
        assert!(load_file(&place.path()).is_ok(), "{mode:o}");
    }
}

#[test]
fn wrong_files_are_refused_with_a_next_step_and_without_their_content() {
    let place = Place::new();
    let missing = load_file(&place.path()).unwrap_err().to_string();
    assert!(missing.contains("does not exist") && missing.contains("backup"), "{missing}");

    let good = key().to_hex();
    let secret = format!("{}\nhunter2-hunter2-hunter2\n", good.expose());
    for (text, expected) in [
        ("", "no master key is given"),
        ("# only a comment\n\n", "no master key is given"),
        (secret.as_str(), "line 2: the value is neither"),
        ("changeme", "line 1: the value holds 6 bytes"),
    ] {
        place.write(text, 0o600);
        let error = load_file(&place.path()).unwrap_err();
        let (shown, debugged) = (error.to_string(), format!("{error:?}"));
        assert!(shown.contains(expected), "{shown}");
        for leaked in ["hunter2", "changeme", &good.expose()[..8]] {
            assert!(!shown.contains(leaked) && !debugged.contains(leaked), "{shown} {debugged}");
        }
    }

    fs::write(place.path(), [0xff, 0xfe, 0x00]).unwrap();
    assert!(matches!(load_file(&place.path()), Err(MasterKeyFileError::NotAKeyFile { .. })));
    fs::write(place.path(), "#".repeat(70_000)).unwrap();
    assert!(matches!(load_file(&place.path()), Err(MasterKeyFileError::NotAKeyFile { .. })));
    assert!(matches!(load_file(place.0.path()), Err(MasterKeyFileError::NotAFile { .. })));
}

#[test]
fn rotation_adds_first_and_drops_later() {
    let place = Place::new();
    let (first, second) = (key(), key());
    place.write(
        &format!("# mine\n\n{}\n# older\n{}", first.to_hex().expose(), second.to_hex().expose()),
        0o600,
    );
    let ring = add_primary(&place.path(), &SystemEntropy).unwrap();
    let new = ring.primary().id();
    assert_eq!(ring.ids().collect::<Vec<_>>(), [new, first.id(), second.id()]);
    assert!(place.text().starts_with("# mine\n\n") && place.text().contains("# older\n"), "comments stay");
    assert_eq!(fs::metadata(place.path()).unwrap().mode() & 0o7777, 0o600);

    let in_use = drop_keys(&place.path(), &[second.id(), new], &SystemEntropy).unwrap_err();
    assert!(matches!(in_use, MasterKeyFileError::InUse { id, .. } if id == new));
    let unknown = drop_keys(&place.path(), &[key().id()], &SystemEntropy).unwrap_err();
    assert!(matches!(unknown, MasterKeyFileError::NotInFile { .. }));
    assert_eq!(load_file(&place.path()).unwrap().ids().count(), 3, "a refusal changes nothing");

    let ring = drop_keys(&place.path(), &[first.id(), second.id()], &SystemEntropy).unwrap();
    assert_eq!(ring.ids().collect::<Vec<_>>(), [new]);
    for old in [&first, &second] {
        assert!(!place.text().contains(old.to_hex().expose()));
    }
    assert_eq!(place.names(), ["master.key"], "no temporary file is left");
}

#[test]
fn rotation_goes_through_a_symbolic_link() {
    let place = Place::new();
    create_file(&place.path(), &SystemEntropy).unwrap();
    let link = place.0.path().join("link");
    std::os::unix::fs::symlink(place.path(), &link).unwrap();
    add_primary(&link, &SystemEntropy).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(load_file(&place.path()).unwrap().ids().count(), 2);
}
