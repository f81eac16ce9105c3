//! Endings of host names: which a messenger makes a link of, and where the part begins that somebody registers.
//!
//! Threat note. No list here is whole: there are 1,400 endings and 10,000 public suffixes. A name under a rare ending,
//! written without a scheme, is not seen as a link; a suffix that is not known is taken for a registered name, which makes
//! a finding milder, never a false one.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Every two-letter ending that is delegated to a country (ISO 3166 and IANA's exceptions).
const COUNTRIES: &str = "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt \
    bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm \
    fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo \
    jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt \
    mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw \
    sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug \
    uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw";

/// Generic endings in wide use, and those that abuse reports name often.
const GENERIC: &str = "com net org info biz edu gov mil int name pro mobi jobs travel museum aero coop cat tel asia post \
    xyz top site online store shop club vip icu buzz cyou rest monster quest beauty hair skin makeup bond sbs lol cfd \
    live life world today email digital agency solutions services company center support help app dev page web cloud \
    tech space website host press fun win bid loan click link work rocks ninja guru academy school education university \
    finance financial bank money cash credit loans tax insurance capital fund exchange market markets trading trade \
    review reviews news media blog wiki social chat video photos pictures gallery studio design art music band fashion \
    clothing shoes jewelry watch restaurant cafe pizza bar pub beer wine coffee food kitchen recipes hotel holiday \
    tours vacations flights taxi car cars auto bike house homes land properties estate rentals apartments construction \
    build builders doctor dental clinic hospital health healthcare fitness yoga care vet pet dog baby family kids toys \
    games game play bet casino poker football golf run ski surf team gold diamonds gift gifts party events wedding \
    ngo foundation charity church faith bible law legal lawyer attorney consulting engineer systems software network \
    computer codes technology data hosting domains directory international global group zone city town london berlin \
    paris amsterdam wien tokyo nyc miami africa lat eus gal scot wales koeln hamburg moscow cool best one plus deals \
    sale discount cheap promo bargains express delivery direct ltd llc gmbh inc inco ist istanbul swiss ong eco green \
    energy solar bio farm garden earth day now new foo zip mov dad phd prof esq nexus ing meme boo";

/// Endings in other scripts, as they are seen.
const UNICODE: &str = "рф рус бел укр срб мкд қаз бг ею ελ ευ հայ გე भारत भारतम् ভারত বাংলা இந்தியா இலங்கை తెలుగు ไทย ລາວ \
    中国 中國 公司 网络 网址 在线 中文网 香港 台湾 台灣 新加坡 商城 한국 닷컴 みんな コム امارات السعودية مصر قطر پاکستان ایران شبكة \
    موقع الاردن المغرب تونس عمان فلسطين سورية عراق ישראל קום ком онлайн сайт орг дети москва";

/// Under a country's ending these mean "registered one further left": `example.co.uk`.
const SECOND: [&str; 26] = [
    "ac", "adv", "co", "com", "edu", "eng", "firm", "gen", "go", "gob", "gouv", "gov", "gub", "ind", "info",
    "ltd", "me", "mil", "ne", "net", "nic", "nom", "or", "org", "plc", "web",
];

/// Under these everybody gets a name for the asking, so the name before it is the registered one.
const HOSTING: [&str; 30] = [
    "amazonaws.com",
    "azurewebsites.net",
    "blogspot.com",
    "carrd.co",
    "cloudfront.net",
    "duckdns.org",
    "firebaseapp.com",
    "fly.dev",
    "framer.website",
    "gitbook.io",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "my.id",
    "myshopify.com",
    "netlify.app",
    "ngrok.io",
    "ngrok-free.app",
    "onrender.com",
    "pages.dev",
    "r2.dev",
    "repl.co",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "webflow.io",
    "weebly.com",
    "wixsite.com",
    "workers.dev",
];

static KNOWN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| [COUNTRIES, GENERIC, UNICODE].iter().flat_map(|list| list.split_whitespace()).collect());

/// True where a name with this last label is made a link without a scheme. `ending` in small letters, as it is seen.
pub(super) fn is_linked(ending: &str) -> bool {
    KNOWN.contains(ending)
}

/// True for two letters, which are a country's.
pub(super) fn is_country(ending: &str) -> bool {
    ending.len() == 2 && ending.bytes().all(|b| b.is_ascii_lowercase())
}

/// How many of the last labels nobody can register by themselves; at least one where there are labels.
pub(super) fn suffix(labels: &[&str]) -> usize {
    let [.., second, last] = labels else { return labels.len() };
    let hosted = HOSTING.iter().any(|host| host.split_once('.') == Some((*second, *last)));
    let registry = is_country(last) && SECOND.contains(second);
    if labels.len() > 2 && (hosted || registry) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_part_is_found() {
        for (name, expected) in [
            ("example.com", 1),
            ("www.example.co.uk", 2),
            ("co.uk", 1),
            ("example.com.br", 2),
            ("a.b.web.app", 2),
            ("paypal.com.evil.top", 1),
            ("localhost", 1),
        ] {
            let labels: Vec<&str> = name.split('.').collect();
            assert_eq!(suffix(&labels), expected, "{name}");
        }
    }

    #[test]
    fn what_is_linked() {
        for ending in ["com", "ly", "рф", "top", "中国"] {
            assert!(is_linked(ending), "{ending}");
        }
        for ending in ["", "g", "pdf", "we", "exe", "please", "com2"] {
            assert!(!is_linked(ending), "{ending}");
        }
    }
}
