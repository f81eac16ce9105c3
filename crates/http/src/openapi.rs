//! The OpenAPI 3.1 document, written from the routes.

use std::collections::BTreeMap;

use gatepost_core::Code;
use gatepost_core::event::EventType;
use gatepost_core::guard::Needs;
use http::Method;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{
    AdditionalProperties, Components, ComponentsBuilder, KnownFormat, Schema, SchemaFormat, Type,
};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, ContentBuilder, HeaderBuilder, InfoBuilder, License, ObjectBuilder, OpenApiBuilder, Paths, Ref,
    RefOr, Required, Response, ResponseBuilder, SecurityRequirement, Tag,
};

use crate::access::Rule;
use crate::api::{Api, Surface};
use crate::problem::{PROBLEM_JSON, Problem};
use crate::route::{self, HeaderDoc, NamedSchema, Route};
use crate::wire;
use crate::{compat_error, path};

const ABOUT: &str = "\
Gatepost is a self-hosted WhatsApp gateway: send messages, follow them, and hear back by webhook.

Gatepost is independent. It is not affiliated with, endorsed by or connected to WhatsApp, Meta or 3CX.

Every request carries an API key as `Authorization: Bearer gp_…` (or in `X-Api-Key`). Every answer carries a \
`Request-Id`. Every refusal is a problem document (RFC 9457) with a stable `code`; each code has a page at \
`/problems/{code}`. Lists answer `{data, next_cursor}`. Instants are RFC 3339 in UTC. Unknown fields and parameters \
are refused. Within `/v1` things are only ever added: expect new fields in answers and new values where a list of \
values is open.";

const TAGS: [(&str, &str); 18] = [
    ("Messages", "Send messages and follow them."),
    ("Verifications", "One-time codes that prove a person has a number."),
    ("LoginWA", "The same for clients that were written for LoginWA: its paths, names and errors."),
    ("Media", "Files to send, and files that people sent."),
    ("Templates", "What an account may say to somebody who has not written first."),
    ("Channels", "A workspace's WhatsApp senders."),
    ("Meta apps", "The Meta apps whose secrets sign callbacks."),
    ("Webhooks", "Where events are delivered to, and what became of each delivery."),
    ("Events", "The append-only log that webhooks are made from."),
    ("Suppressions", "People whom a workspace may not write to, and the words that make them so."),
    ("Consents", "Who agreed to hear from a workspace, when and how."),
    ("API keys", "Machine credentials."),
    ("Audit log", "Who did what to what, chained and signed."),
    ("Access", "From where keys may be used, and which web pages may read answers."),
    ("Callbacks", "What Meta calls."),
    ("Workspaces", "The tenants of this installation."),
    ("Installation", "Its nodes, its waiting work, its vault."),
    ("Service", "The server itself."),
];

