//! What the demo's bakery writes, and what its customers answer.

use serde_json::{Value, json};

/// One message of the bakery.
pub struct Scene {
    pub to: &'static str,
    pub what: What,
    pub purpose: &'static str,
    /// What the person answers once it is read, and what the bakery replies to that.
    pub answer: Option<(&'static str, &'static str)>,
}

pub enum What {
    Text(&'static str),
    /// Name, and the values of its variables.
    Template(&'static str, &'static [&'static str]),
}

/// The messages at the beginning; each answer brings one more.
pub const SCENES: &[Scene] = &[
    Scene {
        to: "+12025550111",
        what: What::Template("order_confirmed", &["Zoë", "4711"]),
        purpose: "transactional",
        answer: None,
    },
    Scene {
        to: "+12025550112",
        what: What::Text("Your sourdough is in the oven. Ready at 9:40."),
        purpose: "transactional",
        answer: Some(("Can I come at ten instead?", "Of course, we keep it warm for you.")),
    },
    Scene {
        to: "+12025550113",
        what: What::Template("parcel_on_its_way", &["Mei"]),
        purpose: "transactional",
        answer: None,
    },
    Scene {
        to: "+12025550114",
        what: What::Text("About your question: yes, the rye bread is vegan."),
        purpose: "support",
        answer: Some(("Wonderful, thank you! 🥖", "Enjoy it!")),
    },
    Scene {
        to: "+12025550115",
        what: What::Text("Your table for two is booked, tonight at seven."),
        purpose: "transactional",
        answer: Some(("We are three now", "Three it is. See you at seven.")),
    },
    Scene {
        to: "+12025550116",
        what: What::Template("login_code", &["204 915"]),
        purpose: "authentication",
        answer: None,
    },
    Scene {
        to: "+12025550117",
        what: What::Text("We close an hour early today, at five."),
        purpose: "operational",
        answer: None,
    },
    Scene {
        to: "+12025550118",
        what: What::Text("Flour delivery is at the back door."),
        purpose: "internal_team",
        answer: Some(("On my way", "Thank you!")),
    },
];

impl Scene {
    /// The body of `POST /v1/messages`.
    pub fn body(&self) -> Value {
        let mut body = json!({ "to": self.to, "purpose": self.purpose });
        match self.what {
            What::Text(text) => body["text"] = json!(text),
            What::Template(name, values) => {
                let parameters: Vec<Value> =
                    values.iter().map(|v| json!({ "type": "text", "text": v })).collect();
                body["template"] = json!({
                    "name": name,
                    "language": { "code": "en_US" },
                    "components": [{ "type": "body", "parameters": parameters }],
                });
            }
        }
        body
    }

    /// In a few words, for the screen.
    pub fn words(&self) -> String {
        match self.what {
            What::Text(text) => format!("“{text}”"),
            What::Template(name, values) => format!("template {name} ({})", values.join(", ")),
        }
    }
}

/// How many answers are to come.
pub fn answers() -> usize {
    SCENES.iter().filter(|scene| scene.answer.is_some()).count()
}

/// How many messages the bakery sends: each answer is replied to.
pub fn messages() -> usize {
    SCENES.len() + answers()
}
