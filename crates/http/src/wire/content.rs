//! The schemas of message content, written from the tables that check it ([`gatepost_core::content::rule`]).

use std::borrow::Cow;

use gatepost_core::content::ContentKind;
use gatepost_core::content::rule::{Accepts, Kinds, Rule, Shape};
use serde_json::json;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, Discriminator, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

type Named = Vec<(String, RefOr<Schema>)>;

macro_rules! schemas {
    ($($kind:ident),*) => {$(
        /// What the field of this kind takes; named apart from the things of the API that share its word.
        pub struct $kind;

        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                of_kind(ContentKind::$kind)
            }
        }

        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(concat!(stringify!($kind), "Content"))
            }

            fn schemas(all: &mut Named) {
                below(&ContentKind::$kind.rule(), all);
            }
        }
    )*};
}

schemas!(Text, Image, Audio, Video, Document, Sticker, Location, Contacts, Reaction, Interactive, Template);

fn of_kind(kind: ContentKind) -> RefOr<Schema> {
    match kind.rule() {
        // The shorthand: words alone.
        rule @ Rule::Object(_) if kind == ContentKind::Text => OneOfBuilder::new()
            .description(Some("The words, or an object that holds them."))
            .item(ObjectBuilder::new().schema_type(Type::String))
            .item(schema(&rule))
            .into(),
        Rule::Object(shape) => object(shape, None),
        Rule::Kinds(kinds) => one_of(kinds),
        rule => schema(&rule),
    }
}

/// The schema of a value; what has a name is referred to.
fn schema(rule: &Rule) -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    match *rule {
        Rule::Words(max) => text().min_length(Some(1)).max_length(Some(max)).into(),
        Rule::Text { min, max } => text().min_length((min > 0).then_some(min)).max_length(Some(max)).into(),
        Rule::OneOf(words) => text().enum_values(Some(words.iter().copied())).into(),
        Rule::OneOfAnyCase(words) => text()
            .description(Some(format!("{}, in upper or lower case.", words.join(", "))))
            .examples([json!(words[0])])
            .into(),
        Rule::Boolean => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Rule::Whole { min, max } => {
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max)).into()
        }
        Rule::Own(own) => {
            let kinds = match own.accepts {
                Accepts::Text => SchemaType::new(Type::String),
                Accepts::NumberOrText => SchemaType::from_iter([Type::Number, Type::String]),
            };
            ObjectBuilder::new()
                .schema_type(kinds)
                .description(Some(own.about))
                .examples([json!(own.example)])
                .into()
        }
        Rule::Object(shape) => Ref::from_schema_name(shape.name).into(),
        Rule::Kinds(kinds) => Ref::from_schema_name(kinds.name).into(),
        Rule::List { min, max, item } => ArrayBuilder::new()
            .items(schema(item))
            .min_items((min > 0).then_some(min))
            .max_items(Some(max))
            .into(),
        Rule::Open => ObjectBuilder::new()
            .schema_type(Type::Object)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .description(Some("Meta's own; it passes unchanged."))
            .into(),
    }
}

/// A closed object; `tag` is its `type` where it is one of several kinds.
fn object(shape: &Shape, tag: Option<(&str, bool)>) -> RefOr<Schema> {
    let mut builder = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(shape.about))
        .additional_properties(Some(AdditionalProperties::FreeForm(shape.open)));
    if let Some((word, any_case)) = tag {
        let mut words = vec![word.to_owned()];
        words.extend(any_case.then(|| word.to_uppercase()));
        let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        builder = builder.property("type", kind).required("type");
    }
    for field in shape.fields {
        builder = builder.property(field.name, schema(&field.rule));
        if field.required {
            builder = builder.required(field.name);
        }
    }
    builder.into()
}

fn one_of(kinds: &Kinds) -> RefOr<Schema> {
    let mut builder =
        OneOfBuilder::new().description(Some(kinds.about)).discriminator((!kinds.any_case).then(|| {
            Discriminator::with_mapping(
                "type",
                kinds
                    .kinds
                    .iter()
                    .map(|(word, shape)| (*word, format!("#/components/schemas/{}", shape.name))),
            )
        }));
    for (_, shape) in kinds.kinds {
        builder = builder.item(Ref::from_schema_name(shape.name));
    }
    builder.into()
}

/// Everything with a name that stands below a rule; the rule itself has the name of its field.
fn below(rule: &Rule, all: &mut Named) {
    match *rule {
        Rule::Object(shape) => shape.fields.iter().for_each(|field| collect(&field.rule, all)),
        Rule::Kinds(kinds) => collect_kinds(kinds, all),
        Rule::List { item, .. } => collect(item, all),
        _ => {}
    }
    // The object behind the shorthand has a name of its own.
    if let Rule::Object(shape) = rule
        && shape.name == "TextObject"
    {
        collect(rule, all);
    }
}

fn collect(rule: &Rule, all: &mut Named) {
    match *rule {
        Rule::Object(shape) => collect_shape(shape, None, all),
        Rule::Kinds(kinds) => {
            let new = add(kinds.name, || one_of(kinds), all);
            if new {
                collect_kinds(kinds, all);
            }
        }
        Rule::List { item, .. } => collect(item, all),
        _ => {}
    }
}

fn collect_kinds(kinds: &Kinds, all: &mut Named) {
    for (word, shape) in kinds.kinds {
        collect_shape(shape, Some((word, kinds.any_case)), all);
    }
}

fn collect_shape(shape: &Shape, tag: Option<(&str, bool)>, all: &mut Named) {
    if add(shape.name, || object(shape, tag), all) {
        shape.fields.iter().for_each(|field| collect(&field.rule, all));
    }
}

/// Adds a schema unless it is there; whether it was added.
fn add(name: &str, schema: impl FnOnce() -> RefOr<Schema>, all: &mut Named) -> bool {
    let new = !all.iter().any(|(known, _)| known == name);
    if new {
        all.push((name.to_owned(), schema()));
    }
    new
}
