#![expect(clippy::unwrap_used, reason = "tests")]
use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

#[test]
fn the_table_holds_nouns_and_verbs_once() {
    let names: BTreeSet<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    assert_eq!(names.len(), Action::ALL.len());
    for action in Action::ALL {
        let (noun, verb) = action.as_str().split_once('.').unwrap();
        assert_eq!(action.family(), noun);
        assert!(!verb.is_empty() && !verb.contains('.'), "{action}");
        assert_eq!(Action::parse(action.as_str()), Some(*action));
        assert!(action.meaning().ends_with('.'), "{action}: a meaning is a sentence");
    }
}

#[test]
fn text_that_acts_is_written_out() {
    for (text, shown) in [
        ("a\r\nADMIN logged in", "a\\u{000d}\\u{000a}ADMIN logged in"),
        ("\x1b[31mred\x07", "\\u{001b}[31mred\\u{0007}"),
        ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
        ("a\u{2028}b\u{200b}\u{feff}", "a\\u{2028}b\\u{200b}\\u{feff}"),
        ("\0\u{85}\u{9b}1m", "\\u{0000}\\u{0085}\\u{009b}1m"),
        ("Ünïcode 日本 🙂", "Ünïcode 日本 🙂"),
    ] {
        assert_eq!(inert(text), shown);
    }
    for long in ["x".repeat(TEXT_MAX + 1), "\n".repeat(TEXT_MAX), "é\n".repeat(100)] {
        let once = inert(&long);
        assert!(once.chars().count() <= TEXT_MAX + 1 && once.ends_with('…'), "{once}");
        assert_eq!(inert(&once), once);
    }
}

#[test]
fn no_cell_begins_a_formula() {
    for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
        let cell = csv_cell(text);
        let inside = cell.strip_prefix('"').unwrap();
        assert!(!inside.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell}");
    }
    assert_eq!(csv_cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
    assert!(!csv_cell("a\nb").contains('\n'));
}

fn entry() -> AuditEntry {
    let at = Timestamp::from_seconds(1_793_525_400);
    let key = ApiKeyId::from_uuid(Uuid::from_u128(7));
    let target = ("api_key", "key_\r\nforged".to_owned());
    AuditEntry::new(
        AuditId::from_uuid(Uuid::from_u128(1)),
        at,
        Actor::ApiKey(key),
        Action::ApiKeyRevoked,
        target,
    )
}

#[test]
fn an_entry_becomes_harmless_when_it_is_recorded() {
    let mut entry = entry().made("name", "\u{202e}x").was("state", "a\nb");
    entry.change("same", "1", "1");
    entry.change("other", "1", "2");
    let record = entry.refused(Code::Conflict).record(WorkspaceId::from_uuid(Uuid::max()), 4);
    assert_eq!(record.target, "key_\\u{000d}\\u{000a}forged");
    assert_eq!(
        (record.after.get("name"), record.before.get("state")),
        (Some("\\u{202e}x"), Some("a\\u{000a}b"))
    );
    assert_eq!((record.before.get("same"), record.after.get("other")), (None, Some("2")));
    assert_eq!(record.outcome, "conflict");
    let line =
        serde_json::to_string(&ExportLine::Entry(Box::new(ExportEntry::new(record.clone(), Some(&[9; 32])))))
            .unwrap();
    let ExportLine::Entry(back) = serde_json::from_str(&line).unwrap() else { unreachable!("{line}") };
    assert_eq!((&back.record, back.hash().unwrap()), (&record, Some([9; 32])));
}

