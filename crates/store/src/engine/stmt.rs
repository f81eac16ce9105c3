//! Statements: SQL texts with a name, one for both engines wherever it can be.
//!
//! Texts are written with `$n`. SQLite would number `$n` by first appearance (and silently swap arguments), so its form
//! is rewritten once to `?n`, outside literals, quoted names and comments.

use std::sync::OnceLock;

use super::EngineKind;

/// A SQL statement. Always a `static`, declared with [`statements!`](crate::statements): its address is the key of the
/// prepared-statement cache, its name is what errors call it.
#[derive(Debug)]
pub struct Stmt {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    rewritten: OnceLock<String>,
    writes: OnceLock<bool>,
}

impl Stmt {
    /// One text that means the same on both engines.
    pub const fn same(name: &'static str, sql: &'static str) -> Self {
        Self::per(name, sql, sql)
    }

    /// Two texts with the same parameters and columns, for the few places where the engines differ.
    pub const fn per(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self { name, sqlite, postgres, rewritten: OnceLock::new(), writes: OnceLock::new() }
    }

    /// The name in errors and tests.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text as the engine reads it.
    pub fn sql(&self, kind: EngineKind) -> &str {
        match kind {
            EngineKind::Sqlite => self.rewritten.get_or_init(|| question_marks(self.sqlite)),
            EngineKind::Postgres => self.postgres,
        }
    }

    /// Whether the statement may change rows or take row locks (by its words: a false alarm is harmless, it costs a
    /// failed closure its cheap way out).
    pub(super) fn writes(&self) -> bool {
        *self.writes.get_or_init(|| has_writing_word(self.postgres))
    }
}

/// Declares the statements of a module, and `ALL`, the list that the prepare test reads.
///
/// ```
/// gatepost_store::statements! {
///     /// Takes note of a workspace.
///     pub(crate) WORKSPACE_INSERT = same("INSERT INTO workspace (id, name) VALUES ($1, $2)");
///     pub(crate) JOB_CLAIM = per(
///         "SELECT id FROM job ORDER BY id LIMIT $1",
///         "SELECT id FROM job ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
///     );
/// }
/// assert_eq!(ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! statements {
    ($($(#[$meta:meta])* $vis:vis $name:ident = $form:ident($($sql:expr),+ $(,)?);)+) => {
        $(
            $(#[$meta])*
            $vis static $name: $crate::engine::Stmt = $crate::engine::Stmt::$form(stringify!($name), $($sql),+);
        )+
        /// Every statement of this module, for the test that prepares them on both engines.
        pub(crate) static ALL: &[&$crate::engine::Stmt] = &[$(&$name),+];
    };
}

/// A stretch of SQL: either code, or something that only looks like it.
#[derive(Debug, PartialEq, Eq)]
enum Stretch<'s> {
    Code(&'s str),
    /// A string literal, a quoted name or a comment, delimiters included.
    Quoted(&'s str),
}

/// Cuts SQL into stretches. Doubled quotes need no care: they read as two literals side by side.
fn stretches(mut sql: &str) -> impl Iterator<Item = Stretch<'_>> {
    std::iter::from_fn(move || {
        if sql.is_empty() {
            return None;
        }
        let ends = |open: usize, close: &str| {
            sql[open..].find(close).map_or(sql.len(), |at| open + at + close.len())
        };
        let quoted = match sql.as_bytes() {
            [b'\'', ..] => Some(ends(1, "'")),
            [b'"', ..] => Some(ends(1, "\"")),
            [b'-', b'-', ..] => Some(ends(2, "\n")),
            [b'/', b'*', ..] => Some(ends(2, "*/")),
            _ => None,
        };
        let end = quoted.unwrap_or_else(|| {
            let starts = ["'", "\"", "--", "/*"].into_iter().filter_map(|mark| sql.find(mark));
            starts.min().unwrap_or(sql.len())
        });
        let (head, tail) = sql.split_at(end);
        sql = tail;
        Some(if quoted.is_some() { Stretch::Quoted(head) } else { Stretch::Code(head) })
    })
}

fn question_marks(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for stretch in stretches(sql) {
        match stretch {
            Stretch::Quoted(text) => out.push_str(text),
            Stretch::Code(text) => {
                let mut rest = text.chars().peekable();
                while let Some(c) = rest.next() {
                    let parameter = c == '$' && rest.peek().is_some_and(char::is_ascii_digit);
                    out.push(if parameter { '?' } else { c });
                }
            }
        }
    }
    out
}

fn has_writing_word(sql: &str) -> bool {
    const READS: [&str; 3] = ["SELECT", "WITH", "VALUES"];
    const WRITES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];
    let is = |word: &str, list: &[&str]| list.iter().any(|w| w.eq_ignore_ascii_case(word));
    let code = stretches(sql).filter_map(|stretch| match stretch {
        Stretch::Code(text) => Some(text),
        Stretch::Quoted(_) => None,
    });
    let mut words = code
        .flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .filter(|word| !word.is_empty());
    words.next().is_none_or(|first| !is(first, &READS)) || words.any(|word| is(word, &WRITES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_rewritten_outside_quotes_only() {
        let sql = "SELECT '$1 it''s $2', \"$3\", $2, $10 /* $4 */ -- $5\n FROM t WHERE a=$1 AND b='$'";
        assert_eq!(
            question_marks(sql),
            "SELECT '$1 it''s $2', \"$3\", ?2, ?10 /* $4 */ -- $5\n FROM t WHERE a=?1 AND b='$'"
        );
        assert_eq!(question_marks("SELECT 'open $1"), "SELECT 'open $1");
        assert_eq!(question_marks("a -- $1"), "a -- $1");
        assert_eq!(question_marks("x / $1 - $2"), "x / ?1 - ?2");
    }

    #[test]
    fn writing_statements_are_known_by_their_words() {
        for sql in [
            "INSERT INTO t VALUES ($1)",
            "  update t set a = 1",
            "WITH x AS (DELETE FROM t RETURNING id) SELECT id FROM x",
            "SELECT id FROM t FOR UPDATE",
            "CREATE TABLE t (a BIGINT)",
        ] {
            assert!(has_writing_word(sql), "{sql}");
        }
        for sql in [
            "SELECT updated_at, 'DELETE' FROM t -- INSERT",
            "(SELECT 1)",
            "WITH x AS (SELECT 1) SELECT * FROM x",
        ] {
            assert!(!has_writing_word(sql), "{sql}");
        }
    }
}
