//! Time zones by telephone number: where somebody may live who has a number that begins so.
//!
//! Calling codes are those of ITU-T E.164, areas within a country those of its numbering plan. A number that moves with
//! its owner, as mobile numbers do, tells the country alone, so a country with several zones gives them all.

use crate::Phone;

type Zones = &'static [&'static str];

/// The zones of the IANA database that somebody with this number may live in, the one of most people first; empty where
/// the number belongs to no country.
pub fn zones_of(phone: &Phone) -> Zones {
    let digits = phone.digits();
    let mut found: (usize, Zones) = (0, &[]);
    for (prefixes, zones) in COUNTRIES.iter().chain(AREAS) {
        for prefix in prefixes.split_ascii_whitespace() {
            if prefix.len() > found.0 && digits.starts_with(prefix) {
                found = (prefix.len(), zones);
            }
        }
    }
    if let Some(area) = digits.strip_prefix('1').and_then(|rest| rest.get(..3)) {
        let named = |(areas, _): &&(&str, Zones)| areas.split_ascii_whitespace().any(|known| known == area);
        if let Some((_, zones)) = NORTH_AMERICA.iter().find(named) {
            return zones;
        }
    }
    found.1
}

const US: Zones = &[
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Halifax",
    "America/St_Johns",
];
const RUSSIA: Zones = &[
    "Europe/Moscow",
    "Europe/Kaliningrad",
    "Europe/Samara",
    "Asia/Yekaterinburg",
    "Asia/Omsk",
    "Asia/Krasnoyarsk",
    "Asia/Irkutsk",
    "Asia/Yakutsk",
    "Asia/Vladivostok",
    "Asia/Magadan",
    "Asia/Kamchatka",
];
const MEXICO: Zones = &[
    "America/Mexico_City",
    "America/Cancun",
    "America/Ciudad_Juarez",
    "America/Hermosillo",
    "America/Mazatlan",
    "America/Tijuana",
];
const AUSTRALIA: Zones = &[
    "Australia/Sydney",
    "Australia/Melbourne",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Perth",
    "Australia/Hobart",
];

