//! Addresses of people: e-mail addresses and usernames, stored as typed and compared in a normal form.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{limits, text};

/// Whom an invitation is addressed to, or by what a member can be addressed.
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
        let valid = text.chars().count() <= limits::EMAIL_CHARS_MAX
            && email_address::EmailAddress::parse_with_options(&text::composed(text), options).is_ok();
        if valid { Ok(Self::Email(text.to_owned())) } else { Err(InvalidAddress::Email) }
    }

    /// Reads a username.
    pub fn username(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let valid = (1..=limits::USERNAME_CHARS_MAX).contains(&text.chars().count())
            && !text.chars().any(|character| character.is_control() || character.is_whitespace());
        if valid { Ok(Self::Username(text.to_owned())) } else { Err(InvalidAddress::Username) }
    }

    /// The form in which two addresses are compared: the same for two spellings of one address.
    ///
    /// E-mail addresses lose their case and their Unicode composition (NFC). Compatibility forms stay apart: who owns
    /// a mailbox that merely looks like another must not be taken for its owner. Usernames keep their case, since
    /// the host's identity provider may give `Bob` and `bob` to two people.
    #[must_use]
    pub fn normal(&self) -> NormalAddress {
        match self {
            Self::Email(email) => NormalAddress(format!("e/{}", text::folded(email))),
            Self::Username(username) => NormalAddress(format!("u/{}", text::composed(username))),
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
pub enum InvalidAddress {
    /// Not an e-mail address.
    #[error("expected an e-mail address such as ann@example.com, at most 254 characters")]
    Email,
    /// Not a username.
    #[error("expected a username of 1 to 128 characters without spaces")]
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
    fn what_is_no_address_is_refused() {
        for text in ["", "ann", "ann@", "@example.com", "ann@@example.com", "a b@example.com", "Ann <a@example.com>"] {
            assert!(Address::email(text).is_err(), "{text}");
        }
        assert!(Address::email(&format!("{}@example.com", "a".repeat(300))).is_err());
        for text in ["", " ", "a b", "a\u{0}"] {
            assert!(Address::username(text).is_err(), "{text:?}");
        }
    }
}