/// The document of `api`'s routes, as pretty JSON with a line break at its end.
pub(crate) fn document<A>(api: &Api<A>) -> String {
    let mut schemas = BTreeMap::new();
    collect(&mut schemas, NamedSchema::of::<Problem<'static>>(), false);
    let mut paths = Paths::new();
    for route in api.routes.iter().filter(|route| !route.doc.in_console) {
        if let Some(method) = method(&route.entrance.method) {
            paths.add_path_operation(&route.entrance.path, vec![method], operation(route, &mut schemas));
        }
    }
    let used = |tag: &str| api.routes.iter().any(|route| route.doc.tag == tag);
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title(match api.surface {
                    Surface::Public | Surface::Console => "Gatepost",
                    Surface::Operator => "Gatepost: the operator's socket",
                    Surface::Operators => "Gatepost: the operators' listener",
                })
                .version("1")
                .summary_and_licence(),
        )
        .paths(paths)
        .tags(Some(TAGS.into_iter().filter(|(name, _)| used(name)).map(|(name, description)| {
            let mut tag = Tag::new(name);
            tag.description = Some(description.to_owned());
            tag
        })))
        .build();
    if api.surface == Surface::Public {
        document.webhooks = Some(webhooks(&mut schemas));
    }
    document.components = Some(components(schemas, api.surface));
    // utoipa's own types always serialise.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

trait Words {
    fn summary_and_licence(self) -> Self;
}

impl Words for InfoBuilder {
    fn summary_and_licence(self) -> Self {
        let mut licence = License::new("Apache-2.0");
        licence.identifier = Some("Apache-2.0".to_owned());
        self.description(Some(ABOUT)).license(Some(licence))
    }
}

/// What we answer may grow; what we take may not, so a request's schema says that nothing else is let in.
fn collect(into: &mut BTreeMap<String, RefOr<Schema>>, named: NamedSchema, closed: bool) {
    for (name, mut schema) in named.all {
        if let (true, RefOr::T(Schema::Object(object))) = (closed, &mut schema) {
            object
                .additional_properties
                .get_or_insert_with(|| Box::new(AdditionalProperties::FreeForm(false)));
        }
        into.insert(name, schema);
    }
}

fn method(method: &Method) -> Option<HttpMethod> {
    match *method {
        Method::GET => Some(HttpMethod::Get),
        Method::POST => Some(HttpMethod::Post),
        Method::PUT => Some(HttpMethod::Put),
        Method::PATCH => Some(HttpMethod::Patch),
        Method::DELETE => Some(HttpMethod::Delete),
        _ => None,
    }
}

fn operation<A>(route: &Route<A>, schemas: &mut BTreeMap<String, RefOr<Schema>>) -> Operation {
    let doc = &route.doc;
    let mut operation = OperationBuilder::new()
        .operation_id(Some(doc.id))
        .summary(Some(doc.summary))
        .description(doc.description)
        .tag(doc.tag)
        .extensions(Some(access_extension(route.entrance.rule, route.entrance.needs)));
    for parameter in parameters(route) {
        operation = operation.parameter(parameter);
    }
    operation = match route.entrance.rule {
        Rule::Permission(_) | Rule::Holder => operation
            .security(SecurityRequirement::new("bearer", Vec::<String>::new()))
            .security(SecurityRequirement::new("x_api_key", Vec::<String>::new())),
        Rule::Signed(provider) => operation
            .security(SecurityRequirement::new(format!("{provider}_signature"), Vec::<String>::new())),
        Rule::Person | Rule::Operator(_) | Rule::Public => operation.securities(Some(Vec::new())),
    };
    if let Some(body) = &doc.body {
        collect(schemas, NamedSchema { name: body.schema.name.clone(), all: body.schema.all.clone() }, true);
        let required = if body.required { Required::True } else { Required::False };
        operation = operation.request_body(Some(request_body(body_content(body), required)));
    }
    if let Some(file) = &doc.file {
        let body = RequestBodyBuilder::new().required(Some(Required::True));
        let body = file.media_types.iter().fold(body, |body, name| body.content(*name, file_content()));
        operation = operation.request_body(Some(body.build()));
    }
    for answer in doc.answer.iter().chain(&doc.also) {
        operation = operation.response(answer.status.to_string(), success(answer, schemas));
    }
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    let of_session = compat_error::is_of_session(&route.entrance.path);
    for code in route.codes() {
        let status = if doc.compat_errors { compat_error::named(code, of_session).0 } else { code.status() };
        by_status.entry(status).or_default().push(code);
    }
    for (status, codes) in by_status {
        let refusal = if doc.compat_errors {
            compat_refusal(status, &codes, of_session, schemas)
        } else {
            refusal(status, &codes)
        };
        operation = operation.response(status.to_string(), refusal);
    }
    operation.build()
}

fn request_body(content: Content, required: Required) -> RequestBody {
    RequestBodyBuilder::new().required(Some(required)).content("application/json", content).build()
}

/// Bytes of any kind.
fn file_content() -> Content {
    let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
    let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(binary));
    ContentBuilder::new().schema(Some(schema)).build()
}

/// A document gives one example, or several with names, not both (OpenAPI 3.1, section 4.8.14).
fn body_content(body: &route::BodyDoc) -> Content {
    if body.examples.is_empty() {
        return json_content(body.schema.reference(), Some(body.example.clone()));
    }
    let first = std::iter::once(("default", body.example.clone()));
    named_examples(body.schema.reference(), first.chain(body.examples.iter().cloned()))
}

