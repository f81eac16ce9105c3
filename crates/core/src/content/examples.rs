//! One good object of every kind and sub-kind: for the API's documents, and for whoever wants to see them all go out.

use super::ContentKind;

/// Meta's object of a kind.
pub struct Example {
    /// The kind, and the sub-kind after a point: `interactive.list`.
    pub name: &'static str,
    pub kind: ContentKind,
    /// JSON.
    pub object: &'static str,
}

const fn example(name: &'static str, kind: ContentKind, object: &'static str) -> Example {
    Example { name, kind, object }
}

use ContentKind::{
    Audio, Contacts, Document, Image, Interactive, Location, Reaction, Sticker, Template, Text, Video,
};

pub const EXAMPLES: &[Example] = &[
    example("text", Text, r#"{"body":"Your parcel is here: https://example.com/p/17","preview_url":true}"#),
    example("image", Image, r#"{"link":"https://example.com/parcel.jpg","caption":"Your parcel"}"#),
    example("audio", Audio, r#"{"link":"https://example.com/answer.ogg","voice":true}"#),
    example("video", Video, r#"{"link":"https://example.com/tour.mp4","caption":"How to open it"}"#),
    example(
        "document",
        Document,
        r#"{"link":"https://example.com/invoice.pdf","filename":"invoice.pdf","caption":"Your invoice"}"#,
    ),
    example("sticker", Sticker, r#"{"link":"https://example.com/thanks.webp"}"#),
    example(
        "location",
        Location,
        r#"{"latitude":37.483307,"longitude":-122.148981,"name":"Parcel shop","address":"1 Hacker Way, Menlo Park, CA 94025"}"#,
    ),
    example(
        "contacts",
        Contacts,
        r#"[{"name":{"formatted_name":"Ada Lovelace","first_name":"Ada","last_name":"Lovelace"},"phones":[{"phone":"+12025550123","type":"WORK","wa_id":"12025550123"}],"emails":[{"email":"ada@example.com","type":"WORK"}],"addresses":[{"street":"1 Hacker Way","city":"Menlo Park","state":"CA","zip":"94025","country":"United States","country_code":"US","type":"WORK"}],"org":{"company":"Example Ltd","department":"Engines","title":"Engineer"},"urls":[{"url":"https://example.com","type":"WORK"}],"birthday":"1815-12-10"}]"#,
    ),
    example(
        "reaction",
        Reaction,
        r#"{"message_id":"wamid.HBgLMTIwMjU1NTAxMDEVAgASGBQzQTdBNzM4Qzk0NTNDRDlFQzQ0QQA=","emoji":"👍"}"#,
    ),
    example(
        "interactive.button",
        Interactive,
        r#"{"type":"button","header":{"type":"text","text":"Delivery"},"body":{"text":"Is Monday good?"},"footer":{"text":"You can change it later"},"action":{"buttons":[{"type":"reply","reply":{"id":"yes","title":"Yes"}},{"type":"reply","reply":{"id":"no","title":"Another day"}}]}}"#,
    ),
    example(
        "interactive.list",
        Interactive,
        r#"{"type":"list","body":{"text":"When shall we come?"},"action":{"button":"Choose","sections":[{"title":"Monday","rows":[{"id":"mon-am","title":"Morning","description":"8 to 12"},{"id":"mon-pm","title":"Afternoon"}]},{"title":"Tuesday","rows":[{"id":"tue-am","title":"Morning"}]}]}}"#,
    ),
    example(
        "interactive.cta_url",
        Interactive,
        r#"{"type":"cta_url","header":{"type":"image","image":{"link":"https://example.com/parcel.jpg"}},"body":{"text":"See where it is."},"action":{"name":"cta_url","parameters":{"display_text":"Track","url":"https://example.com/track/17"}}}"#,
    ),
    example(
        "interactive.flow",
        Interactive,
        r#"{"type":"flow","body":{"text":"Book an appointment."},"action":{"name":"flow","parameters":{"flow_message_version":"3","flow_id":"1197715005513101","flow_cta":"Book","mode":"published","flow_token":"booking-17","flow_action":"navigate","flow_action_payload":{"screen":"BOOKING","data":{"day":"2026-11-02"}}}}}"#,
    ),
    example(
        "interactive.product",
        Interactive,
        r#"{"type":"product","body":{"text":"The one you asked about."},"action":{"catalog_id":"194836987003835","product_retailer_id":"sku-17"}}"#,
    ),
    example(
        "interactive.product_list",
        Interactive,
        r#"{"type":"product_list","header":{"type":"text","text":"Spare parts"},"body":{"text":"These fit."},"action":{"catalog_id":"194836987003835","sections":[{"title":"Filters","product_items":[{"product_retailer_id":"sku-17"},{"product_retailer_id":"sku-18"}]}]}}"#,
    ),
    example(
        "interactive.catalog_message",
        Interactive,
        r#"{"type":"catalog_message","body":{"text":"All we have."},"action":{"name":"catalog_message","parameters":{"thumbnail_product_retailer_id":"sku-17"}}}"#,
    ),
    example(
        "interactive.location_request_message",
        Interactive,
        r#"{"type":"location_request_message","body":{"text":"Where shall we pick you up?"},"action":{"name":"send_location"}}"#,
    ),
    example(
        "interactive.address_message",
        Interactive,
        r#"{"type":"address_message","body":{"text":"Where shall we deliver?"},"action":{"name":"address_message","parameters":{"country":"IN","values":{"name":"Ada"}}}}"#,
    ),
    example(
        "interactive.call_permission_request",
        Interactive,
        r#"{"type":"call_permission_request","body":{"text":"May we call you about your parcel?"},"action":{"name":"call_permission_request"}}"#,
    ),
    example(
        "interactive.voice_call",
        Interactive,
        r#"{"type":"voice_call","body":{"text":"Questions? Call us."},"action":{"name":"voice_call","parameters":{"display_text":"Call support","ttl_minutes":1440,"payload":"parcel-17"}}}"#,
    ),
    example(
        "interactive.request_contact_info",
        Interactive,
        r#"{"type":"request_contact_info","body":{"text":"Share your number so that the courier can call."},"action":{"name":"request_contact_info"}}"#,
    ),
    example(
        "interactive.order_details",
        Interactive,
        r#"{"type":"order_details","body":{"text":"Your order."},"action":{"name":"review_and_pay","parameters":{"reference_id":"order-17","type":"physical-goods","currency":"INR","total_amount":{"value":2100,"offset":100},"payment_settings":[],"order":{"status":"pending","items":[]}}}}"#,
    ),
    example(
        "interactive.order_status",
        Interactive,
        r#"{"type":"order_status","body":{"text":"It is on its way."},"action":{"name":"review_order","parameters":{"reference_id":"order-17","order":{"status":"shipped"}}}}"#,
    ),
    example(
        "interactive.carousel",
        Interactive,
        r#"{"type":"carousel","body":{"text":"Two ways to get it."},"action":{"cards":[{"card_index":0,"type":"cta_url","header":{"type":"image","image":{"link":"https://example.com/shop.jpg"}},"body":{"text":"Pick it up"},"action":{"name":"cta_url","parameters":{"display_text":"Shops","url":"https://example.com/shops"}}},{"card_index":1,"type":"cta_url","header":{"type":"image","image":{"link":"https://example.com/van.jpg"}},"action":{"name":"cta_url","parameters":{"display_text":"Delivery","url":"https://example.com/delivery"}}}]}}"#,
    ),
    example(
        "template",
        Template,
        r#"{"name":"order_ready","language":{"code":"en_US"},"components":[{"type":"header","parameters":[{"type":"image","image":{"link":"https://example.com/parcel.jpg"}}]},{"type":"body","parameters":[{"type":"text","parameter_name":"name","text":"Ada"},{"type":"currency","currency":{"fallback_value":"€12.50","code":"EUR","amount_1000":12500}},{"type":"date_time","date_time":{"fallback_value":"2 November 2026"}}]},{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"17"}]},{"type":"button","sub_type":"quick_reply","index":1,"parameters":[{"type":"payload","payload":"later"}]}]}"#,
    ),
    example(
        "template.code",
        Template,
        r#"{"name":"login_code","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"481516"}]},{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"481516"}]}]}"#,
    ),
    example(
        "template.carousel",
        Template,
        r#"{"name":"two_ways","language":{"code":"en"},"components":[{"type":"CAROUSEL","cards":[{"card_index":0,"components":[{"type":"HEADER","parameters":[{"type":"IMAGE","image":{"link":"https://example.com/shop.jpg"}}]},{"type":"BUTTON","sub_type":"QUICK_REPLY","index":0,"parameters":[{"type":"PAYLOAD","payload":"shop"}]}]}]}]}"#,
    ),
    example(
        "template.buttons",
        Template,
        r#"{"name":"all_buttons","language":{"code":"en","policy":"deterministic"},"components":[{"type":"header","parameters":[{"type":"location","location":{"latitude":"37.48","longitude":"-122.15","name":"Parcel shop"}}]},{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer","limited_time_offer":{"expiration_time_ms":1793525400000}}]},{"type":"button","sub_type":"copy_code","index":0,"parameters":[{"type":"coupon_code","coupon_code":"25OFF"}]},{"type":"button","sub_type":"flow","index":1,"parameters":[{"type":"action","action":{"flow_token":"t","flow_action_data":{"day":1}}}]},{"type":"button","sub_type":"voice_call","index":2,"parameters":[{"type":"ttl_minutes","ttl_minutes":100},{"type":"payload","payload":"p"}]},{"type":"button","sub_type":"spm","index":3,"parameters":[{"type":"product","product":{"product_retailer_id":"sku-17"}}]}]}"#,
    ),
    example(
        "template.order",
        Template,
        r#"{"name":"order_shipped","language":{"code":"en"},"components":[{"type":"header","parameters":[{"type":"document","document":{"link":"https://example.com/invoice.pdf","filename":"invoice.pdf"}}]},{"type":"order_status","parameters":[{"type":"order_status","order_status":{"reference_id":"order-17","order":{"status":"shipped"}}}]},{"type":"tap_target_configuration","parameters":[{"type":"tap_target_configuration","tap_target_configuration":[{"url":"https://example.com/track/17","title":"Track"}]}]}]}"#,
    ),
    example(
        "template.video",
        Template,
        r#"{"name":"how_to","language":{"code":"fil"},"components":[{"type":"header","parameters":[{"type":"video","video":{"link":"https://example.com/tour.mp4"}}]}]}"#,
    ),
];
