//! Secrets that the configuration names by file, as `mail.password_file` does.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use gatepost_core::Secret;

/// Longest secret that is read, bytes.
const SECRET_MAX: u64 = 4_096;

/// The first line of a file, without its end. Errors tell what is wrong with the file and nothing of what is in it.
pub fn first_line(path: &Path) -> Result<Secret<String>, String> {
    let fail = |why: &dyn std::fmt::Display| format!("{} cannot be used: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|error| fail(&error))?;
    let mut line = Vec::new();
    let read = BufReader::new(file.take(SECRET_MAX + 1)).read_until(b'\n', &mut line);
    let line = Secret::new(line);
    read.map_err(|error| fail(&error))?;
    if u64::try_from(line.expose().len()).is_ok_and(|length| length > SECRET_MAX) {
        return Err(fail(&format_args!("its first line is longer than {SECRET_MAX} bytes")));
    }
    let text = std::str::from_utf8(line.expose()).map_err(|_| fail(&"its first line is not UTF-8"))?;
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    if secret.expose().is_empty() { Err(fail(&"its first line is empty")) } else { Ok(secret) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_first_line_and_nothing_of_it_in_errors() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret");
        let read = |content: &[u8]| {
            std::fs::write(&file, content).unwrap();
            first_line(&file).map(|secret| secret.expose().clone())
        };
        assert_eq!(read(b"correct horse\r\nanother line\n").unwrap(), "correct horse");
        assert_eq!(read(b" spaces count \n").unwrap(), " spaces count ");
        assert_eq!(read(&[b'x'; 4_096]).unwrap().len(), 4_096);
        for (content, why) in [
            (b"\nhunter2".to_vec(), "first line is empty"),
            (Vec::new(), "first line is empty"),
            (b"hunter2\xff\n".to_vec(), "not UTF-8"),
            (b"hunter2".repeat(700), "longer than"),
        ] {
            let said = read(&content).unwrap_err();
            assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        }
        let missing = first_line(&directory.path().join("none")).err().unwrap();
        assert!(missing.contains("cannot be used"), "{missing}");
    }
}
