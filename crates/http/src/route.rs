//! What a route says about itself: one declaration feeds the router, the OpenAPI document, the permission matrix and
//! the inventory that tests walk.

use gatepost_core::Code;
use gatepost_core::guard::Feature;
use serde_json::{Value, json};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::access::{Entrance, Rule};
use crate::json::Body;
use crate::query::QueryParameter;
use crate::reply::List;

/// A named schema and those it refers to.
pub(crate) struct NamedSchema {
    pub name: String,
    pub all: Vec<(String, RefOr<Schema>)>,
}

impl NamedSchema {
    pub fn of<T: ToSchema>() -> Self {
        let name = T::name().into_owned();
        let mut all = vec![(name.clone(), T::schema())];
        T::schemas(&mut all);
        Self { name, all }
    }

    /// The schema of a page; named after its items, since utoipa names all of a generic type's forms alike.
    fn list_of<T: ToSchema>() -> Self {
        let name = format!("{}List", T::name());
        let mut all = vec![(name.clone(), List::<T>::schema()), (T::name().into_owned(), T::schema())];
        T::schemas(&mut all);
        Self { name, all }
    }

    pub fn reference(&self) -> Ref {
        Ref::from_schema_name(&self.name)
    }
}

pub(crate) struct BodyDoc {
    pub schema: NamedSchema,
    pub example: Value,
    /// More examples, by name.
    pub examples: Vec<(&'static str, Value)>,
    pub required: bool,
}

/// A file as the body.
pub(crate) struct FileDoc {
    pub media_types: Vec<&'static str>,
    /// A small one, with its type.
    pub example: (&'static str, &'static [u8]),
}

/// What a successful answer holds.
pub(crate) enum Content {
    Nothing,
    Json(NamedSchema, Value),
    /// A file of any type.
    File,
    /// Another media type.
    Other(&'static str, String),
}

pub(crate) struct AnswerDoc {
    pub status: u16,
    pub description: &'static str,
    pub content: Content,
}

/// The words of a route.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own, set by a method of its name"
)]
pub(crate) struct Doc {
    pub id: &'static str,
    pub summary: &'static str,
    pub description: Option<&'static str>,
    pub tag: &'static str,
    pub body: Option<BodyDoc>,
    pub file: Option<FileDoc>,
    pub answer: Option<AnswerDoc>,
    /// Another successful answer, to a request that asks for it.
    pub also: Option<AnswerDoc>,
    pub fails: Vec<Code>,
    pub query: Vec<QueryParameter>,
    pub open_query: bool,
    pub headers: Vec<HeaderDoc>,
    /// Whether the answer has no end.
    pub streams: bool,
    /// Whether it passes files on, which takes as long as its slower side needs.
    pub passes_files: bool,
    /// Whether it is a page of the console, or a part of one.
    pub in_console: bool,
    /// Whether it takes the session's cookie though it is no page.
    pub takes_session: bool,
    /// Whether it is a page for visitors of another site: without cookies, and behind locks of its own.
    pub for_visitors: bool,
    /// Whether its refusals are written as LoginWA's clients read them.
    pub compat_errors: bool,
}

/// A request header as the documents show it.
#[derive(Clone, Copy)]
pub struct HeaderDoc {
    pub name: &'static str,
    pub description: &'static str,
    pub example: &'static str,
}

const IDEMPOTENCY_KEY: HeaderDoc = HeaderDoc {
    name: "Idempotency-Key",
    description: "1 to 255 visible ASCII characters, yours to choose. The same request under the same key within 24 hours is answered from memory (`Idempotency-Replayed: true`) and done once; another request under it is refused. Secrets are shown in the first answer only.",
    example: "order-17-ready",
};

const CHANNEL: HeaderDoc = HeaderDoc {
    name: "X-Channel-Id",
    description: "The channel to use, where the body has no channel_id. X-Instance-Id means the same.",
    example: "chn_01kagq5rh8e5htqh9sk95d3x4w",
};

/// A route under construction; [`crate::access`] makes it.
pub struct Route<A> {
    pub(crate) entrance: Entrance<A>,
    pub(crate) doc: Doc,
}

impl<A> Route<A> {
    pub(crate) fn new(entrance: Entrance<A>) -> Self {
        let doc = Doc {
            id: "",
            summary: "",
            description: None,
            tag: "",
            body: None,
            file: None,
            answer: None,
            also: None,
            fails: Vec::new(),
            query: Vec::new(),
            open_query: false,
            headers: Vec::new(),
            streams: false,
            passes_files: false,
            in_console: false,
            takes_session: false,
            for_visitors: false,
            compat_errors: false,
        };
        Self { entrance, doc }
    }

    /// Makes it a page of the console, or a part of one; see [`crate::access::page`].
    #[must_use]
    pub(crate) fn in_console(mut self) -> Self {
        self.doc.in_console = true;
        self
    }