/// Calling codes.
#[rustfmt::skip]
const COUNTRIES: &[(&str, Zones)] = &[
    ("1", US), ("7", RUSSIA), ("52", MEXICO), ("61", AUSTRALIA),
    // Africa
    ("20", &["Africa/Cairo"]), ("211", &["Africa/Juba"]), ("212", &["Africa/Casablanca", "Africa/El_Aaiun"]),
    ("213", &["Africa/Algiers"]), ("216", &["Africa/Tunis"]), ("218", &["Africa/Tripoli"]), ("220", &["Africa/Banjul"]),
    ("221", &["Africa/Dakar"]), ("222", &["Africa/Nouakchott"]), ("223", &["Africa/Bamako"]), ("224", &["Africa/Conakry"]),
    ("225", &["Africa/Abidjan"]), ("226", &["Africa/Ouagadougou"]), ("227", &["Africa/Niamey"]), ("228", &["Africa/Lome"]),
    ("229", &["Africa/Porto-Novo"]), ("230", &["Indian/Mauritius"]), ("231", &["Africa/Monrovia"]),
    ("232", &["Africa/Freetown"]), ("233", &["Africa/Accra"]), ("234", &["Africa/Lagos"]), ("235", &["Africa/Ndjamena"]),
    ("236", &["Africa/Bangui"]), ("237", &["Africa/Douala"]), ("238", &["Atlantic/Cape_Verde"]),
    ("239", &["Africa/Sao_Tome"]), ("240", &["Africa/Malabo"]), ("241", &["Africa/Libreville"]),
    ("242", &["Africa/Brazzaville"]), ("243", &["Africa/Kinshasa", "Africa/Lubumbashi"]), ("244", &["Africa/Luanda"]),
    ("245", &["Africa/Bissau"]), ("246", &["Indian/Chagos"]), ("247 290", &["Atlantic/St_Helena"]),
    ("248", &["Indian/Mahe"]), ("249", &["Africa/Khartoum"]), ("250", &["Africa/Kigali"]), ("251", &["Africa/Addis_Ababa"]),
    ("252", &["Africa/Mogadishu"]), ("253", &["Africa/Djibouti"]), ("254", &["Africa/Nairobi"]),
    ("255", &["Africa/Dar_es_Salaam"]), ("256", &["Africa/Kampala"]), ("257", &["Africa/Bujumbura"]),
    ("258", &["Africa/Maputo"]), ("260", &["Africa/Lusaka"]), ("261", &["Indian/Antananarivo"]),
    ("262", &["Indian/Reunion", "Indian/Mayotte"]), ("263", &["Africa/Harare"]), ("264", &["Africa/Windhoek"]),
    ("265", &["Africa/Blantyre"]), ("266", &["Africa/Maseru"]), ("267", &["Africa/Gaborone"]), ("268", &["Africa/Mbabane"]),
    ("269", &["Indian/Comoro"]), ("27", &["Africa/Johannesburg"]), ("291", &["Africa/Asmara"]),
    // Europe
    ("298", &["Atlantic/Faroe"]), ("30", &["Europe/Athens"]), ("31", &["Europe/Amsterdam"]), ("32", &["Europe/Brussels"]),
    ("33", &["Europe/Paris"]), ("34", &["Europe/Madrid", "Atlantic/Canary"]), ("350", &["Europe/Gibraltar"]),
    ("351", &["Europe/Lisbon", "Atlantic/Madeira", "Atlantic/Azores"]), ("352", &["Europe/Luxembourg"]),
    ("353", &["Europe/Dublin"]), ("354", &["Atlantic/Reykjavik"]), ("355", &["Europe/Tirane"]), ("356", &["Europe/Malta"]),
    ("357", &["Asia/Nicosia", "Asia/Famagusta"]), ("358", &["Europe/Helsinki"]), ("359", &["Europe/Sofia"]),
    ("36", &["Europe/Budapest"]), ("370", &["Europe/Vilnius"]), ("371", &["Europe/Riga"]), ("372", &["Europe/Tallinn"]),
    ("373", &["Europe/Chisinau"]), ("374", &["Asia/Yerevan"]), ("375", &["Europe/Minsk"]), ("376", &["Europe/Andorra"]),
    ("377", &["Europe/Monaco"]), ("378", &["Europe/San_Marino"]), ("379", &["Europe/Vatican"]), ("380", &["Europe/Kyiv"]),
    ("381 383", &["Europe/Belgrade"]), ("382", &["Europe/Podgorica"]), ("385", &["Europe/Zagreb"]),
    ("386", &["Europe/Ljubljana"]), ("387", &["Europe/Sarajevo"]), ("389", &["Europe/Skopje"]), ("39", &["Europe/Rome"]),
    ("40", &["Europe/Bucharest"]), ("41", &["Europe/Zurich"]), ("420", &["Europe/Prague"]), ("421", &["Europe/Bratislava"]),
    ("423", &["Europe/Vaduz"]), ("43", &["Europe/Vienna"]), ("44", &["Europe/London"]), ("45", &["Europe/Copenhagen"]),
    ("46", &["Europe/Stockholm"]), ("47", &["Europe/Oslo"]), ("48", &["Europe/Warsaw"]), ("49", &["Europe/Berlin"]),
    // The Americas
    ("297", &["America/Aruba"]),
    ("299", &["America/Nuuk", "America/Scoresbysund", "America/Danmarkshavn", "America/Thule"]),
    ("500", &["Atlantic/Stanley"]), ("501", &["America/Belize"]), ("502", &["America/Guatemala"]),
    ("503", &["America/El_Salvador"]), ("504", &["America/Tegucigalpa"]), ("505", &["America/Managua"]),
    ("506", &["America/Costa_Rica"]), ("507", &["America/Panama"]), ("508", &["America/Miquelon"]),
    ("509", &["America/Port-au-Prince"]), ("51", &["America/Lima"]), ("53", &["America/Havana"]),
    ("54", &["America/Argentina/Buenos_Aires"]),
    ("55", &["America/Sao_Paulo", "America/Manaus", "America/Cuiaba", "America/Rio_Branco", "America/Noronha"]),
    ("56", &["America/Santiago", "America/Punta_Arenas", "Pacific/Easter"]), ("57", &["America/Bogota"]),
    ("58", &["America/Caracas"]), ("590", &["America/Guadeloupe"]), ("591", &["America/La_Paz"]),
    ("592", &["America/Guyana"]), ("593", &["America/Guayaquil", "Pacific/Galapagos"]), ("594", &["America/Cayenne"]),
    ("595", &["America/Asuncion"]), ("596", &["America/Martinique"]), ("597", &["America/Paramaribo"]),
    ("598", &["America/Montevideo"]), ("599", &["America/Curacao"]),
    // Asia
    ("60", &["Asia/Kuala_Lumpur"]), ("62", &["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"]), ("63", &["Asia/Manila"]),
    ("65", &["Asia/Singapore"]), ("66", &["Asia/Bangkok"]), ("670", &["Asia/Dili"]), ("673", &["Asia/Brunei"]),
    ("81", &["Asia/Tokyo"]), ("82", &["Asia/Seoul"]), ("84", &["Asia/Ho_Chi_Minh"]), ("850", &["Asia/Pyongyang"]),
    ("852", &["Asia/Hong_Kong"]), ("853", &["Asia/Macau"]), ("855", &["Asia/Phnom_Penh"]), ("856", &["Asia/Vientiane"]),
    ("86", &["Asia/Shanghai"]), ("880", &["Asia/Dhaka"]), ("886", &["Asia/Taipei"]), ("90", &["Europe/Istanbul"]),
    ("91", &["Asia/Kolkata"]), ("92", &["Asia/Karachi"]), ("93", &["Asia/Kabul"]), ("94", &["Asia/Colombo"]),
    ("95", &["Asia/Yangon"]), ("960", &["Indian/Maldives"]), ("961", &["Asia/Beirut"]), ("962", &["Asia/Amman"]),
    ("963", &["Asia/Damascus"]), ("964", &["Asia/Baghdad"]), ("965", &["Asia/Kuwait"]), ("966", &["Asia/Riyadh"]),
    ("967", &["Asia/Aden"]), ("968", &["Asia/Muscat"]), ("970", &["Asia/Gaza", "Asia/Hebron"]), ("971", &["Asia/Dubai"]),
    ("972", &["Asia/Jerusalem"]), ("973", &["Asia/Bahrain"]), ("974", &["Asia/Qatar"]), ("975", &["Asia/Thimphu"]),
    ("976", &["Asia/Ulaanbaatar", "Asia/Hovd"]), ("977", &["Asia/Kathmandu"]), ("98", &["Asia/Tehran"]),
    ("992", &["Asia/Dushanbe"]), ("993", &["Asia/Ashgabat"]), ("994", &["Asia/Baku"]), ("995", &["Asia/Tbilisi"]),
    ("996", &["Asia/Bishkek"]), ("998", &["Asia/Tashkent"]),
    // Oceania
    ("64", &["Pacific/Auckland", "Pacific/Chatham"]), ("672", &["Pacific/Norfolk"]), ("674", &["Pacific/Nauru"]),
    ("675", &["Pacific/Port_Moresby", "Pacific/Bougainville"]), ("676", &["Pacific/Tongatapu"]),
    ("677", &["Pacific/Guadalcanal"]), ("678", &["Pacific/Efate"]), ("679", &["Pacific/Fiji"]), ("680", &["Pacific/Palau"]),
    ("681", &["Pacific/Wallis"]), ("682", &["Pacific/Rarotonga"]), ("683", &["Pacific/Niue"]), ("685", &["Pacific/Apia"]),
    ("686", &["Pacific/Tarawa", "Pacific/Kanton", "Pacific/Kiritimati"]), ("687", &["Pacific/Noumea"]),
    ("688", &["Pacific/Funafuti"]), ("689", &["Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier"]),
    ("690", &["Pacific/Fakaofo"]), ("691", &["Pacific/Pohnpei", "Pacific/Chuuk", "Pacific/Kosrae"]),
    ("692", &["Pacific/Majuro"]),
];

