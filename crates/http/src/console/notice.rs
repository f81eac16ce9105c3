//! What the page after a form says was done.
//!
//! The word travels in a cookie for as long as one redirect takes; the text is ours, whatever the cookie says.

macro_rules! notices {
    ($($name:ident = $word:literal, $text:literal;)*) => {
        /// Something that was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Notice {$(#[doc = $text] $name,)*}

        impl Notice {
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn word(self) -> &'static str {
                match self {$(Self::$name => $word,)*}
            }

            pub const fn text(self) -> &'static str {
                match self {$(Self::$name => $text,)*}
            }

            /// The one of that word; `None` for any other text.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

notices! {
    KeyRevoked = "key_revoked", "The key is revoked. It no longer opens anything.";
    AllowlistSaved = "allowlist_saved", "The list is saved and binds the next request.";
    InvitationSent = "invitation_sent", "The invitation is on its way.";
    InvitationRevoked = "invitation_revoked", "The invitation is taken back. Its link opens nothing any more.";
    RoleChanged = "role_changed", "The role is saved and binds the next request.";
    MemberRemoved = "member_removed", "The member is removed and locked out everywhere.";
    HandedOver = "handed_over", "The workspace is handed over. You are an admin now.";
    SettingsSaved = "settings_saved", "The settings are saved.";
    WorkspaceDeleted = "workspace_deleted", "The workspace is deleted. Nobody and no key opens it any more.";
    WorkspaceLeft = "workspace_left", "You left the workspace.";
    Joined = "joined", "Welcome. You are a member now.";
    AppAdded = "app_added", "The authenticator app is on. Its codes are asked for after your password.";
    AppRemoved = "app_removed", "The authenticator app is removed, and your other sessions have ended.";
    PasskeyAdded = "passkey_added", "The passkey is kept. It signs you in alone.";
    PasskeyRenamed = "passkey_renamed", "The passkey has its new name.";
    PasskeyRemoved = "passkey_removed", "The passkey is removed, and your other sessions have ended.";
    CodesMade = "codes_made", "You have new recovery codes.";
    LinkAsked = "link_asked", "If this address has an account, a link is on its way. It works for an hour.";
    PasswordSet = "password_set", "Your new password is set. Sign in with it.";
    PasswordChanged = "password_changed", "Your password is changed, and your other sessions are over.";
    AddressAsked = "address_asked", "A link is on its way to the new address. It works for a day.";
    EmailConfirmed = "email_confirmed", "The new address is the one of your account.";
    EmailRestored = "email_restored", "The old address is the one of your account again. Now set a new password.";
    AccountLinked = "account_linked", "The account is linked. You can sign in with it from now on.";
    AccountUnlinked = "account_unlinked", "The account is unlinked. Sessions elsewhere have ended.";
    Proved = "proved", "Thank you. For five minutes you may go on.";
    ProviderAdded = "provider_added", "The provider is added. Register its redirect URI at the provider.";
    ProviderSaved = "provider_saved", "The provider is saved and binds the next request.";
    ProviderRemoved = "provider_removed", "The provider is removed. What it opened has ended.";
    SignInOver = "sign_in_over", "That sign-in did not work, or took too long. Begin again.";
    SessionEnded = "session_ended", "The session is over. Its browser is signed out from the next second on.";
    SessionsEnded = "sessions_ended", "All other sessions are over.";
    WorkspaceMade = "workspace_made", "The workspace is made.";
    SendingPaused = "sending_paused", "Sending is paused. The owners see why.";
    SendingResumed = "sending_resumed", "The workspace may send again.";
    ReviewSaved = "review_saved", "The review is saved.";
    PlanSaved = "plan_saved", "The plan is saved and binds the next request.";
    VisitOpened = "visit_opened", "The visit is open. The owners see it.";
    VisitEnded = "visit_ended", "The visit is over. The next request is refused.";
    OperatorSaved = "operator_saved", "The role is saved.";
    ThemeSaved = "theme_saved", "The appearance is saved in this browser.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_fit_for_a_cookie() {
        for notice in Notice::ALL {
            let word = notice.word();
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{word}");
            assert_eq!(Notice::parse(word), Some(*notice));
            assert!(notice.text().ends_with('.'));
        }
        assert_eq!(Notice::parse("<script>"), None);
    }
}
