//! Events in the OpenAPI document. What they hold and how it is described is core's catalogue; nothing is said again here.

use std::borrow::Cow;
use std::marker::PhantomData;

use gatepost_core::event::{
    Definitions, Described, EventPayload, EventType, MediaNews, MessageError as Refusal, Party, schema,
};
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::route::NamedSchema;

/// A value that core describes.
pub struct Core<T>(PhantomData<T>);

/// An event: the body of a webhook, and an entry of `GET /v1/events`.
pub type Event = Core<EventPayload<'static>>;
pub type MessageContact = Core<Party>;
pub type MessageMedia = Core<MediaNews>;
pub type MessageError = Core<Refusal>;

/// A schema of core's as utoipa has it. A test holds the two together, so none gets lost here.
fn read(schema: &Value) -> RefOr<Schema> {
    serde_json::from_value(schema.clone()).unwrap_or_else(|_| RefOr::T(Schema::default()))
}

fn all(definitions: &Definitions) -> impl Iterator<Item = (String, RefOr<Schema>)> {
    definitions.iter().map(|(name, schema)| (name.to_owned(), read(schema)))
}

fn described<T: Described>() -> (String, Definitions) {
    let (reference, definitions) = schema::of::<T>();
    (schema::referred(&reference).unwrap_or_default().to_owned(), definitions)
}

impl<T: Described> PartialSchema for Core<T> {
    fn schema() -> RefOr<Schema> {
        let (name, definitions) = described::<T>();
        definitions.get(&name).map_or_else(|| RefOr::T(Schema::default()), read)
    }
}

impl<T: Described> ToSchema for Core<T> {
    fn name() -> Cow<'static, str> {
        described::<T>().0.into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.extend(all(&described::<T>().1));
    }
}

/// The schema of the webhook of one event, with all that it refers to.
pub fn webhook_schema(event: EventType) -> NamedSchema {
    let definitions = schema::definitions();
    NamedSchema { name: event.schema_name().to_owned(), all: all(&definitions).collect() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn no_word_of_a_schema_gets_lost() {
        let definitions = schema::definitions();
        assert!(definitions.iter().count() > EventType::ALL.len());
        for (name, schema) in definitions.iter() {
            assert_eq!(serde_json::to_value(read(schema)).unwrap(), *schema, "{name}");
        }
    }
}
