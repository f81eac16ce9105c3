#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod properties;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::examples::EXAMPLES;
use super::rule::{Accepts, Kinds, Rule, Shape};
use super::*;

/// Pointer and code of everything that is wrong.
fn wrong(kind: ContentKind, object: &Value) -> Vec<(String, &'static str)> {
    match Content::parse(kind, &object.to_string()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| (error.pointer, error.code)).collect(),
    }
}

fn good(kind: ContentKind, object: &Value) {
    assert_eq!(wrong(kind, object), [], "{object}");
}

fn bad(kind: ContentKind, object: &Value, pointer: &str, code: &'static str) {
    assert_eq!(wrong(kind, object), [(pointer.to_owned(), code)], "{object}");
}

/// The example with this name, changed at one place.
fn with(name: &str, pointer: &str, value: Value) -> Value {
    let example = EXAMPLES.iter().find(|e| e.name == name).unwrap();
    let mut object: Value = serde_json::from_str(example.object).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        object => object[key] = value,
    }
    object
}

fn letters(count: usize) -> Value {
    json!("ü".repeat(count))
}

/// Takes a text of `max` characters at a place of an example, and not one more.
fn longest(name: &str, pointer: &str, max: usize) {
    let kind = EXAMPLES.iter().find(|e| e.name == name).unwrap().kind;
    good(kind, &with(name, pointer, letters(max)));
    bad(kind, &with(name, pointer, letters(max + 1)), pointer, "too_long");
}

