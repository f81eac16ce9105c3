//! The JSON Schemas (2020-12, as OpenAPI 3.1 uses them) of every event.

use serde_json::{Value, json};

use super::shape::{Definitions, Described, REFERENCE};
use super::{EventPayload, EventType};

/// The name of the schema of any event.
pub const EVENT: &str = "Event";

impl EventType {
    /// This event's own schema: the envelope with its type, and with the one member of `data` that it has.
    fn schema(self, definitions: &mut Definitions) -> Value {
        EventPayload::schema(definitions);
        let mut schema = definitions.get(EVENT).cloned().unwrap_or_default();
        let subject = self.subject();
        let member = subject.schema(definitions);
        schema["description"] = json!(format!("{} {}", self.meaning(), self.told()));
        schema["properties"]["type"]["enum"] = json!([self.as_str()]);
        schema["properties"]["data"] = json!({
            "type": "object",
            "description": "What happened.",
            "required": [subject.as_str()],
            "properties": { subject.as_str(): member },
        });
        schema
    }
}

/// Every schema by its name: [`EVENT`], one for each type of event, and the parts they refer to.
pub fn definitions() -> Definitions {
    let mut definitions = Definitions::default();
    for event in EventType::ALL {
        let schema = event.schema(&mut definitions);
        let members = definitions.members(EVENT).to_vec();
        definitions.insert(event.schema_name(), schema, members);
    }
    definitions
}

/// The definitions that describing `T` needs, and its own schema.
pub fn of<T: Described>() -> (Value, Definitions) {
    let mut definitions = Definitions::default();
    let schema = T::schema(&mut definitions);
    (schema, definitions)
}

/// The name that a reference names.
pub fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(REFERENCE)
}
