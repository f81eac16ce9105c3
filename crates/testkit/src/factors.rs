//! People who prove themselves by more than a password.

use std::sync::Arc;

use gatepost_app::{SecondFactor, SessionBegun, SignIn};
use gatepost_core::access::{Person, SessionKind};
use gatepost_core::{Clock as _, Error, Secret};
use gatepost_vault::TotpSecret;

use crate::soft_passkey::{Manner, SoftPasskey};
use crate::{PASSWORD, Somebody, World};

/// Where a world's console is, as browsers see it.
pub const ORIGIN: &str = "http://localhost:8080";

impl World {
    /// Whoever holds the token of this session.
    ///
    /// # Panics
    /// When it is over.
    pub async fn person_of(&self, session: &SessionBegun) -> Arc<Person> {
        let token = session.token.expose();
        self.app.person_of_session(token, SessionKind::Console).await.expect("the session is good")
    }

    /// Gives somebody an authenticator app; its secret, and the recovery codes that came with it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn add_app(&self, person: &Person) -> (TotpSecret, Vec<String>) {
        let begun = self.app.totp_enrol(person).await.expect("it begins");
        let app = TotpSecret::parse(begun.secret.expose()).expect("a secret");
        let code = app.code(self.clock.now());
        let added = self.app.totp_confirm(person, &self.caller(), &code).await.expect("it is confirmed");
        (app, added.recovery_codes.iter().map(|code| code.expose().clone()).collect())
    }

    /// Gives somebody a passkey on a device of its own; the recovery codes that came with it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn add_passkey(&self, person: &Person) -> (SoftPasskey, Vec<String>) {
        let start = self.app.passkey_make_start(person).await.expect("it begins");
        let (device, answer) = SoftPasskey::make(&start.options, ORIGIN, &Manner::default());
        let caller = self.caller();
        let made = self.app.passkey_make_finish(person, &caller, start.ticket.expose(), &answer, "My key");
        let added = made.await.expect("it is kept");
        (device, added.recovery_codes.iter().map(|code| code.expose().clone()).collect())
    }

    /// Signs in with a passkey alone.
    pub async fn sign_in_by(&self, device: &mut SoftPasskey) -> Result<SessionBegun, Error> {
        let start = self.app.sign_in_passkey_start().await?;
        let answer = device.answer(&start.options, ORIGIN, &Manner::default());
        self.app.sign_in_passkey(&self.caller(), SessionKind::Console, start.ticket.expose(), &answer).await
    }

    /// The first step of a sign-in; the ticket to go on with.
    ///
    /// # Panics
    /// When that is all it takes.
    pub async fn half_sign_in(&self, somebody: &Somebody) -> Secret<String> {
        let (caller, password) = (self.caller(), Secret::new(PASSWORD.to_owned()));
        let step = self.app.sign_in_password(&caller, SessionKind::Console, &somebody.email, &password);
        match step.await.expect("the password is right") {
            SignIn::SecondFactor { ticket } => ticket,
            SignIn::Done(_) => panic!("no second factor is asked for"),
        }
    }

    /// The second step.
    pub async fn second_step(
        &self,
        ticket: &Secret<String>,
        proof: SecondFactor,
    ) -> Result<SessionBegun, Error> {
        let caller = self.caller();
        self.app.sign_in_second_factor(&caller, SessionKind::Console, ticket.expose(), &proof).await
    }
}
