//! What fills the variables of a template.

use std::collections::BTreeMap;

/// The values of one text's variables. No `Debug`: they are what is said.
#[derive(Clone, PartialEq, Eq)]
pub enum Values {
    /// The value of `{{1}}` first.
    Positional(Vec<String>),
    /// By name.
    Named(BTreeMap<String, String>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Positional(Vec::new())
    }
}

impl Values {
    /// The value of a variable.
    pub(super) fn get(&self, variable: &str) -> Option<&str> {
        match self {
            Self::Positional(values) => {
                let index = variable.parse::<usize>().ok()?.checked_sub(1)?;
                values.get(index).map(String::as_str)
            }
            Self::Named(values) => values.get(variable).map(String::as_str),
        }
    }

    /// Every key as a pointer's last step, with the variable it is for.
    pub(super) fn keys(&self) -> Vec<(String, String)> {
        match self {
            Self::Positional(values) => {
                (0..values.len()).map(|index| (index.to_string(), (index + 1).to_string())).collect()
            }
            Self::Named(values) => values.keys().map(|name| (name.clone(), name.clone())).collect(),
        }
    }
}

/// The picture, video or document of a header.
#[derive(Clone, PartialEq, Eq)]
pub enum Media {
    /// Meta's id of an uploaded file.
    Id(String),
    /// Where Meta fetches it.
    Link(String),
}

/// Everything that a template can be filled with.
#[derive(Clone, Default)]
pub struct Parameters {
    pub header: Values,
    pub header_media: Option<Media>,
    pub body: Values,
    /// By the button's place, from 0: the end of a URL, the code to copy, the payload of a quick reply.
    pub buttons: BTreeMap<usize, String>,
}