    /// Makes it a page for visitors of another site, perhaps in a frame there: no cookie is looked at or set, and a form has
    /// to be looked at by its handler (see [`crate::console::verify`]).
    #[must_use]
    pub(crate) fn for_visitors(mut self) -> Self {
        self.doc.for_visitors = true;
        self.in_console()
    }

    /// Its refusals are written as LoginWA's clients read them; the layer does so by the path.
    #[must_use]
    pub fn answers_compat_errors(mut self) -> Self {
        self.doc.compat_errors = true;
        self
    }

    /// Lets the session's cookie in, where there is one, behind the same locks as a form; scripts of our pages send the
    /// token as `X-CSRF-Token`.
    #[must_use]
    pub fn takes_session(mut self) -> Self {
        self.doc.takes_session = true;
        self
    }

    /// The `operationId`: noun, then verb, in camel case; unique and stable.
    #[must_use]
    pub fn id(mut self, id: &'static str) -> Self {
        self.doc.id = id;
        self
    }

    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.doc.summary = summary;
        self
    }

    #[must_use]
    pub fn description(mut self, description: &'static str) -> Self {
        self.doc.description = Some(description);
        self
    }

    #[must_use]
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.doc.tag = tag;
        self
    }

    /// The JSON body, with an example that works in a fresh workspace.
    #[must_use]
    pub fn body<T: Body>(mut self, example: Value) -> Self {
        let schema = NamedSchema::of::<T::Shape>();
        self.doc.body = Some(BodyDoc { schema, example, examples: Vec::new(), required: true });
        self
    }

    /// A JSON body that may be left out.
    #[must_use]
    pub fn optional_body<T: Body>(self, example: Value) -> Self {
        let mut route = self.body::<T>(example);
        if let Some(body) = &mut route.doc.body {
            body.required = false;
        }
        route
    }

    /// More examples of the body, by name.
    #[must_use]
    pub fn body_examples(mut self, examples: Vec<(&'static str, Value)>) -> Self {
        if let Some(body) = &mut self.doc.body {
            body.examples = examples;
        }
        self
    }

    /// The JSON body of something that is made: takes an `Idempotency-Key`.
    #[must_use]
    pub fn creates<T: Body>(mut self, example: Value) -> Self {
        self.doc.headers.push(IDEMPOTENCY_KEY);
        self.doc.fails.extend([Code::IdempotencyInProgress, Code::IdempotencyKeyReused]);
        let mut route = self.body::<T>(example);
        if let Some(body) = &mut route.doc.body {
            body.required = !T::MAY_BE_EMPTY;
        }
        route
    }

    /// Makes something without a body that says more: takes an `Idempotency-Key`.
    #[must_use]
    pub fn creates_plainly(mut self) -> Self {
        self.doc.headers.push(IDEMPOTENCY_KEY);
        self.doc.fails.extend([
            Code::IdempotencyInProgress,
            Code::IdempotencyKeyReused,
            Code::InvalidJson,
            Code::InvalidField,
            Code::UnsupportedMediaType,
            Code::PayloadTooLarge,
            Code::RequestTimeout,
        ]);
        self
    }

    /// A file as the body, of one of these types, with a small example: takes an `Idempotency-Key`.
    #[must_use]
    pub fn takes_file(
        mut self,
        media_types: impl Iterator<Item = &'static str>,
        example: (&'static str, &'static [u8]),
    ) -> Self {
        self.doc.passes_files = true;
        self.doc.headers.push(IDEMPOTENCY_KEY);
        self.doc.fails.extend([Code::IdempotencyInProgress, Code::IdempotencyKeyReused]);
        self.doc.file = Some(FileDoc { media_types: media_types.collect(), example });
        self
    }

    /// The successful answer is a file.
    #[must_use]
    pub fn answers_file(mut self, description: &'static str) -> Self {
        self.doc.passes_files = true;
        self.doc.answer = Some(AnswerDoc { status: 200, description, content: Content::File });
        self
    }

    /// The successful answer in JSON.
    #[must_use]
    pub fn answer<T: ToSchema>(mut self, status: u16, description: &'static str, example: Value) -> Self {
        let content = Content::Json(NamedSchema::of::<T>(), example);
        self.doc.answer = Some(AnswerDoc { status, description, content });
        self
    }

    /// Another successful answer, to a request that asks for it.
    #[must_use]
    pub fn also_answers<T: ToSchema>(
        mut self,
        status: u16,
        description: &'static str,
        example: Value,
    ) -> Self {
        let content = Content::Json(NamedSchema::of::<T>(), example);
        self.doc.also = Some(AnswerDoc { status, description, content });
        self
    }

    /// A page of a list, with one example of an item.
    #[must_use]
    pub fn answer_list<T: ToSchema>(mut self, description: &'static str, example: &Value) -> Self {
        let schema = NamedSchema::list_of::<T>();
        let example = json!({ "data": [example], "next_cursor": null });
        let content = Content::Json(schema, example);
        self.doc.answer = Some(AnswerDoc { status: 200, description, content });
        self
    }

    /// A successful answer without a body: 204.
    #[must_use]
    pub fn answers_nothing(mut self, description: &'static str) -> Self {
        self.doc.answer = Some(AnswerDoc { status: 204, description, content: Content::Nothing });
        self
    }

    /// A successful answer that is not JSON of ours.
    #[must_use]
    pub fn answers(mut self, media_type: &'static str, description: &'static str, example: &str) -> Self {
        let content = Content::Other(media_type, example.to_owned());
        self.doc.answer = Some(AnswerDoc { status: 200, description, content });
        self
    }

    /// The successful answer is a stream of Server-Sent Events, which has no end of its own.
    #[must_use]
    pub fn answers_stream(mut self, description: &'static str, example: &str) -> Self {
        self.doc.streams = true;
        self.answers(crate::event_stream::MEDIA_TYPE, description, example)
    }

    /// Opens it whatever became of the workspace's subscription: what a workspace may always read, and take along.
    #[must_use]
    pub fn open_when_suspended(mut self) -> Self {
        self.entrance.needs.whatever_subscription = true;
        self
    }

    /// Opens it only to workspaces whose plan includes the feature.
    #[must_use]
    pub fn feature(mut self, feature: Feature) -> Self {
        self.entrance.needs.feature = Some(feature);
        self
    }

    /// The codes that only this route answers; those that follow from its access, body and path are added.
    #[must_use]
    pub fn fails(mut self, codes: &[Code]) -> Self {
        self.doc.fails.extend_from_slice(codes);
        self
    }

    /// The query parameters; others are refused.
    #[must_use]
    pub fn query(mut self, parameters: &[QueryParameter]) -> Self {
        self.doc.query.extend_from_slice(parameters);
        self
    }

    /// Lets any query in, for routes that a third party calls in its own way.
    #[must_use]
    pub fn open_query(mut self) -> Self {
        self.doc.open_query = true;
        self
    }

    /// Takes a request header.
    #[must_use]
    pub fn takes_header(mut self, header: HeaderDoc) -> Self {
        self.doc.headers.push(header);
        self
    }

    /// Takes `X-Channel-Id`.
    #[must_use]
    pub fn takes_channel_header(mut self) -> Self {
        self.doc.headers.push(CHANNEL);
        self.doc.fails.extend([Code::ChannelRequired, Code::ChannelConflict]);
        self
    }

    /// Every code that this route may answer, in the order of their statuses.
    pub(crate) fn codes(&self) -> Vec<Code> {
        let mut codes = self.doc.fails.clone();
        match self.entrance.rule {
            Rule::Permission(_) => codes.extend([
                Code::Unauthorized,
                Code::CredentialsConflict,
                Code::ApiKeyRevoked,
                Code::ApiKeyExpired,
                Code::AccessTokenExpired,
                Code::AccessTokenEnded,
                Code::IpNotAllowed,
                Code::PermissionMissing,
                Code::RateLimited,
            ]),
            Rule::Person => codes.push(Code::SessionEnded),
            Rule::Holder => codes.extend([
                Code::Unauthorized,
                Code::CredentialsConflict,
                Code::ApiKeyRevoked,
                Code::ApiKeyExpired,
                Code::IpNotAllowed,
                Code::SessionEnded,
                Code::CsrfRefused,
                Code::RateLimited,
            ]),
            Rule::Operator(_) => codes.push(Code::PermissionMissing),
            Rule::Signed(_) => {
                codes.extend([Code::SignatureInvalid, Code::PayloadTooLarge, Code::RequestTimeout]);
            }
            Rule::Public => {}
        }
        if matches!(self.entrance.rule, Rule::Permission(_)) {
            if !self.entrance.needs.whatever_subscription {
                codes.push(Code::SubscriptionSuspended);
            }
            if self.entrance.needs.feature.is_some() {
                codes.push(Code::PlanFeatureUnavailable);
            }
        }
        if self.doc.body.is_some() {
            codes.extend([
                Code::InvalidJson,
                Code::InvalidField,
                Code::UnsupportedMediaType,
                Code::PayloadTooLarge,
                Code::RequestTimeout,
            ]);
        }
        if self.doc.file.is_some() {
            codes.extend([
                Code::LengthRequired,
                Code::MediaTooLarge,
                Code::MediaTypeMismatch,
                Code::MediaTypeUnsupported,
                Code::RequestTimeout,
                Code::UnsupportedMediaType,
            ]);
        }
        if !self.doc.open_query {
            codes.push(Code::InvalidParameter);
        }
        if self.entrance.path.contains('{') {
            codes.push(Code::NotFound);
        }
        codes.extend([Code::Internal, Code::Unavailable]);
        let order = |code: &Code| (code.status(), Code::ALL.iter().position(|known| known == code));
        codes.sort_by_key(order);
        codes.dedup();
        codes
    }
}