/// Areas that tell more than their country's code: longer prefixes go before shorter ones.
#[rustfmt::skip]
const AREAS: &[(&str, Zones)] = &[
    // Kazakhstan is in the plan of +7; of Russia's own areas the capitals', since its mobile numbers tell no place.
    ("76 77", &["Asia/Almaty"]), ("7495 7496 7498 7499 7812", &["Europe/Moscow"]),
    ("262269 262639", &["Indian/Mayotte"]),
    ("34822 34828 34922 34928", &["Atlantic/Canary"]),
    ("35121 35122 35123 35124 35125 35126 35127 35128", &["Europe/Lisbon"]),
    ("351291", &["Atlantic/Madeira"]), ("351292 351295 351296", &["Atlantic/Azores"]),
    // Old mobile numbers have a 1 behind the country's code, and WhatsApp keeps it.
    ("5233 5255 5256 5281 52133 52155 52156 52181", &["America/Mexico_City"]),
    ("52998 521998", &["America/Cancun"]), ("52664 521664", &["America/Tijuana"]),
    ("5511 5512 5513 5514 5515 5516 5517 5518 5519 5521 5522 5524 5527 5528 5531 5532 5533 5534 5535 5537 5538",
        &["America/Sao_Paulo"]),
    ("5541 5542 5543 5544 5545 5546 5547 5548 5549 5551 5553 5554 5555 5561 5562 5564", &["America/Sao_Paulo"]),
    ("5563", &["America/Araguaina"]), ("5565 5566", &["America/Cuiaba"]), ("5567", &["America/Campo_Grande"]),
    ("5568", &["America/Rio_Branco"]), ("5569", &["America/Porto_Velho"]),
    ("5571 5573 5574 5575 5577", &["America/Bahia"]), ("5579 5582", &["America/Maceio"]),
    ("5581", &["America/Recife", "America/Noronha"]), ("5587", &["America/Recife"]),
    ("5583 5584 5585 5586 5588 5589 5598 5599", &["America/Fortaleza"]),
    ("5591 5593 5594 5596", &["America/Belem"]), ("5592", &["America/Manaus"]), ("5595", &["America/Boa_Vista"]),
    ("5597", &["America/Manaus", "America/Eirunepe"]),
    ("612", &["Australia/Sydney", "Australia/Broken_Hill"]), ("613", &["Australia/Melbourne", "Australia/Hobart"]),
    ("617", &["Australia/Brisbane"]), ("618", &["Australia/Adelaide", "Australia/Darwin", "Australia/Perth"]),
    ("6221", &["Asia/Jakarta"]),
];

