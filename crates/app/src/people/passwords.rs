//! Password hashing beside the runtime, a few at a time: each hash takes 19 MiB and tens of milliseconds.

use gatepost_core::{Code, Error, FieldError, Result, Secret};
use gatepost_vault::password::{
    PasswordRules, hash_password, new_password_check, verify_nobody, verify_password,
};
use tokio::sync::Semaphore;

use crate::App;

/// Hashes under way at once; more wait.
const AT_ONCE: usize = 4;

/// Who may hash.
pub(crate) struct Hashing(Semaphore);

impl Default for Hashing {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Hashing {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.0.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// Whether a new password may be chosen; it may be shorter where the account has a second factor. `context`: names that it
/// must not be made of.
///
/// Errors: `password_refused`, with why at the field `/password`.
pub(crate) fn password_admit(password: &Secret<String>, second_factor: bool, context: &[&str]) -> Result<()> {
    new_password_check(password, &PasswordRules { second_factor, context }).map_err(|fault| {
        let field = FieldError::new("/password", fault.code(), fault.to_string());
        Error::new(Code::PasswordRefused, fault.to_string()).with_fields(vec![field])
    })
}

impl App {
    /// The PHC string of a password.
    pub(crate) async fn password_hash(&self, password: &Secret<String>) -> Result<String> {
        let (password, entropy) =
            (Secret::new(password.expose().clone()), std::sync::Arc::clone(&self.0.entropy));
        let hashed = self.0.people.hashing.run(move || hash_password(&password, entropy.as_ref())).await?;
        hashed.map_err(Error::internal)
    }

    /// Whether a password is the one of a PHC string. A stored text that is no hash opens nothing.
    pub(crate) async fn password_verify(&self, password: &Secret<String>, stored: String) -> Result<bool> {
        let password = Secret::new(password.expose().clone());
        let verified = self.0.people.hashing.run(move || verify_password(&password, &stored)).await?;
        Ok(verified.unwrap_or(false))
    }

    /// The same work where there is nothing to verify against; false.
    pub(crate) async fn password_verify_nobody(&self, password: &Secret<String>) -> Result<bool> {
        let password = Secret::new(password.expose().clone());
        let verified = self.0.people.hashing.run(move || verify_nobody(&password)).await?;
        Ok(verified.unwrap_or(false))
    }
}
