//! What the document says in words only, since JSON Schema cannot, and samples of what it says by patterns and formats.
//!
//! Each entry is a rule that a client must read. Keep them few: what a schema can say, it says.

use serde_json::{Map, Value, json};

/// The id of nothing.
pub(super) const UUID: &str = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";

/// Fields of which one or the other is given, and the one that is given here: «either this or that».
const EITHER: [(&str, &str); 3] = [("email", "username"), ("token", "id"), ("role", "roles")];

/// Gives what the document wants in words: one of two addresses, of two names of an invitation, something to change.
pub(super) fn complete(properties: &Map<String, Value>, least: &mut Map<String, Value>) {
    let is_account = properties.contains_key("emailVerified");
    for (this, that) in [("username", "email"), ("id", "token")] {
        if !is_account && properties.contains_key(this) && properties.contains_key(that) && !least.contains_key(that) {
            let value = if this == "id" { json!(UUID) } else { json!("zoe") };
            least.insert(this.to_owned(), value);
        }
    }
    // «Say whether the address is verified.»
    if is_account {
        least.insert("email".to_owned(), json!("zoe@example.com"));
        least.insert("emailVerified".to_owned(), json!(true));
    }
    // «A field has at least one operator.»
    if properties.contains_key("gte") {
        least.insert("null".to_owned(), json!(true));
    }
}

/// Takes away what may not stand beside `name`.
pub(super) fn make_way(name: &str, whole: &mut Map<String, Value>) {
    if whole.contains_key("emailVerified") {
        return;
    }
    for (this, that) in EITHER {
        if name == this {
            whole.remove(that);
        } else if name == that {
            whole.remove(this);
        }
    }
}

/// Items of a list of which words say that each stands once.
pub(super) fn different(field: &str) -> Option<Vec<Value>> {
    match field {
        "order" => Some(["name", "slug", "createdAt", "id"].map(|field| json!({ "field": field })).to_vec()),
        "fields" => Some(["name", "slug", "city"].map(|field| json!(field)).to_vec()),
        _ => None,
    }
}

/// Values of a text of which words say what it is, or of a pattern that this test cannot make one of.
pub(super) fn texts(field: &str, schema: &Value) -> Option<Vec<Value>> {
    let pattern = schema["pattern"].as_str();
    let texts: &[&str] = match (field, pattern) {
        // «The last answer's nextCursor», of which this is one of each list.
        ("cursor", _) => return Some(vec![Value::Null]),
        // «Several text fields»: not every field is one.
        ("fields", _) => &["name"],
        // «Exactly what it may do»: registered permissions.
        ("permissions", _) => &["org:view"],
        // «ISO 3166-1 alpha-2», «IANA name of the time zone», «where its picture is»; an empty text clears.
        ("countryCode", _) => &["DE", ""],
        ("timezone", _) => &["Europe/Berlin", "Asia/Tokyo", ""],
        ("avatarUrl", _) => &["https://example.com/a.png", "http://example.com/", ""],
        // An address of e-mail.
        ("email", _) => &["zoe@example.com", "ren\u{e9}@example.com"],
        // «1 to 128 characters without spaces.»
        ("username", _) => {
            return Some(vec![json!("zoe"), json!("\u{e9}".repeat(128))]);
        }
        // «Counted in bytes of UTF-8.»
        ("userId", _) => return Some(vec![json!("zoe"), json!("x".repeat(255))]),
        // What a secret is has check digits, or is compared with what was made.
        ("code", _) => &["0000-0000-0000"],
        ("token", _) => return Some(vec![json!(invitation_token())]),
        ("slug", Some(_)) => return Some(vec![json!("abc"), json!("a-1"), json!("a".repeat(48))]),
        ("name", Some(r"\S")) => {
            return Some(vec![json!("x"), json!("\u{e9}".repeat(100)), json!(" a b ")]);
        }
        ("key", Some(_)) => &["tk_live_000000000000000000000000000000000"],
        ("role" | "roles" | "replacement", Some(_)) => {
            return Some(vec![json!("member"), json!(format!("a{}", "-".repeat(47))), json!("a_1")]);
        }
        (field, Some(pattern)) => panic!("this test knows no text of the pattern {pattern} for {field}"),
        (_, None) => return None,
    };
    Some(texts.iter().map(|text| json!(text)).collect())
}

/// A token of an invitation that there is not.
fn invitation_token() -> String {
    use tenantry::core::{
        secret::InvitationToken,
        values::{
            clock::Timestamp,
            entropy::SystemEntropy,
            ids::{InvitationId, OrganizationId},
        },
    };
    let now = Timestamp::from_millis(1);
    let (organization, id) = (OrganizationId::from_parts(now, [1; 10]), InvitationId::from_parts(now, [2; 10]));
    InvitationToken::new(organization, id, &SystemEntropy).unwrap().plain().expose().to_owned()
}

/// Texts that do not match a pattern.
pub(super) fn breaking(pattern: &str) -> Vec<Value> {
    let texts: &[&str] = match pattern {
        r"\S" => &["   ", "\t"],
        r"^[a-z0-9](-?[a-z0-9])*$" => &["Abc", "-abc", "abc-", "a--b", "a b c", "\u{e9}-abc"],
        _ if pattern.starts_with("^tk_") => &["tk_live_0", "tk_prod_000000000000000000000000000000000", "x"],
        _ if pattern.starts_with('^') && pattern.contains("[a-z][a-z0-9_-]{0,47}") => {
            return [json!("Admin"), json!("1st"), json!("a b"), json!("a".repeat(49))].to_vec();
        }
        other => panic!("this test knows no text that breaks the pattern {other}"),
    };
    texts.iter().map(|text| json!(text)).collect()
}

/// Values of a format, and values that are none.
pub(super) fn of_format(format: &str) -> (Vec<Value>, Vec<Value>) {
    match format {
        "uuid" => (
            vec![json!(UUID), json!("0192F0C1-2B3A-7C4D-8E5F-60718293A4B5")],
            vec![json!("0192f0c12b3a7c4d8e5f60718293a4b5"), json!("z"), json!("")],
        ),
        // In words: «a moment in the future», within ten years.
        "date-time" => {
            let year = this_year() + 1;
            (
                vec![json!(format!("{year}-01-02T03:04:05Z")), json!(format!("{year}-01-02T03:04:05.678+01:00"))],
                vec![json!("tomorrow"), json!(format!("{year}-01-02")), json!("")],
            )
        }
        other => panic!("this test knows no format {other}"),
    }
}

/// The year in which this runs.
fn this_year() -> i64 {
    use tenantry::core::values::clock::{Clock as _, SystemClock};
    SystemClock.now().to_string()[..4].parse().unwrap()
}