/// Areas of the North American plan, whose numbers keep to them, mobile ones too. An area on both sides of a border has
/// both zones.
#[rustfmt::skip]
const NORTH_AMERICA: &[(&str, Zones)] = &[
    ("201 202 203 207 212 215 216 220 223 227 229 231 234 239 240 248 252 260 267 269 272 276 283 301 302 304 305 313 315 \
      317 321 324 326 329 330 332 336 339 347 351 352 363 380 386 401 404 407 410 412 413 419 434 436 440 443 445 463 470 \
      472 475 478 484 502 508 513 516 517 518 540 551 561 567 570 571 574 582 585 586 603 606 607 609 610 614 616 617 624 \
      631 640 645 646 656 667 678 679 680 681 686 689 703 704 706 716 717 718 724 727 728 732 734 740 743 754 757 762 765 \
      770 771 772 774 781 786 802 803 804 810 813 814 821 826 828 835 838 839 843 845 848 854 856 857 859 860 862 863 864 \
      865 878 904 908 910 912 914 917 919 929 934 937 941 943 947 948 954 959 973 978 980 984 989", &["America/New_York"]),
    ("226 249 263 289 343 354 365 367 382 416 418 437 438 450 468 514 519 548 579 581 613 647 683 705 742 753 819 873 \
      905 942", &["America/Toronto"]),
    ("270 364 423 448 812 850 906 930", &["America/New_York", "America/Chicago"]),
    ("807", &["America/Toronto", "America/Winnipeg"]),
    ("205 210 214 217 218 219 224 225 228 235 251 254 256 262 274 281 309 312 314 316 318 319 320 325 327 331 334 337 346 \
      353 361 402 405 409 414 417 430 432 447 464 469 479 501 504 507 512 515 531 534 539 557 563 572 573 580 601 608 612 \
      615 618 621 629 630 636 641 651 659 660 662 682 708 712 713 715 726 730 731 737 763 769 773 779 806 815 816 817 830 \
      832 847 861 870 872 901 903 913 918 920 924 931 936 938 940 945 952 956 972 975 979 985", &["America/Chicago"]),
    ("204 431 584", &["America/Winnipeg"]), ("306 474 639", &["America/Regina"]),
    ("308 605 620 701 785", &["America/Chicago", "America/Denver"]),
    ("303 307 385 406 435 505 575 719 720 748 801 915 970 983", &["America/Denver"]),
    ("368 403 587 780 825", &["America/Edmonton"]),
    ("208 986", &["America/Boise", "America/Los_Angeles"]),
    ("480 520 602 623", &["America/Phoenix"]), ("928", &["America/Phoenix", "America/Denver"]),
    ("206 209 213 253 279 310 323 341 350 357 360 369 408 415 424 425 442 503 509 510 530 559 562 564 619 626 628 650 657 \
      661 669 702 707 714 725 738 747 760 805 818 820 831 837 840 858 909 916 925 949 951 971", &["America/Los_Angeles"]),
    ("458 541", &["America/Los_Angeles", "America/Boise"]), ("775", &["America/Los_Angeles", "America/Denver"]),
    ("604", &["America/Vancouver"]), ("236 250 257 672 778", &["America/Vancouver", "America/Edmonton"]),
    ("867", &["America/Whitehorse", "America/Yellowknife", "America/Iqaluit", "America/Rankin_Inlet"]),
    ("907", &["America/Anchorage", "America/Adak"]), ("808", &["Pacific/Honolulu"]),
    ("428 506 782 902", &["America/Halifax"]), ("709 879", &["America/St_Johns", "America/Halifax"]),
    ("242", &["America/Nassau"]), ("246", &["America/Barbados"]), ("264", &["America/Anguilla"]),
    ("268", &["America/Antigua"]), ("284", &["America/Tortola"]), ("340", &["America/St_Thomas"]),
    ("345", &["America/Cayman"]), ("441", &["Atlantic/Bermuda"]), ("473", &["America/Grenada"]),
    ("649", &["America/Grand_Turk"]), ("658 876", &["America/Jamaica"]), ("664", &["America/Montserrat"]),
    ("670", &["Pacific/Saipan"]), ("671", &["Pacific/Guam"]), ("684", &["Pacific/Pago_Pago"]),
    ("721", &["America/Lower_Princes"]), ("758", &["America/St_Lucia"]), ("767", &["America/Dominica"]),
    ("784", &["America/St_Vincent"]), ("787 939", &["America/Puerto_Rico"]),
    ("809 829 849", &["America/Santo_Domingo"]), ("868", &["America/Port_of_Spain"]), ("869", &["America/St_Kitts"]),
];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::super::Zone;
    use super::*;

    fn of(number: &str) -> Zones {
        zones_of(&Phone::parse(number).unwrap())
    }

    #[test]
    fn numbers_tell_where_their_people_may_live() {
        assert_eq!(of("+4915112345678"), ["Europe/Berlin"]);
        assert_eq!(of("+12025550123"), ["America/New_York"]);
        assert_eq!(of("+13105550123"), ["America/Los_Angeles"]);
        assert_eq!(of("+18085550123"), ["Pacific/Honolulu"]);
        assert_eq!(of("+18765550123"), ["America/Jamaica"]);
        assert_eq!(of("+77011234567"), ["Asia/Almaty"]);
        assert_eq!(of("+74951234567"), ["Europe/Moscow"]);
        assert_eq!(of("+79161234567"), RUSSIA);
        assert_eq!(of("+5592912345678"), ["America/Manaus"]);
        assert_eq!(of("+5215512345678"), ["America/Mexico_City"]);
        assert_eq!(of("+61412345678"), AUSTRALIA);
        assert_eq!(of("+61731234567"), ["Australia/Brisbane"]);
        assert_eq!(of("+18005550123"), US, "an area of no place");
        assert_eq!(of("+358401234567"), ["Europe/Helsinki"], "and not of +35");
        // Of no country: a satellite's and an international free number.
        assert!(of("+881612345678").is_empty() && of("+80012345678").is_empty());
    }

    #[test]
    fn every_zone_is_in_the_database_and_no_prefix_is_there_twice() {
        let mut known = BTreeSet::new();
        for (prefixes, zones) in COUNTRIES.iter().chain(AREAS) {
            for prefix in prefixes.split_ascii_whitespace() {
                assert!(known.insert(prefix), "{prefix} is there twice");
                assert!(prefix.bytes().all(|b| b.is_ascii_digit()), "{prefix}");
            }
            assert!(!zones.is_empty(), "{prefixes}");
            zones.iter().for_each(|zone| assert!(Zone::parse(zone).is_ok(), "{zone}"));
        }
        let mut areas = BTreeSet::new();
        for (codes, zones) in NORTH_AMERICA {
            for area in codes.split_ascii_whitespace() {
                assert!(area.len() == 3 && areas.insert(area), "{area} is wrong, or there twice");
                assert!(area.as_bytes()[0] >= b'2', "{area}");
            }
            zones.iter().for_each(|zone| assert!(Zone::parse(zone).is_ok(), "{zone}"));
        }
        assert!(known.len() > 250 && areas.len() > 380, "{} {}", known.len(), areas.len());
    }
}
