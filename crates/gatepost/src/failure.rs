//! How a command ends badly: a sentence for the person, a hint, and the number that scripts look at.

use std::fmt;
use std::process::ExitCode;

/// The exit code of a command. `gatepost --help` lists them; they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Something went wrong: the disk, the network, a server.
    Failed = 1,
    /// The command line or the configuration cannot be used as it is.
    Usage = 2,
    /// It was understood and refused: not found, not allowed, in conflict.
    Refused = 3,
}

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone)]
pub struct Failure {
    pub exit: Exit,
    /// One sentence, lower case; never holds a secret.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The stable code of a refusal by the API.
    pub code: Option<String>,
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None, code: None }
    }

    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, message.to_string())
    }

    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message.to_string())
    }

    pub fn refused(message: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, message.to_string())
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "error": { "message": self.message, "hint": self.hint, "code": self.code, "exit": self.exit as u8 }
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {}", hint.replace('\n', "\n  ")),
            None => Ok(()),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Failures of the application, met by the command line itself: the operator may read the private context.
impl From<gatepost_core::Error> for Failure {
    fn from(error: gatepost_core::Error) -> Self {
        let exit = if error.code().status() < 500 { Exit::Refused } else { Exit::Failed };
        let message = match error.context() {
            Some(context) => format!("{} ({context})", error.detail()),
            None => error.detail().to_owned(),
        };
        Self { exit, message, hint: None, code: Some(error.code().as_str().to_owned()) }
    }
}