fn named_examples(schema: Ref, examples: impl IntoIterator<Item = (&'static str, Value)>) -> Content {
    let examples = examples.into_iter().map(|(name, example)| {
        (name, utoipa::openapi::example::ExampleBuilder::new().value(Some(example)).build())
    });
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build()
}

fn json_content(schema: Ref, example: Option<Value>) -> Content {
    ContentBuilder::new().schema(Some(schema)).example(example).build()
}

/// Who may call it, for machines; one extension, because utoipa does not keep the order of several.
fn access_extension(rule: Rule, needs: Needs) -> Extensions {
    let mut value = match rule {
        Rule::Permission(permission) => json!({
            "permission": permission.as_str(),
            "scopes": permission.scopes().iter().map(|s| s.as_str()).collect::<Vec<_>>(),
            "roles": permission.roles().iter().map(|r| r.as_str()).collect::<Vec<_>>(),
        }),
        Rule::Person => json!({ "signed_in": true }),
        Rule::Holder => json!({ "signed_in": true, "keys": true }),
        Rule::Operator(permission) => json!({ "operator": permission.as_str() }),
        Rule::Signed(provider) => json!({ "signed_by": provider }),
        Rule::Public => json!({ "public": true }),
    };
    if let Rule::Permission(_) = rule {
        value["whatever_subscription"] = json!(needs.whatever_subscription);
    }
    if let Some(feature) = needs.feature {
        value["feature"] = json!(feature.as_str());
    }
    Extensions::from_iter([("x-gatepost-access", value)])
}

fn parameters<A>(route: &Route<A>) -> Vec<Parameter> {
    let in_path = path::params(&route.entrance.path).map(|name| {
        let builder =
            ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        let schema = ObjectBuilder::new().schema_type(Type::String);
        match path::prefix_of(name) {
            Some(prefix) => builder
                .schema(Some(schema.pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")))))
                .example(Some(json!(format!("{prefix}_01kagq5rh8e5htqh9sk95d3x4w")))),
            None => builder.schema(Some(schema)),
        }
        .build()
    });
    let in_query = route.doc.query.iter().map(|parameter| {
        let (kind, example) = match parameter.kind {
            "integer" => (Type::Integer, parameter.example.parse::<i64>().ok().map(Value::from)),
            _ => (Type::String, (!parameter.example.is_empty()).then(|| json!(parameter.example))),
        };
        ParameterBuilder::new()
            .name(parameter.name)
            .parameter_in(ParameterIn::Query)
            .required(if parameter.required { Required::True } else { Required::False })
            .description(Some(parameter.description))
            .schema(Some(ObjectBuilder::new().schema_type(kind)))
            .example(example)
            .build()
    });
    let in_header = route.doc.headers.iter().map(header_parameter);
    in_path.chain(in_query).chain(in_header).collect()
}

fn header_parameter(header: &HeaderDoc) -> Parameter {
    ParameterBuilder::new()
        .name(header.name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(header.description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .example(Some(json!(header.example)))
        .build()
}

fn success(answer: &route::AnswerDoc, schemas: &mut BTreeMap<String, RefOr<Schema>>) -> Response {
    let mut response = ResponseBuilder::new().description(answer.description);
    if matches!(answer.status, 201 | 202) {
        response = response.header("Location", text_header("Where what was made can be read."));
    }
    match &answer.content {
        route::Content::Nothing => {}
        route::Content::Json(schema, example) => {
            collect(schemas, NamedSchema { name: schema.name.clone(), all: schema.all.clone() }, false);
            response =
                response.content("application/json", json_content(schema.reference(), Some(example.clone())));
        }
        route::Content::File => {
            response = response
                .header("Content-Disposition", text_header("`attachment`, with the file's name."))
                .content("application/octet-stream", file_content());
        }
        route::Content::Other(media_type, example) => {
            let content = ContentBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .example(Some(json!(example)));
            response = response.content(*media_type, content.build());
        }
    }
    response.header("Request-Id", text_header("This request's id; say it when you ask for help.")).build()
}

fn text_header(description: &str) -> utoipa::openapi::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .build()
}

const RETRY_AFTER: &str =
    "Seconds to wait. Whoever obeys it does not meet the same limit again at the next request.";
const RATE_LIMIT: &str = "What is left of each window (`r`) and after how many seconds more is (`t`); also on other answers where a limit holds. draft-ietf-httpapi-ratelimit-headers-10.";
const RATE_LIMIT_POLICY: &str = "Each window that holds, with its quota (`q`) and its span in seconds (`w`): no such span holds more requests.";

/// One answer for all codes of a status; each code is an example.
fn refusal(status: u16, codes: &[Code]) -> Response {
    let lines: Vec<String> =
        codes.iter().map(|code| format!("- `{code}`: {}. {}", code.title(), code.remedy())).collect();
    let examples = codes.iter().map(|code| {
        let example = json!({
            "type": format!("/problems/{code}"),
            "title": code.title(),
            "status": code.status(),
            "detail": code.title(),
            "code": code.as_str(),
            "request_id": "req_01kagq5rh8e5htqh9sk95d3x4w",
            "retryable": crate::problem::is_retryable(*code),
        });
        (code.as_str(), utoipa::openapi::example::ExampleBuilder::new().value(Some(example)).build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new().description(lines.join("\n")).content(PROBLEM_JSON, content);
    if status == 429 {
        response = response.header("Retry-After", text_header(RETRY_AFTER));
        if codes.contains(&Code::RateLimited) {
            response = response
                .header("RateLimit", text_header(RATE_LIMIT))
                .header("RateLimit-Policy", text_header(RATE_LIMIT_POLICY));
        }
    }
    response.build()
}

/// The same for routes whose refusals LoginWA's clients read.
fn compat_refusal(
    status: u16,
    codes: &[Code],
    of_session: bool,
    schemas: &mut BTreeMap<String, RefOr<Schema>>,
) -> Response {
    collect(schemas, NamedSchema::of::<wire::OtpError<'static>>(), false);
    let names: BTreeMap<&str, Code> =
        codes.iter().rev().map(|code| (compat_error::named(*code, of_session).1, *code)).collect();
    let lines: Vec<String> =
        names.iter().map(|(name, code)| format!("- `{name}`: {}. {}", code.title(), code.remedy())).collect();
    let examples = names.iter().map(|(name, code)| {
        let example = json!({ "error": name, "message": code.title() });
        (*name, utoipa::openapi::example::ExampleBuilder::new().value(Some(example)).build())
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(wire::OtpError::name())))
        .examples_from_iter(examples)
        .build();
    let response = ResponseBuilder::new().description(lines.join("\n")).content("application/json", content);
    if status == 429 {
        response.header("Retry-After", text_header(RETRY_AFTER)).build()
    } else {
        response.build()
    }
}

fn webhooks(schemas: &mut BTreeMap<String, RefOr<Schema>>) -> Paths {
    let mut paths = Paths::new();
    for event in EventType::ALL {
        let schema = wire::webhook_schema(event);
        let reference = schema.reference();
        collect(schemas, schema, false);
        let mut operation = OperationBuilder::new()
            .operation_id(Some(event.receiver_name()))
            .summary(Some(event.meaning().trim_end_matches('.')))
            .description(Some(format!("{} {ANSWER}", event.told())))
            .tag("Webhooks")
            .extensions(Some(Extensions::from_iter([("x-gatepost-event", json!(event.as_str()))])));
        for header in WEBHOOK_HEADERS {
            operation = operation.parameter(header_parameter(&header));
        }
        let operation = operation
            .request_body(Some(request_body(event_content(reference, event), Required::True)))
            .response("2XX", ResponseBuilder::new().description("The event was taken.").build())
            .build();
        paths.add_path_operation(event.as_str(), vec![HttpMethod::Post], operation);
    }
    paths
}

/// What every receiver has to know.
const ANSWER: &str = "Answer 2xx within 15 seconds; anything else is tried again. The id stays the same over retries: use it to do things once. Verify the signature before you read the body (Standard Webhooks).";

fn event_content(schema: Ref, event: EventType) -> Content {
    named_examples(schema, event.examples())
}

const WEBHOOK_HEADERS: [HeaderDoc; 5] = [
    HeaderDoc {
        name: "webhook-id",
        description: "The event's id.",
        example: "evt_01kagq5rh8e5htqh9sk95d3x4w",
    },
    HeaderDoc {
        name: "webhook-timestamp",
        description: "Seconds since 1970, of this attempt.",
        example: "1793525400",
    },
    HeaderDoc {
        name: "webhook-signature",
        description: "One or two of `v1,` and the base64 of HMAC-SHA-256 over `{webhook-id}.{webhook-timestamp}.{body}` under the endpoint's secret; two while a secret is being rotated.",
        example: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    },
    HeaderDoc { name: "X-Gatepost-Event", description: "The event's type.", example: "message.delivered" },
    HeaderDoc {
        name: "X-Gatepost-Signature",
        description: "`sha256=` and the hex HMAC-SHA-256 of the raw body, for receivers that know only that. It carries no timestamp, so it does not stop a replay.",
        example: "sha256=2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    },
];

fn components(schemas: BTreeMap<String, RefOr<Schema>>, surface: Surface) -> Components {
    let mut builder = ComponentsBuilder::new();
    for (name, schema) in schemas {
        builder = builder.schema(name, schema);
    }
    if surface == Surface::Public {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("gp_live_…, gp_test_… or gp_at_…")
            .description(Some("An API key."));
        let header = |name: &str, words: &str| {
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, words)))
        };
        builder = builder
            .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
            .security_scheme("x_api_key", header("X-Api-Key", "An API key, where Authorization is taken."))
            .security_scheme(
                "meta_signature",
                header("X-Hub-Signature-256", "HMAC-SHA-256 of the raw body under the Meta app's secret."),
            )
            .security_scheme(
                "stripe_signature",
                header(
                    "Stripe-Signature",
                    "A time, and the HMAC-SHA-256 of it and the raw body under the endpoint's secret.",
                ),
            );
    }
    builder.build()
}
