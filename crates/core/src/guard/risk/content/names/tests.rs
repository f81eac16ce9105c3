#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;

fn famous(host: &str) -> u8 {
    let name = HostName::of(host);
    let names = &*FAMOUS_NAMES;
    if names.is_owner(host, &name) { 0 } else { names.likeness(&name, &mut Steps::default()) }
}

#[test]
fn borrowed_names_are_found() {
    for (host, expected) in [
        ("paypa1.com", CERTAIN),
        ("pаypal.com", CERTAIN),
        ("páypal.com", CERTAIN),
        ("micr0soft-login.com", CERTAIN),
        ("arnazon.com", CERTAIN),
        ("paypal.com.example.top", CERTAIN),
        ("www.paypal.com.example.top", CERTAIN),
        ("paypal.com-secure.top", CERTAIN),
        ("whatsapp.com.verify.example.org", CERTAIN),
        ("amazon.co.jp.example.top", 0),
        ("paypal-login.top", BAITED),
        ("secure-paypal.top", BAITED),
        ("paypallogin.top", BAITED),
        ("apple-support.top", BAITED),
        ("dhl-parcel-tracking.com", BAITED),
        ("paypal-login.web.app", BAITED),
        ("paypall.com", NEAR),
        ("papyal.com", NEAR),
        ("paypl.com", NEAR),
        ("facebok.com", NEAR),
        ("paypal.top", NEAR),
    ] {
        assert_eq!(famous(host), expected, "{host}");
    }
}

#[test]
fn owners_and_honest_others_are_left_alone() {
    for host in [
        "paypal.com",
        "www.paypal.com",
        "paypal.me",
        "paypal.de",
        "amazon.co.uk",
        "amazon.com.br",
        "mercadolivre.com.br",
        "paypay.ne.jp",
        "whatsapp.example.com",
        "google.example.com",
        "apple-orchard.com",
        "apple.example",
        "chase-the-sun.com",
        "visa-support.ae",
        "facebook-ads-agency.com",
        "finance.com",
        "cloud.com",
        "bookings.com",
        "example.com",
        "signals.com",
        "start-ups-support.com",
        "horizon.com",
        "login.example.com",
        "accounts.google.com",
        "hotel-booking-service.com",
        "online-booking.com",
        "steam-cleaning-service.com",
        "wordpress-support.com",
        "mobile.de",
        "amazone.de",
        "minted.com",
        "skill.de",
        "netflix.net",
        "amazon.science",
        "amazon.jobs",
        "verizon.net",
        "airbnb.org",
        "paypay-bank.co.jp",
        "webchat.de",
        "googleusercontent.com",
        "paypalobjects.com",
        "githubusercontent.com",
        "storage.googleapis.com",
        "s3.eu-central-1.amazonaws.com",
        "login.microsoftonline.com",
        "outlook.office365.com",
        "us02web.zoom.us",
        "t.me",
        "wa.me",
        "api.whatsapp.com",
        "m.facebook.com",
        "l.instagram.com",
        "music.youtube.com",
        "open.spotify.com",
        "docs.google.com",
        "forms.gle",
        "maps.app.goo.gl",
        "g.page",
        "calendly.com",
        "checkout.stripe.com",
        "buy.stripe.com",
        "pay.sumup.com",
        "linktr.ee",
        "trustpilot.com",
        "eventbrite.co.uk",
        "surveymonkey.com",
        "mailchimp.com",
        "wetransfer.com",
        "canva.com",
        "notion.so",
        "wixsite.com",
        "myshop.myshopify.com",
        "tracking.dpd.de",
        "gls-group.eu",
        "nytimes.com",
        "bbc.co.uk",
        "wikipedia.org",
        "booking.com",
        "zillow.com",
        "indeed.com",
        "mantra.com",
        "signpost.com",
    ] {
        assert_eq!(famous(host), 0, "{host}");
    }
}

#[test]
fn a_workspace_has_names_of_its_own() {
    let own =
        Names::own(&["Blue Pelican", "Süßwaren Müller", "Ab"], &["bluepelican.example", "pelican-shop.com"]);
    let like = |host: &str| {
        let name = HostName::of(host);
        if own.is_owner(host, &name) { 0 } else { own.likeness(&name, &mut Steps::default()) }
    };
    for host in ["bluepelican.example", "www.bluepelican.example", "pelican-shop.com", "bluepelican.de"] {
        assert_eq!(like(host), 0, "{host}");
    }
    for (host, expected) in [
        ("b1uepelican.com", CERTAIN),
        ("bluepe1ican.com", CERTAIN),
        ("bluepelican.example.evil.top", CERTAIN),
        ("bluepelicans.com", NEAR),
        ("pelican-shops.com", NEAR),
        ("bluepelican-support.com", 0),
        ("sussenwaren.com", 0),
    ] {
        assert_eq!(like(host), expected, "{host}");
    }
}

#[test]
fn words_in_disguise() {
    for (word, disguised) in [
        ("PаyPal", true),
        ("Paypa1", true),
        ("PayPal", false),
        ("paypal", false),
        ("Amazon", false),
        ("amaz0n", true),
        ("order", false),
        ("v1sa", false),
        ("PaypaI", true),
        ("lnstagram", true),
        ("App1e", true),
        ("Appie", false),
        ("Zeile", false),
        ("Jumla", false),
        ("Bookíng", false),
    ] {
        assert_eq!(FAMOUS_NAMES.is_disguise(word, &skeleton(word)), disguised, "{word}");
    }
}

#[test]
fn the_list_is_well_formed() {
    let lines: Vec<&str> = FAMOUS.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() <= 300 && lines.len() > 150, "{}", lines.len());
    for line in lines {
        let name = super::line(line).unwrap();
        assert!(name.text.len() >= 3 && name.text.bytes().all(|b| b.is_ascii_alphanumeric()), "{line}");
        assert!(name.everywhere || !name.domains.is_empty(), "{line} has no owner");
        assert!(name.domains.iter().all(|domain| domain.contains('.') && !domain.contains('*')), "{line}");
        assert_eq!(FAMOUS_NAMES.list[FAMOUS_NAMES.by_text[&name.text]].domains, name.domains, "{line} twice");
    }
    // Nobody on the list borrows from another one.
    for name in &FAMOUS_NAMES.list {
        for domain in &name.domains {
            assert_eq!(famous(domain), 0, "{domain}");
        }
    }
}

#[test]
fn one_letter() {
    for (one, other, near) in [
        ("paypal", "paypall", true),
        ("paypal", "aypal", true),
        ("paypal", "paipal", true),
        ("paypal", "papyal", true),
        ("paypal", "paypalxx", false),
        ("paypal", "pyapla", false),
        ("", "", false),
        ("paypal", "paypal", false),
    ] {
        assert_eq!(is_near(one, other), near, "{one} {other}");
        assert_eq!(is_near(other, one), near, "{other} {one}");
    }
}
