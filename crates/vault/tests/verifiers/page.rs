//! The page shows the very files that are tested.

use crate::{checked_in, docs};

/// Where the page shows a file: a comment with its name, and the code block after it.
const MARK: &str = "<!-- verify/";

#[test]
fn the_page_holds_the_files_word_for_word() {
    let path = docs().join("webhooks.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut now = String::with_capacity(page.len());
    let mut shown = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        now.push_str(line);
        now.push('\n');
        let Some(name) = line.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let opening = lines.next().unwrap_or_default();
        assert!(opening.starts_with("```"), "{name}: a code block follows its mark");
        let closing = lines.by_ref().find(|line| *line == "```");
        assert!(closing.is_some(), "{name}: its code block does not end");
        let text = std::fs::read_to_string(docs().join("verify").join(name)).unwrap();
        now.extend([opening, "\n", text.trim_end(), "\n```\n"]);
        shown.push(name.to_owned());
    }
    checked_in(&path, &now);

    let mut files: Vec<String> = std::fs::read_dir(docs().join("verify"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.to_lowercase().starts_with("verify"))
        .collect();
    files.sort();
    shown.sort();
    assert_eq!(shown, files, "every verifier is on the page");
}
