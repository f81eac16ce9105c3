//! Values that must never be seen.
//!
//! Defends against: a secret reaching a log line, an error text, a serialised answer or freed memory.
//! Does not defend against: code that calls [`Secret::expose`] and prints the result; core dumps of live memory.

use zeroize::Zeroize;

/// A secret value: no `Debug`, no `Display`, no `Serialize`; wiped when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every call is a place to look at in a review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<'de, T: Zeroize + serde::Deserialize<'de>> serde::Deserialize<'de> for Secret<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl Secret<String> {
    /// The last four characters, for people to recognise a credential by; dots where it is too short to spare them.
    pub fn last4(&self) -> String {
        let count = self.0.chars().count();
        if count < 12 { "····".to_owned() } else { self.0.chars().skip(count - 4).collect() }
    }
}
