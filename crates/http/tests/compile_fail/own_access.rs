//! Nobody else declares an access: the trait is sealed.
use gatepost_http::access::{Access, Rule};

pub struct Mine;

impl Access for Mine {
    const RULE: Rule = Rule::Public;
}
