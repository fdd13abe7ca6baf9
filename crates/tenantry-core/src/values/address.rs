//! Addresses of people: e-mail addresses and usernames, stored as typed and compared in a normal form.

use std::{borrow::Cow, fmt};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

use crate::values::{folded_text, limits, visible_text};

/// An address to which an invitation is sent, or by which a member can be invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// An e-mail address, as typed.
    Email(String),
    /// A username of the host's, as typed.
    Username(String),
}

impl Address {
    /// Reads an e-mail address.
    pub fn email(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let options = email_address::Options::default()
            .without_display_text()
            .without_domain_literal()
            .with_minimum_sub_domains(1);
        let fits = text.chars().count() <= limits::EMAIL_CHARS_MAX && visible_text::is_identifier(text);
        let valid = fits
            && in_a_labels(text).is_some_and(|(local, domain)| {
                let address = format!("{}@{domain}", folded_text::composed(local));
                email_address::EmailAddress::parse_with_options(&address, options).is_ok()
            });
        if valid { Ok(Self::Email(text.to_owned())) } else { Err(InvalidAddress::Email) }
    }

    /// Reads a username.
    pub fn username(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let valid =
            (1..=limits::USERNAME_CHARS_MAX).contains(&text.chars().count()) && visible_text::is_identifier(text);
        if valid { Ok(Self::Username(text.to_owned())) } else { Err(InvalidAddress::Username) }
    }

    /// The form in which two addresses are compared: the same for two spellings of one address.
    ///
    /// E-mail addresses lose their case and their Unicode composition (NFC), and their domain is in A-labels (UTS #46),
    /// as the DNS has it: `bücher.example` is `xn--bcher-kva.example`. Compatibility forms of the part before the `@`
    /// stay apart: the owner of a mailbox that merely looks like another must not be taken for its owner. Usernames
    /// keep their case, since the host's identity provider may give `Bob` and `bob` to two people. For the same reason
    /// no character is dropped: a text with invisible characters is no address.
    #[must_use]
    pub fn normal(&self) -> NormalAddress {
        match self {
            Self::Email(email) => match in_a_labels(email) {
                Some((local, domain)) => NormalAddress(format!("e/{}@{domain}", folded_text::folded(local))),
                // `Address::email` refuses such a text, so it is nobody's address.
                None => NormalAddress(format!("e/{}", folded_text::folded(email))),
            },
            Self::Username(username) => NormalAddress(format!("u/{}", folded_text::composed(username))),
        }
    }

    /// The e-mail address, if it is one.
    #[must_use]
    pub fn as_email(&self) -> Option<&str> {
        match self {
            Self::Email(email) => Some(email),
            Self::Username(_) => None,
        }
    }

    /// The username, if it is one.
    #[must_use]
    pub fn as_username(&self) -> Option<&str> {
        match self {
            Self::Email(_) => None,
            Self::Username(username) => Some(username),
        }
    }
}

/// The part before the `@`, and the domain as the DNS has it; `None` if the DNS cannot have it.
fn in_a_labels(email: &str) -> Option<(&str, Cow<'_, str>)> {
    let (local, domain) = email.rsplit_once('@')?;
    // Not `Hyphens::Check`: domains such as r3---sn.example exist.
    let hyphens = Hyphens::CheckFirstLast;
    let domain = Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, hyphens, DnsLength::Verify).ok()?;
    Some((local, domain))
}

/// An address in the form in which addresses are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalAddress(String);

impl NormalAddress {
    /// The form as text, with its kind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// Not an e-mail address.
    #[error("expected an e-mail address such as ann@example.com, at most 254 characters")]
    Email,
    /// Not a username.
    #[error("expected a username of 1 to 128 characters without spaces and without characters that cannot be seen")]
    Username,
}

/// For people: the address as it was typed.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(text) | Self::Username(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_do_not_make_another_mailbox() {
        let normal = |text: &str| Address::email(text).unwrap().normal();
        assert_eq!(normal("Ren\u{e9}@Example.COM"), normal("rene\u{301}@example.com"));
        assert_eq!(normal("ΟΔΟΣ@example.com"), normal("οδοσ@example.com"));
        assert_eq!(normal(" ann@example.com "), normal("ANN@EXAMPLE.com"));
        assert_ne!(normal("\u{ff41}nn@example.com"), normal("ann@example.com"));
        assert_ne!(Address::username("Bob").unwrap().normal(), Address::username("bob").unwrap().normal());
    }

    #[test]
    fn all_spellings_of_a_domain_are_the_same_address() {
        let normal = |text: &str| Address::email(text).unwrap_or_else(|_| panic!("{text:?} is an address")).normal();
        for spelling in ["ann@BÜCHER.example", "ann@bu\u{308}cher.example", "ann@XN--BCHER-KVA.Example"] {
            assert_eq!(normal(spelling), normal("ann@bücher.example"), "{spelling}");
        }
        assert_eq!(normal("ann@bücher.example").as_str(), "e/ann@xn--bcher-kva.example");
        // The full-width and the ideographic dot, and full-width letters, are the usual ones in the DNS.
        for spelling in ["ann@example\u{ff0e}com", "ann@example\u{3002}com", "ann@\u{ff45}xample.com"] {
            assert_eq!(normal(spelling), normal("ann@example.com"), "{spelling}");
        }
        // By non-transitional processing (IDNA 2008) these are two domains.
        assert_ne!(normal("ann@fußball.example"), normal("ann@fussball.example"));
        assert_eq!(Address::email("ann@bücher.example").unwrap().to_string(), "ann@bücher.example");
        normal("ann@r3---sn.example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "ann", "ann@", "@example.com", "ann@@example.com", "a b@example.com", "Ann <a@example.com>"] {
            assert!(Address::email(text).is_err(), "{text}");
        }
        for text in [
            "ann@example.com.",
            "ann@-a.example",
            "ann@a_b.example",
            "ann@xn--a.example",
            "ann@exam\u{200b}ple.com",
            "ann\u{200b}@example.com",
            "an\u{202e}n@example.com",
            "ann@a..example",
        ] {
            assert!(Address::email(text).is_err(), "{text:?}");
        }
        assert!(Address::email(&format!("ann@{}.example", "a".repeat(64))).is_err());
        assert!(Address::email(&format!("{}@example.com", "a".repeat(300))).is_err());
        for text in ["", " ", "a b", "a\u{0}", "\u{200b}", "bob\u{200d}", "\u{3164}", "bo\u{202e}b", "bo\u{2028}b"] {
            assert!(Address::username(text).is_err(), "{text:?}");
        }
    }
}
