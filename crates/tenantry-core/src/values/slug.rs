//! Slugs: the names of organizations in addresses.

use std::{fmt, str::FromStr};

use icu_normalizer::DecomposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::values::limits;

/// The slugs that no organization can take unless the host says otherwise, in alphabetical order: names of the
/// service's own pages and hosts, of mailboxes that people take for its operator's (RFC 2142, and those by which
/// certificates are issued), and of hosts that programs look up by themselves. The idea is that of
/// <https://ldpreload.com/blog/names-to-reserve>.
#[rustfmt::skip] // one line each would be a hundred lines
pub const RESERVED: &[&str] = &[
    "about", "abuse", "account", "accounts", "admin", "administrator", "api", "app", "apps", "assets", "auth",
    "autoconfig", "autodiscover", "billing", "blog", "cdn", "community", "console", "contact", "contacts",
    "dashboard", "demo", "dev", "developer", "developers", "docs", "domains", "download", "downloads", "email",
    "files", "ftp", "git", "graphql", "health", "help", "home", "hostmaster", "images", "imap", "info", "internal",
    "invitations", "invite", "join", "legal", "localhost", "login", "logout", "mail", "mailer-daemon", "media",
    "metrics", "new", "news", "no-reply", "noreply", "oauth", "oidc", "organizations", "owner", "payment",
    "payments", "platform", "pop3", "postmaster", "pricing", "privacy", "profile", "register", "root", "sales",
    "search", "secure", "security", "settings", "signin", "signup", "smtp", "ssl", "sso", "staging", "static",
    "status", "store", "support", "sys", "sysadmin", "system", "team", "teams", "tenant", "tenants", "terms",
    "test", "token", "tokens", "users", "webhook", "webhooks", "webmail", "webmaster", "well-known", "wpad", "www",
];

/// A slug: 3 to 48 lower-case letters and digits, with single dashes between them. Unique among organizations.
///
/// A text that reads as a UUID is no slug: an organization can be named by either, and one must not pass for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// A slug that resembles `name`: its letters without accents, in lower case, and dashes for what is between.
    ///
    /// `suffix` distinguishes it from others of the same name; it is kept whole.
    #[must_use]
    pub fn resembling(name: &str, suffix: Option<&str>) -> Self {
        let mut text = String::new();
        let letters = DecomposingNormalizerBorrowed::new_nfkd().normalize(name);
        for character in letters.chars().flat_map(char::to_lowercase) {
            match character {
                'a'..='z' | '0'..='9' => text.push(character),
                'ß' => text.push_str("ss"),
                // A combining mark belongs to the letter before it.
                '\u{300}'..='\u{36f}' => {}
                _ if text.ends_with('-') || text.is_empty() => {}
                _ => text.push('-'),
            }
        }
        let suffix = suffix.map(|suffix| format!("-{suffix}")).unwrap_or_default();
        text.truncate(limits::SLUG_CHARS_MAX.saturating_sub(suffix.len()));
        let stem = text.trim_end_matches('-');
        let text = format!("{}{suffix}", if stem.is_empty() { "org" } else { stem });
        text.parse().unwrap_or_else(|_| Self(format!("org-{text}")))
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let well_formed = (limits::SLUG_CHARS_MIN..=limits::SLUG_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--")
            && Uuid::try_parse(text).is_err();
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidSlug) }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 3 to 48 lower-case letters and digits, with single dashes between them, that are not a UUID")]
pub struct InvalidSlug;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_one_form() {
        for text in ["abc", "a-b", "acme-2", &"a".repeat(48)] {
            assert!(text.parse::<Slug>().is_ok(), "{text}");
        }
        let uuid = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5";
        for text in ["", "ab", "-ab", "ab-", "a--b", "Abc", "a_b", "a b", "é-a", uuid, &"a".repeat(49)] {
            assert!(text.parse::<Slug>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_reserved_could_be_a_slug_and_stands_in_order() {
        assert!(RESERVED.iter().all(|reserved| reserved.parse::<Slug>().is_ok()));
        assert!(RESERVED.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn every_name_has_a_slug() {
        let slug = |name: &str, suffix| Slug::resembling(name, suffix).to_string();
        assert_eq!(slug("Acme, Inc.", None), "acme-inc");
        assert_eq!(slug("Crème Brûlée & Söhne", None), "creme-brulee-sohne");
        assert_eq!(slug("A", None), "org-a");
        assert_eq!(slug("東京", None), "org");
        assert_eq!(slug("東京", Some("x7k2")), "org-x7k2");
        let long = slug(&"Long ".repeat(40), Some("x7k2"));
        assert!(long.ends_with("-x7k2") && long.parse::<Slug>().is_ok(), "{long}");
        assert!(slug("0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", None).parse::<Slug>().is_ok());
    }
}
