//! The rules as a page for people: `docs/risk-rules.md`.

use std::fmt::Write as _;

use super::rules::{Family, RULES, TOGETHER};
use super::tuning::{Preset, Tuning};

const HEAD: &str = "\
# The risk rules

Before a message is accepted, rules look at it and at what its channel did within the last 24 hours. Each rule measures
one number and turns it into a score; the sum, 100 at most, decides whether the message is allowed, held for somebody to
look at, or blocked. The answer names every rule that added to the sum, with its number and score; it never repeats
words of the message.

This page is written from the program's own table: `GATEPOST_UPDATE=1 cargo test -p gatepost-core risk`.

## How a score comes about

A number up to half of *hold* scores nothing. From there the score rises evenly to 60 at *hold*, to 90 at *block*, and no
further. So one rule holds a message by itself when its number reaches *hold*, and several that are half-way there hold
it together.

Not all of the score counts for everybody: *weight* is the share that a rule has at all, and *known*, *open* and
*reviewed* are what is left of it for a person who was written to before, for one who wrote within the last 24 hours, and
for a template, whose words Meta approved, or the words of a verification. Percent; the last multiplies with the others.
";

const TUNING: &str = "\
## Tuning

A plan carries the numbers as JSON. Every member may be left out, and a rule that is not named keeps the preset's.

```json
{
  \"preset\": \"standard\",
  \"hold_score\": 60,
  \"block_score\": 90,
  \"rules\": {
    \"identical_text\": {\"hold_at\": 300, \"block_at\": 1000},
    \"shortened_links\": {\"enabled\": false},
    \"link_density\": {\"weight\": 100}
  },
  \"warm_up\": [50, 100, 200, 500, 1000]
}
```

`off` asks no rule. `standard` is the default. `strict` holds from 50 on and blocks from 80 on, and halves the numbers
of the rules marked so. `warm_up` holds how many people a new channel may write to first on each day of its life, from
the first on; after its last number there is no bound, and `[]` means none at all.
";

const WORDS: &str = "\
## What the words are held against

**Links** are found much as a messenger finds them: with `http://` and `https://`, and without where the ending is known.
Punycode is read as people see it. Links to the workspace's own hosts do not count, nor do addresses in private networks.

**Look-alikes** are held against a list of some 240 names that are often borrowed, and against the workspace's own names
and hosts: letters of other scripts, digits and accents that look like letters (`paypa1`), one letter too many, too few,
another or two swapped (`paypall`), a known host before another one (`paypal.com.example.top`), a known name beside a word
that baits (`paypal-login.top`), or under an ending where its owner is not (`paypal.top`).

**Requests for secrets** are found in 22 languages: Arabic, Bengali, Chinese, Dutch, English, French, German, Hebrew,
Hindi, Indonesian and Malay, Italian, Japanese, Korean, Polish, Portuguese, Romanian, Russian, Spanish, Swahili, Turkish,
Ukrainian, Vietnamese. To tell somebody a code, to warn of sharing it, to ask for the last four digits of a card, to link
to a page where a password is reset: all that is no request.

**The same text** is the same though numbers, the name behind a greeting, capitals, signs, emoji, look-alike letters or
the tail of a link differ. What is kept is eight bytes of a keyed digest, for the 48 hottest texts of a channel.

## What no rule can detect

The rules are published, and whoever knows the numbers can stay below them. Beyond that:

- **Lies in plain words.** \"Your parcel waits, call this number\" looks like an honest message, and often is one.
- **Consent.** Whether somebody wants a message is not written in it. Meta's refusals and people's opt-outs tell, but late.
- **What is not text**: pictures, recordings, documents, QR codes, and what is behind a link.
- **Links that a person puts together**: `example dot com`, `hxxps`.
- **Names that are on no list**, hosts that resemble nothing, an honest host that was broken into, a page that was
  changed after the message was sent, a shortener that is not on the list (it has about 100), a link hidden behind a site's
  own redirect.
- **Texts that are written anew for each person**, by hand or by machine.
- **Other languages** for requests; words spelt with blanks or signs between their letters; a request that is spread over
  several messages; a question that is common among honest senders, such as for a bank account number.
- **Several channels or workspaces of one sender**: each channel is counted by itself.
- **What was before**: a fresh installation takes everybody for new until they were written to or wrote.

A rule is not a verdict either. An agent who really needs a secret by WhatsApp will be held; that is meant.
";

/// The page, in Markdown.
pub fn risk_page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## The rules\n");
    for family in [Family::Velocity, Family::Delivery, Family::Channel, Family::Content] {
        let name = family.as_str();
        let _ = write!(
            page,
            "\n### {}{}\n\n| rule | what it measures | hold | block | weight | known | open | reviewed | strict |\n\
             |---|---|---|---|---|---|---|---|---|\n",
            name[..1].to_uppercase(),
            &name[1..]
        );
        for rule in RULES.iter().filter(|rule| rule.family == family) {
            let shares = rule.shares;
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
                rule.name,
                rule.measures,
                rule.hold_at,
                rule.block_at,
                rule.weight,
                shares.known,
                shares.open,
                shares.reviewed,
                if rule.halved { "half" } else { "the same" }
            );
        }
    }
    page.push_str("\nTogether these block a message, whatever their scores:\n\n");
    for (one, other) in TOGETHER {
        let _ = writeln!(page, "- `{one}` and `{other}`");
    }
    let standard = Tuning::preset(Preset::Standard);
    let _ = writeln!(page, "\n`warm_up` by day of the channel's life: {}.\n", schedule(&standard));
    page.push_str(TUNING);
    page.push('\n');
    page.push_str(WORDS);
    page
}

fn schedule(tuning: &Tuning) -> String {
    let days = (0..).map_while(|day| tuning.warm_up(day).map(|most| most.to_string()));
    days.collect::<Vec<_>>().join(", ")
}