#[test]
fn facts_show_names_that_are_there_twice() {
    let once = Facts::parse(r#"{"a":"1","b":"2"}"#).unwrap();
    assert_eq!(Facts::parse(r#" { "b" : "2", "a" : "\u0031" } "#).unwrap(), once, "writing is no content");
    assert_ne!(Facts::parse(r#"{"a":"0","a":"1","b":"2"}"#).unwrap(), once);
    for wrong in ["", "[]", "{\"a\":1}", "{\"a\":null}", "{} x"] {
        assert_eq!(Facts::parse(wrong), None, "{wrong}");
    }
    assert_eq!(Facts::parse(&once.to_json()), Some(once));
}

/// Reads the encoding back. That this works for every record shows that no two records share an encoding.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (head, tail) = self.0.split_first_chunk::<N>().unwrap();
        self.0 = tail;
        *head
    }

    fn length(&mut self) -> usize {
        usize::try_from(u64::from_be_bytes(self.bytes())).unwrap()
    }

    fn text(&mut self) -> String {
        let length = self.length();
        let (head, tail) = self.0.split_at(length);
        self.0 = tail;
        String::from_utf8(head.to_vec()).unwrap()
    }

    fn option(&mut self) -> Option<String> {
        (self.bytes::<1>() == [1]).then(|| self.text())
    }

    fn facts(&mut self) -> Vec<(String, String)> {
        (0..self.length()).map(|_| (self.text(), self.text())).collect()
    }
}

fn decode(bytes: &[u8]) -> (AuditRecord, Hash) {
    let mut reader = Reader(bytes.strip_prefix(b"gatepost audit entry v1\0").unwrap());
    let workspace_id = WorkspaceId::from_uuid(Uuid::from_bytes(reader.bytes()));
    let seq = i64::from_be_bytes(reader.bytes());
    let previous = reader.bytes();
    let id = AuditId::from_uuid(Uuid::from_bytes(reader.bytes()));
    let at = Timestamp::from_micros(i64::from_be_bytes(reader.bytes()));
    let [actor, action, target_kind, target, outcome] = [(); 5].map(|()| reader.text());
    let [credential, mode, source, request] = [(); 4].map(|()| reader.option());
    let facts = [(); 3].map(|()| {
        let pairs = reader.facts();
        let object: Vec<String> = pairs
            .iter()
            .map(|(n, v)| {
                format!("{}:{}", serde_json::to_string(n).unwrap(), serde_json::to_string(v).unwrap())
            })
            .collect();
        Facts::parse(&format!("{{{}}}", object.join(","))).unwrap()
    });
    let [before, after, details] = facts;
    assert!(reader.0.is_empty(), "nothing is left over");
    let record = AuditRecord {
        workspace_id,
        seq,
        id,
        at,
        actor,
        credential,
        action,
        target_kind,
        target,
        mode,
        before,
        after,
        details,
        outcome,
        source,
        request,
    };
    (record, previous)
}

/// Texts that are likely to be taken for one another when they stand side by side.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ab\\x00]{0,3}", ".{0,12}"]
}

fn facts() -> impl Strategy<Value = Facts> {
    proptest::collection::vec((words(), words()), 0..3).prop_map(|pairs| {
        let object: Vec<String> = pairs
            .iter()
            .map(|(n, v)| {
                format!("{}:{}", serde_json::to_string(n).unwrap(), serde_json::to_string(v).unwrap())
            })
            .collect();
        Facts::parse(&format!("{{{}}}", object.join(","))).unwrap()
    })
}

fn records() -> impl Strategy<Value = AuditRecord> {
    let texts = proptest::array::uniform5(words());
    let options = proptest::array::uniform4(proptest::option::of(words()));
    let facts = (facts(), facts(), facts());
    (any::<(u128, i64, u128, i64)>(), texts, options, facts).prop_map(|(fixed, texts, options, facts)| {
        let (workspace, seq, id, at) = fixed;
        let [actor, action, target_kind, target, outcome] = texts;
        let [credential, mode, source, request] = options;
        let (before, after, details) = facts;
        AuditRecord {
            workspace_id: WorkspaceId::from_uuid(Uuid::from_u128(workspace)),
            seq,
            id: AuditId::from_uuid(Uuid::from_u128(id)),
            at: Timestamp::from_micros(at),
            actor,
            credential,
            action,
            target_kind,
            target,
            mode,
            before,
            after,
            details,
            outcome,
            source,
            request,
        }
    })
}

proptest! {
    #[test]
    fn no_two_entries_share_an_encoding(record in records(), previous in any::<[u8; 32]>()) {
        prop_assert_eq!(decode(&record.encode(&previous)), (record, previous));
    }

    #[test]
    fn inert_text_stays_as_it_is(text in "\\PC{0,40}|.{0,40}") {
        let once = inert(&text);
        prop_assert_eq!(inert(&once), once.clone());
        prop_assert!(!once.chars().any(char::is_control));
    }
}