#[test]
fn examples_are_good_and_show_every_kind() {
    for example in EXAMPLES {
        let content =
            Content::parse(example.kind, example.object).map_err(|e| format!("{}: {e:?}", example.name));
        assert_eq!(content.map(|c| c.object().get().to_owned()).unwrap(), example.object);
        assert!(example.name.starts_with(example.kind.as_str()));
    }
    let shown: BTreeSet<ContentKind> = EXAMPLES.iter().map(|e| e.kind).collect();
    assert_eq!(shown, ContentKind::ALL.into_iter().collect());
    for (kind, _) in interactive::INTERACTIVE.kinds {
        assert!(EXAMPLES.iter().any(|e| e.name == format!("interactive.{kind}")), "{kind}");
    }
    let templates: String = EXAMPLES.iter().map(|e| e.object.to_lowercase()).collect();
    for (kind, _) in template_parameter::PARAMETER.kinds {
        assert!(templates.contains(&format!(r#"{{"type":"{kind}""#)), "no parameter {kind}");
    }
}

#[test]
fn metas_limits_to_the_letter() {
    longest("text", "/body", 4096);
    for kind in ["image", "video", "document"] {
        longest(kind, "/caption", 1024);
    }
    longest("document", "/filename", 240);
    longest("interactive.button", "/body/text", 1024);
    longest("interactive.button", "/header/text", 60);
    longest("interactive.button", "/footer/text", 60);
    longest("interactive.button", "/action/buttons/0/reply/id", 256);
    longest("interactive.button", "/action/buttons/0/reply/title", 20);
    longest("interactive.list", "/body/text", 4096);
    longest("interactive.list", "/action/button", 20);
    longest("interactive.list", "/action/sections/0/title", 24);
    longest("interactive.list", "/action/sections/0/rows/0/id", 200);
    longest("interactive.list", "/action/sections/0/rows/0/title", 24);
    longest("interactive.list", "/action/sections/0/rows/0/description", 72);
    longest("interactive.cta_url", "/action/parameters/display_text", 20);
    longest("interactive.flow", "/action/parameters/flow_cta", 30);
    longest("interactive.voice_call", "/action/parameters/payload", 512);
    longest("interactive.carousel", "/action/cards/0/body/text", 160);
    let variable =
        |count: usize| with("template", "/components/1/parameters/0/text", json!("a".repeat(count)));
    good(ContentKind::Template, &variable(32_768));
    bad(ContentKind::Template, &variable(32_769), "/components/1/parameters/0/text", "too_long");
}

#[test]
fn text() {
    use ContentKind::Text;
    good(Text, &json!({"body": "x"}));
    bad(Text, &json!({"body": " \n"}), "/body", "invalid_value");
    bad(Text, &json!({}), "/body", "missing");
    bad(Text, &json!({"body": null}), "/body", "missing");
    bad(Text, &json!({"body": "a", "preview_url": "yes"}), "/preview_url", "invalid_type");
    bad(Text, &json!({"body": "a\u{0}"}), "/body", "invalid_character");
    bad(Text, &json!("a"), "", "invalid_type");
    let error = Content::parse(Text, r#"{"boody":"a","preview":true}"#).err().unwrap();
    let told: Vec<String> = error.iter().map(|e| format!("{} {}", e.pointer, e.detail)).collect();
    assert_eq!(
        told,
        [
            "/body this field is required",
            "/boody unknown field; did you mean body?",
            "/preview unknown field; known are body, preview_url"
        ]
    );
}

#[test]
fn media() {
    use ContentKind::{Audio, Document, Image, Sticker, Video};
    for kind in [Audio, Document, Image, Sticker, Video] {
        good(kind, &json!({"id": "1"}));
        good(kind, &json!({"link": "http://192.0.2.1:8080/a%20b?c=d#e"}));
        bad(kind, &json!({}), "", "missing");
        bad(kind, &json!({"id": "1", "link": "https://example.com/a"}), "/link", "invalid_value");
        bad(kind, &json!({"id": "1 2"}), "/id", "invalid_value");
        bad(kind, &json!({"id": 1}), "/id", "invalid_type");
        for link in [
            "",
            "example.com/a",
            "/a",
            "ftp://example.com/a",
            "https:a",
            "https://",
            "https://ex ample.com",
            "https://example.com/\n",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            bad(kind, &json!({"link": link}), "/link", "invalid_value");
        }
        let of_length = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
        good(kind, &json!({"link": of_length(2048)}));
        bad(kind, &json!({"link": of_length(2049)}), "/link", "too_long");
    }
    for kind in [Audio, Sticker] {
        bad(kind, &json!({"id": "1", "caption": "a"}), "/caption", "unknown_field");
    }
    bad(Image, &json!({"id": "1", "filename": "a"}), "/filename", "unknown_field");
    bad(Image, &json!({"id": "1", "voice": true}), "/voice", "unknown_field");
    bad(Audio, &json!({"id": "1", "voice": 1}), "/voice", "invalid_type");
    for name in ["", " ", "a/b", "..\\a", "a\u{7}"] {
        bad(Document, &json!({"id": "1", "filename": name}), "/filename", "invalid_value");
    }
}

#[test]
fn places_and_reactions() {
    use ContentKind::{Location, Reaction};
    for (latitude, longitude) in
        [(json!(90), json!(-180.0)), (json!("-90"), json!("180")), (json!(0), json!("1.5"))]
    {
        good(Location, &json!({"latitude": latitude, "longitude": longitude}));
    }
    for latitude in [json!(90.1), json!("90.1"), json!("1e1"), json!("NaN"), json!(""), json!("inf")] {
        bad(Location, &json!({"latitude": latitude, "longitude": 0}), "/latitude", "out_of_range");
    }
    bad(Location, &json!({"latitude": 0, "longitude": -180.5}), "/longitude", "out_of_range");
    bad(Location, &json!({"latitude": 0, "longitude": true}), "/longitude", "invalid_type");
    let message = "msg_01kagq5rh8e5htqh9sk95d3x4w";
    good(Reaction, &json!({"message_id": message, "emoji": ""}));
    good(Reaction, &json!({"message_id": "wamid.HBgL=", "emoji": "👍🏽"}));
    bad(Reaction, &json!({"message_id": message, "emoji": "👍👍"}), "/emoji", "invalid_value");
    bad(Reaction, &json!({"message_id": message, "emoji": ":)"}), "/emoji", "invalid_value");
    bad(Reaction, &json!({"message_id": message}), "/emoji", "missing");
    for id in ["", "chn_01kagq5rh8e5htqh9sk95d3x4w", "wamid.", "wamid.a b", "HBgL"] {
        bad(Reaction, &json!({"message_id": id, "emoji": ""}), "/message_id", "invalid_value");
    }
}

#[test]
fn a_reaction_finds_its_message() {
    let content = |id: &str| {
        Content::parse(ContentKind::Reaction, &json!({"message_id": id, "emoji": "👍"}).to_string())
    };
    let ours = content("msg_01kagq5rh8e5htqh9sk95d3x4w").unwrap_or_else(|e| panic!("{e:?}"));
    assert!(
        matches!(ours.reacts_to(), Some(Reference::Ours(id)) if id.to_string() == "msg_01kagq5rh8e5htqh9sk95d3x4w")
    );
    let sent = ours.reacting_to("wamid.A=").unwrap();
    assert_eq!(sent.object().get(), r#"{"message_id":"wamid.A=","emoji":"👍"}"#);
    assert_eq!(sent.reacts_to(), Some(Reference::Metas("wamid.A=".to_owned())));
    assert_eq!(ours.words().as_deref(), Some("👍"));
}

#[test]
fn contacts() {
    use ContentKind::Contacts;
    let card = json!({"name": {"formatted_name": "Ada", "first_name": "Ada"}});
    good(Contacts, &Value::Array(vec![card.clone(); 257]));
    bad(Contacts, &Value::Array(vec![card; 258]), "", "too_many");
    bad(Contacts, &json!([]), "", "out_of_range");
    bad(Contacts, &json!([{"name": {"formatted_name": "Ada"}}]), "/0/name", "missing");
    bad(Contacts, &json!([{"name": {"first_name": "Ada"}}]), "/0/name/formatted_name", "missing");
    bad(Contacts, &with("contacts", "/0/birthday", json!("1815-02-30")), "/0/birthday", "invalid_value");
    bad(Contacts, &with("contacts", "/0/birthday", json!("1815-2-3")), "/0/birthday", "invalid_value");
    bad(Contacts, &with("contacts", "/0/phones/0/number", json!("1")), "/0/phones/0/number", "unknown_field");
}

#[test]
fn buttons_and_lists() {
    use ContentKind::Interactive;
    let button = |n: usize| json!({"type": "reply", "reply": {"id": n.to_string(), "title": "a"}});
    let buttons =
        |count: usize| with("interactive.button", "/action/buttons", (0..count).map(button).collect());
    good(Interactive, &buttons(3));
    bad(Interactive, &buttons(4), "/action/buttons", "too_many");
    bad(Interactive, &buttons(0), "/action/buttons", "out_of_range");
    let twice = with("interactive.button", "/action/buttons", json!([button(1), button(1)]));
    bad(Interactive, &twice, "/action/buttons/1/reply/id", "invalid_value");

    let row = |n: usize| json!({"id": n.to_string(), "title": "a"});
    let list = |counts: &[usize]| {
        let mut next = 0..;
        let sections: Vec<Value> = counts
            .iter()
            .map(|count| json!({"title": "t", "rows": next.by_ref().take(*count).map(row).collect::<Vec<_>>()}))
            .collect();
        with("interactive.list", "/action/sections", json!(sections))
    };
    good(Interactive, &list(&[10]));
    good(Interactive, &list(&[1; 10]));
    bad(Interactive, &list(&[11]), "/action/sections/0/rows", "too_many");
    bad(Interactive, &list(&[6, 5]), "/action/sections", "too_many");
    bad(Interactive, &list(&[0]), "/action/sections/0/rows", "out_of_range");
    bad(Interactive, &list(&[]), "/action/sections", "out_of_range");
    let untitled = json!([{"rows": [row(1)]}, {"title": "b", "rows": [row(2)]}]);
    bad(
        Interactive,
        &with("interactive.list", "/action/sections", untitled),
        "/action/sections/0",
        "missing",
    );
    good(Interactive, &with("interactive.list", "/action/sections", json!([{"rows": [row(1)]}])));
    let twice = json!([{"title": "a", "rows": [row(1)]}, {"title": "b", "rows": [row(1)]}]);
    let twice = with("interactive.list", "/action/sections", twice);
    bad(Interactive, &twice, "/action/sections/1/rows/0/id", "invalid_value");
    let picture = json!({"type": "image", "image": {"id": "1"}});
    bad(Interactive, &with("interactive.list", "/header", picture), "/header/type", "invalid_value");
}

#[test]
fn the_other_interactive_kinds() {
    use ContentKind::Interactive;
    bad(Interactive, &json!({"type": "buttons", "action": 1}), "/type", "invalid_value");
    bad(Interactive, &json!({"body": {"text": "a"}}), "/type", "missing");
    let flow =
        |name: &str, value: Value| with("interactive.flow", &format!("/action/parameters/{name}"), value);
    bad(Interactive, &flow("flow_name", json!("a")), "/action/parameters/flow_name", "invalid_value");
    bad(Interactive, &flow("flow_id", Value::Null), "/action/parameters", "missing");
    bad(
        Interactive,
        &flow("flow_message_version", json!("4")),
        "/action/parameters/flow_message_version",
        "invalid_value",
    );
    bad(
        Interactive,
        &flow("flow_action_payload", json!([])),
        "/action/parameters/flow_action_payload",
        "invalid_type",
    );
    good(Interactive, &flow("flow_action_payload", json!({"any": {"thing": [1]}})));
    bad(Interactive, &flow("screen", json!("A")), "/action/parameters/screen", "unknown_field");

    let item = |n: usize| json!({"product_retailer_id": n.to_string()});
    let products = |counts: &[usize]| {
        let section =
            |count: &usize| json!({"title": "t", "product_items": (0..*count).map(item).collect::<Vec<_>>()});
        with("interactive.product_list", "/action/sections", counts.iter().map(section).collect())
    };
    good(Interactive, &products(&[15, 15]));
    bad(Interactive, &products(&[15, 16]), "/action/sections", "too_many");
    bad(Interactive, &products(&[31]), "/action/sections/0/product_items", "too_many");

    let call =
        |minutes: i64| with("interactive.voice_call", "/action/parameters/ttl_minutes", json!(minutes));
    good(Interactive, &call(43_200));
    bad(Interactive, &call(43_201), "/action/parameters/ttl_minutes", "out_of_range");
    bad(Interactive, &call(0), "/action/parameters/ttl_minutes", "out_of_range");
    for kind in ["address_message", "order_details", "order_status"] {
        let free =
            with(&format!("interactive.{kind}"), "/action/parameters", json!({"x": {"y": [null, 1.50]}}));
        good(Interactive, &free);
    }
    let request = with("interactive.request_contact_info", "/footer", json!({"text": "a"}));
    bad(Interactive, &request, "/footer", "unknown_field");
}

#[test]
fn carousels() {
    use ContentKind::Interactive;
    let cards = |cards: Value| with("interactive.carousel", "/action/cards", cards);
    let card = |n: usize, action: Value| json!({"card_index": n, "header": {"type": "image", "image": {"id": "1"}}, "action": action});
    let url = json!({"name": "cta_url", "parameters": {"display_text": "a", "url": "https://example.com"}});
    let reply = |id: &str| json!({"type": "quick_reply", "quick_reply": {"id": id, "title": "a"}});
    let of = |count: usize| cards((0..count).map(|n| card(n, url.clone())).collect());
    good(Interactive, &of(2));
    good(Interactive, &of(10));
    bad(Interactive, &of(1), "/action/cards", "out_of_range");
    good(
        Interactive,
        &cards(json!([card(0, json!({"buttons": [reply("a")]})), card(1, json!({"buttons": [reply("b")]}))])),
    );
    let product = |n: usize| json!({"card_index": n, "type": "product", "action": {"catalog_id": "1", "product_retailer_id": "2"}});
    good(Interactive, &cards(json!([product(0), product(1)])));
    bad(
        Interactive,
        &cards(json!([card(0, url.clone()), card(0, url.clone())])),
        "/action/cards/1/card_index",
        "invalid_value",
    );
    bad(
        Interactive,
        &cards(json!([card(0, json!({"buttons": [reply("a")]})), card(1, url.clone())])),
        "/action/cards/1",
        "invalid_value",
    );
    bad(
        Interactive,
        &cards(json!([card(0, json!({"buttons": [reply("a")]})), card(1, json!({"buttons": [reply("a")]}))])),
        "/action/cards/1/action/buttons/0/quick_reply/id",
        "invalid_value",
    );
    let nothing = card(0, json!({}));
    let errors = wrong(Interactive, &cards(json!([nothing, card(1, json!({}))])));
    assert_eq!(
        errors.iter().filter(|e| **e == ("/action/cards/0/action".to_owned(), "missing")).count(),
        1,
        "{errors:?}"
    );
    let bare = |n: usize| json!({"card_index": n, "action": url.clone()});
    assert_eq!(
        wrong(Interactive, &cards(json!([bare(0), bare(1)])))[0],
        ("/action/cards/0/header".to_owned(), "missing")
    );
}

#[test]
fn templates() {
    use ContentKind::Template;
    let components =
        |components: Value| json!({"name": "a", "language": {"code": "en"}, "components": components});
    good(Template, &json!({"name": "a", "language": {"code": "en"}}));
    good(Template, &components(json!([])));
    bad(Template, &components(json!({})), "/components", "invalid_type");
    bad(Template, &json!({"name": "A", "language": {"code": "en"}}), "/name", "invalid_value");
    bad(Template, &json!({"name": "a", "language": {"code": "en-US"}}), "/language/code", "invalid_value");
    bad(Template, &json!({"name": "a", "language": "en"}), "/language", "invalid_type");
    bad(Template, &components(json!([{"type": "footer"}])), "/components/0/type", "invalid_value");
    let button = |sub_type: &str, index: Value, parameters: Value| {
        components(
            json!([{"type": "button", "sub_type": sub_type, "index": index, "parameters": parameters}]),
        )
    };
    good(Template, &button("CATALOG", json!("9"), json!([])));
    for index in [json!("10"), json!(10), json!(-1), json!("+1"), json!("")] {
        bad(Template, &button("url", index, json!([])), "/components/0/index", "out_of_range");
    }
    bad(Template, &button("link", json!(0), json!([])), "/components/0/sub_type", "invalid_value");
    let coupon = json!([{"type": "coupon_code", "coupon_code": "A"}]);
    bad(
        Template,
        &button("quick_reply", json!(0), coupon),
        "/components/0/parameters/0/type",
        "invalid_value",
    );
    let body = |parameter: Value| components(json!([{"type": "body", "parameters": [parameter]}]));
    bad(
        Template,
        &body(json!({"type": "image", "image": {"id": "1"}})),
        "/components/0/parameters/0/type",
        "invalid_value",
    );
    bad(
        Template,
        &body(json!({"type": "words", "words": "a"})),
        "/components/0/parameters/0/type",
        "invalid_value",
    );
    bad(
        Template,
        &body(json!({"type": "text", "text": ""})),
        "/components/0/parameters/0/text",
        "invalid_value",
    );
    let text = |text: &str| body(json!({"type": "text", "text": text}));
    for fine in ["a", " ", "a    b", "a\u{a0}b"] {
        good(Template, &text(fine));
    }
    for odd in ["a\nb", "a\tb", "a     b"] {
        bad(Template, &text(odd), "/components/0/parameters/0/text", "invalid_value");
    }
    good(Template, &button("request_contact_info", json!(0), json!([])));
    let money = |code: &str, amount: Value| {
        body(
            json!({"type": "currency", "currency": {"fallback_value": "1", "code": code, "amount_1000": amount}}),
        )
    };
    good(Template, &money("IDR", json!(25_000_000_000_i64)));
    bad(Template, &money("eur", json!(1)), "/components/0/parameters/0/currency/code", "invalid_value");
    bad(
        Template,
        &money("EUR", json!(1.5)),
        "/components/0/parameters/0/currency/amount_1000",
        "out_of_range",
    );
    good(
        Template,
        &body(json!({"type": "date_time", "date_time": {"fallback_value": "now", "calendar": "GREGORIAN"}})),
    );
    let action =
        json!([{"type": "action", "action": {"flow_token": "t", "flow_action_data": {"a": [1.10]}}}]);
    good(Template, &button("flow", json!(0), action));
    let header = json!([{"type": "header", "parameters": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]);
    bad(Template, &components(header), "/components/0/parameters", "too_many");
    let many = |count: usize| components(vec![json!({"type": "body"}); count].into());
    good(Template, &many(20));
    bad(Template, &many(21), "/components", "too_many");
}

#[test]
fn everything_wrong_is_told_at_once() {
    let object = json!({
        "type": "button", "boddy": {"text": "a"}, "footer": {"text": "x".repeat(61)},
        "action": {"buttons": [{"type": "reply", "reply": {"id": "", "titel": "a"}}, {"type": "link"}]},
    });
    assert_eq!(
        wrong(ContentKind::Interactive, &object),
        [
            ("/body", "missing"),
            ("/footer/text", "too_long"),
            ("/action/buttons/0/reply/id", "invalid_value"),
            ("/action/buttons/0/reply/title", "missing"),
            ("/action/buttons/0/reply/titel", "unknown_field"),
            ("/action/buttons/1/type", "invalid_value"),
            ("/boddy", "unknown_field"),
        ]
        .map(|(pointer, code)| (pointer.to_owned(), code))
    );
}

#[test]
fn an_object_has_a_largest_size() {
    let of_size = |bytes: usize| {
        let object = json!({"type": "order_details", "body": {"text": "a"}, "action": {"name": "review_and_pay", "parameters": {"x": ""}}});
        let padding = bytes - object.to_string().len();
        object.to_string().replace(r#""x":"""#, &format!(r#""x":"{}""#, "p".repeat(padding)))
    };
    assert!(Content::parse(ContentKind::Interactive, &of_size(OBJECT_BYTES_MAX)).is_ok());
    let errors = Content::parse(ContentKind::Interactive, &of_size(OBJECT_BYTES_MAX + 1)).err().unwrap();
    assert_eq!((errors[0].pointer.as_str(), errors[0].code), ("", "too_long"));
}

#[test]
fn words_of_each_kind() {
    let words = |name: &str| {
        let example = EXAMPLES.iter().find(|e| e.name == name).unwrap();
        Content::parse(example.kind, example.object).ok().unwrap().words()
    };
    assert_eq!(words("text").as_deref(), Some("Your parcel is here: https://example.com/p/17"));
    assert_eq!(words("image").as_deref(), Some("Your parcel"));
    assert_eq!(words("interactive.list").as_deref(), Some("When shall we come?"));
    assert_eq!(words("contacts").as_deref(), Some("Ada Lovelace"));
    assert_eq!(words("location").as_deref(), Some("Parcel shop"));
    assert_eq!(words("template"), None);
    let escaped = Content::parse(ContentKind::Text, r#"{"body":"a\nb\u00e9"}"#).ok().unwrap();
    assert_eq!(escaped.words().as_deref(), Some("a\nbé"));
}

/// Walks a rule and everything below it.
fn walk(rule: &Rule, seen: &mut Vec<&'static str>) {
    fn shape(shape: &'static Shape, seen: &mut Vec<&'static str>) {
        if seen.contains(&shape.name) {
            return;
        }
        seen.push(shape.name);
        assert!(shape.about.ends_with('.'), "{}: a sentence", shape.name);
        let names: BTreeSet<&str> = shape.fields.iter().map(|f| f.name).collect();
        assert_eq!(names.len(), shape.fields.len(), "{}", shape.name);
        shape.fields.iter().for_each(|field| walk(&field.rule, seen));
    }
    match rule {
        Rule::Object(one) => shape(one, seen),
        Rule::Kinds(Kinds { name, kinds, .. }) if !seen.contains(name) => {
            seen.push(name);
            kinds.iter().for_each(|(_, one)| shape(one, seen));
        }
        Rule::List { min, max, item } => {
            assert!(min <= max);
            walk(item, seen);
        }
        Rule::Own(own) => {
            let example = json!(own.example).to_string();
            let checked = json::decode(example.as_bytes(), |value| {
                (own.check)(value);
                Some(())
            });
            assert!(
                checked.is_ok() && matches!(own.accepts, Accepts::Text | Accepts::NumberOrText),
                "{example}"
            );
        }
        _ => {}
    }
}

/// Two shapes under one name would describe each other wrongly in the documents.
#[test]
fn shapes_have_names_of_their_own() {
    let mut seen = Vec::new();
    for kind in ContentKind::ALL {
        walk(&kind.rule(), &mut seen);
    }
    assert!(seen.len() > 80, "{}", seen.len());
    let names: BTreeSet<&str> = seen.iter().copied().collect();
    assert_eq!(names.len(), seen.len());
}
