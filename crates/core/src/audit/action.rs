//! The one table of audited actions.

use std::fmt;

macro_rules! actions {
    ($($variant:ident = $name:literal, $meaning:literal;)*) => {
        /// What an audit entry can tell of. An action that is not in this table cannot be audited, so it does not
        /// compile; a test drives each of them and looks for its one entry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {$(#[doc = $meaning] $variant,)*}

        impl Action {
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// `noun.verb`, the verb in the past tense.
            pub const fn as_str(self) -> &'static str {
                match self {$(Action::$variant => $name,)*}
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self {$(Action::$variant => $meaning,)*}
            }

            pub fn parse(text: &str) -> Option<Action> {
                Action::ALL.iter().copied().find(|action| action.as_str() == text)
            }
        }
    };
}

actions! {
    // the installation
    ServerStarted = "server.started", "A process began to serve; the exceptions to the egress policy are named.";
    VaultRotated = "vault.rotated", "The data keys were moved under the current master key, or old master keys let go of.";
    OperatorRefused = "operator.refused", "A system user who is not the operator was turned away at the operator's socket.";

    // the log itself
    AuditChainBegun = "audit.chain_begun", "From here on entries are chained; the hash covers those before it too.";
    AuditExported = "audit.exported", "The audit log was exported.";

    // people
    UserCreated = "user.created", "Somebody got an account.";
    UserDisabled = "user.disabled", "An operator closed an account: its person can no longer sign in, and is signed out everywhere.";
    UserEnabled = "user.enabled", "An operator opened an account again.";
    SessionBegun = "session.begun", "A person signed in; the proofs are named.";
    PasswordChanged = "password.changed", "A password was set anew, by its owner or by a link.";
    EmailChangeAsked = "email.change_asked", "A person asked for another e-mail address; a link went there.";
    EmailChanged = "email.changed", "The e-mail address of an account was changed, or the change taken back.";
    UserRecovered = "user.recovered", "The operator made a link with which a person sets a new password.";
    SessionEnded = "session.ended", "A person signed out, or a session was ended by hand.";
    FactorAdded = "factor.added", "A person added a passkey or an authenticator app to their account.";
    FactorRemoved = "factor.removed", "A person removed a passkey or the authenticator app from their account.";
    PasskeyRenamed = "passkey.renamed", "A person gave a passkey another name.";
    PasskeyRefused = "passkey.refused", "A passkey did not open: its counter did not grow, so two devices may hold the same key.";
    RecoveryCodesMade = "recovery_codes.made", "A person made new recovery codes; the old ones are void.";
    RecoveryCodeUsed = "recovery_code.used", "A person used up a recovery code; how many are left is named.";
    SessionsEnded = "sessions.ended", "A person ended all their sessions but the one they were in.";
    SessionProved = "session.proved", "A person proved again who they are; the proofs are named.";
    SignInRefused = "sign_in.refused", "A proof of who somebody is was wrong.";
    SetupTokenMade = "setup.token_made", "The operator made a token to set the installation up with; older ones are void.";
    SetupCompleted = "setup.completed", "The installation was set up: its first operator and owner, and their workspace.";

    // workspaces
    WorkspaceCreated = "workspace.created", "A workspace was made.";
    WorkspaceUpdated = "workspace.updated", "The workspace's name or its rules for members were changed.";
    WorkspaceDeleted = "workspace.deleted", "An owner deleted the workspace: nobody and no key opens it any more.";
    WorkspaceDestroyed = "workspace.destroyed", "The grace of a deleted workspace was over: its keys are destroyed, and its rows follow.";
    WorkspaceRestored = "workspace.restored", "An operator took the deletion of a workspace back.";
    WorkspaceVisited = "workspace.visited", "The operator asked for something inside the workspace; the route is named, and the visit.";
    WorkspaceSendingPaused = "workspace.sending_paused", "The operator paused the workspace's sending.";
    WorkspaceSendingResumed = "workspace.sending_resumed", "The operator let the workspace send again.";
    WorkspaceReviewChanged = "workspace.review_changed", "The operator put the workspace under review, or ended the review.";
    WorkspacePlanChanged = "workspace.plan_changed", "The operator gave the workspace another plan.";

    // operators
    OperatorVisitOpened = "operator_visit.opened", "An operator opened a visit of the workspace; reason and end are named.";
    OperatorVisitEnded = "operator_visit.ended", "A visit was ended before its time.";
    OperatorRoleChanged = "operator.role_changed", "Somebody became an operator, another kind of operator, or none any more.";
    OperatorLogRead = "operator_log.read", "An operator looked through a log across workspaces; the filter is named.";

    // members
    MemberInvited = "member.invited", "Somebody was invited to the workspace.";
    InvitationResent = "invitation.resent", "An invitation was given a new link; the one before is void.";
    InvitationRevoked = "invitation.revoked", "An invitation was taken back.";
    MemberRoleChanged = "member.role_changed", "A member was given another role.";
    MemberRemoved = "member.removed", "A member was removed from the workspace.";
    MemberLeft = "member.left", "A member left the workspace.";
    OwnershipTransferred = "ownership.transferred", "An owner made another member an owner in their place.";
    MemberJoined = "member.joined", "Somebody became a member of the workspace.";

    // identity providers
    IdentityLinked = "identity.linked", "A person linked an account at an identity provider.";
    IdentityUnlinked = "identity.unlinked", "A person took an account at an identity provider off theirs.";
    IdentityProviderCreated = "identity_provider.created", "An identity provider was added.";
    IdentityProviderUpdated = "identity_provider.updated", "An identity provider was changed, or made the only way in.";
    IdentityProviderDeleted = "identity_provider.deleted", "An identity provider was removed.";
    IdentityProviderRefused = "identity_provider.refused", "A sign-in through an identity provider failed; the reason is named.";
    IdentityProviderBypassed = "identity_provider.bypassed", "An owner entered with proofs of their own, around the provider that is the only way in for others.";

    // credentials
    ApiKeyCreated = "api_key.created", "An API key was made.";
    ApiKeyRotated = "api_key.rotated", "An API key was replaced by a new one.";
    ApiKeyRevoked = "api_key.revoked", "An API key was revoked.";
    ApiKeyRefused = "api_key.refused", "A key with a known id did not open: its secret was wrong, or its time is over.";
    ApiKeyAllowlistChanged = "api_key.allowlist_changed", "The addresses from which a key may be used were changed.";
    IpAllowlistChanged = "ip_allowlist.changed", "The addresses from which keys of a mode may be used were changed.";
    CorsOriginsChanged = "cors_origins.changed", "The web pages that may use test keys were changed.";
    RateLimitChanged = "rate_limit.changed", "The rate limit of a workspace or of a key was changed.";
    AccessTokenIssued = "access_token.issued", "A session or a key was exchanged for an access token, with a token to renew it.";
    AccessTokenRevoked = "access_token.revoked", "An access token and the tokens that renew it were revoked by their holder.";
    RefreshTokenRefused = "refresh_token.refused", "A token that renews access tokens was presented a second time: all that came from the same exchange are void.";
    RequestRefused = "request.refused", "Somebody was refused what their credential does not allow.";

    // Meta apps
    MetaAppCreated = "meta_app.created", "A Meta app was added.";
    MetaAppUpdated = "meta_app.updated", "A Meta app was changed.";
    MetaAppDeleted = "meta_app.deleted", "A Meta app was removed.";
    CallbackRefused = "callback.refused", "A callback under a Meta app had a wrong signature or verify token.";

    // channels
    ChannelCreated = "channel.created", "A channel was added.";
    ChannelUpdated = "channel.updated", "A channel's name, token or use was changed.";
    ChannelDeleted = "channel.deleted", "A channel was removed.";
    ChannelRegistered = "channel.registered", "Meta was asked to register the number.";
    ChannelDeregistered = "channel.deregistered", "Meta was asked to end the number's use.";
    ChannelCodeRequested = "channel.code_requested", "Meta was asked to bring a verification code to the number.";
    ChannelVerified = "channel.verified", "A verification code of the number was given to Meta.";
    ChannelPinSet = "channel.pin_set", "The number's two-step PIN was set at Meta.";
    ChannelSettingsChanged = "channel.settings_changed", "A setting of the number was changed at Meta.";
    ChannelProfileChanged = "channel.profile_changed", "The number's business profile was changed at Meta.";
    ChannelSubscribed = "channel.subscribed", "The Meta app was subscribed to the account, or callbacks redirected.";
    ChannelUnsubscribed = "channel.unsubscribed", "The Meta app's subscription to the account was ended.";

    // templates
    TemplateCreated = "template.created", "A template was drafted.";
    TemplateUpdated = "template.updated", "A template was changed.";
    TemplateDeleted = "template.deleted", "A template was deleted.";
    TemplateSubmitted = "template.submitted", "A template was submitted to Meta's review.";
    TemplateSynced = "template.synced", "The account's templates were read from Meta.";
    TemplateTestSent = "template.test_sent", "A template was sent to try it.";

    // verifications
    VerificationPageCreated = "verification_page.created", "A page was made at which visitors of a site prove their number.";
    VerificationPageDeleted = "verification_page.deleted", "A verification page was removed.";

    // the guard
    GuardSettingsChanged = "guard.settings_changed", "The guard's settings of the workspace were changed.";
    SuppressionAdded = "suppression.added", "Somebody was suppressed: the workspace may not write to them.";
    SuppressionLifted = "suppression.lifted", "An owner lifted a suppression that was made by hand; the reason is named.";
    SuppressionsImported = "suppression.imported", "A file of people was suppressed.";
    SuppressionsExported = "suppression.exported", "The list of suppressed people was exported.";
    ConsentRecorded = "consent.recorded", "An opt-in was recorded, with its source.";
    ConsentRevoked = "consent.revoked", "A recorded opt-in was revoked.";
    ConsentsExported = "consent.exported", "The recorded opt-ins were exported.";
    PauseSet = "pause.set", "The workspace, a channel or a purpose was paused, by hand or by a rule.";
    PauseLifted = "pause.lifted", "A pause was lifted.";
    ReviewApproved = "review.approved", "What was held for a decision was let through; the reason is named.";
    ReviewRejected = "review.rejected", "What was held for a decision was refused; the reason is named.";
    SubscriptionChanged = "subscription.changed", "The workspace's subscription was changed, by the operator or by the one who bills.";
    PlanCreated = "plan.created", "A plan was made.";
    PlanUpdated = "plan.updated", "A plan was changed.";
    PlanDeleted = "plan.deleted", "A plan was removed.";
    BillingRefused = "billing.refused", "A callback of the one who bills was not signed rightly.";

    // verifications
    VerificationSettingsChanged = "verification.settings_changed", "The workspace's settings of verifications were changed.";

    // files
    MediaDeleted = "media.deleted", "A file was deleted.";

    // webhooks
    EndpointCreated = "endpoint.created", "A webhook endpoint was added.";
    EndpointUpdated = "endpoint.updated", "A webhook endpoint was changed.";
    EndpointDeleted = "endpoint.deleted", "A webhook endpoint was removed.";
    EndpointDisabled = "endpoint.disabled", "Gatepost stopped delivering to an endpoint: it answered 410, or its schedule was spent.";
    EndpointTested = "endpoint.tested", "A test was sent to an endpoint.";
    DeliveryRetried = "delivery.retried", "A delivery was sent again, or sooner.";
    EventResent = "event.resent", "An event was sent to endpoints again.";
    ReplayStarted = "replay.started", "A window of events is sent to an endpoint again.";
    ReplayCancelled = "replay.cancelled", "A replay was stopped.";
    EndpointSecretRotated = "endpoint.secret_rotated", "An endpoint was given a new signing secret.";
}

impl Action {
    /// The noun: `api_key` of `api_key.created`.
    pub fn family(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(noun, _)| noun)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
