//! Checks the input of a request before anything is read, and reports all faults at once, each with its field and what
//! would be right.

use std::time::Duration;

use crate::values::{
    address::Address,
    clock::Timestamp,
    error::{Error, FieldError},
    limits,
    rate_limit::RateLimit,
    regions,
    role::RoleName,
    slug::Slug,
    visible_text, web_address,
};

/// Collects the faults of one request.
#[derive(Debug)]
pub struct Violations {
    now: Timestamp,
    found: Vec<FieldError>,
}

impl Violations {
    pub(crate) const fn new(now: Timestamp) -> Self {
        Self { now, found: Vec::new() }
    }

    pub(crate) fn into_result(self) -> Result<(), Error> {
        if self.found.is_empty() { Ok(()) } else { Err(Error::invalid(self.found)) }
    }

    /// Adds a fault.
    pub(crate) fn add(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        self.found.push(FieldError::new(field, code, detail));
    }

    /// Checks one line of at most `chars_max` characters that is not blank.
    pub(crate) fn line(&mut self, field: &str, text: &str, chars_max: usize) {
        if text.trim().is_empty() {
            self.add(field, "required", format!("give 1 to {chars_max} characters"));
        } else {
            self.optional_line(field, Some(text), chars_max);
        }
    }

    /// Checks one line that may be blank or absent.
    pub(crate) fn optional_line(&mut self, field: &str, text: Option<&str>, chars_max: usize) {
        let mend = "give one line, without control, direction, private-use and unassigned characters";
        self.shown(field, text, chars_max, (visible_text::is_line, mend));
    }

    /// Checks a text of several lines that may be blank or absent.
    pub(crate) fn text(&mut self, field: &str, text: Option<&str>, chars_max: usize) {
        let mend = "give text without control, direction, private-use and unassigned characters";
        self.shown(field, text, chars_max, (visible_text::is_text, mend));
    }

    fn shown(&mut self, field: &str, text: Option<&str>, chars_max: usize, form: (fn(&str) -> bool, &str)) {
        let Some(text) = text else { return };
        let (is_proper, mend) = form;
        if text.chars().count() > chars_max {
            self.add(field, "too_long", format!("give at most {chars_max} characters"));
        } else if !is_proper(text) {
            self.add(field, "invalid", mend);
        } else if !text.trim().is_empty() && !visible_text::is_visible(text) {
            self.add(field, "invalid", "give something that can be seen: these characters show nothing");
        }
    }

    /// Checks a web address, if one is given.
    pub(crate) fn url(&mut self, field: &str, url: Option<&str>) {
        let Some(url) = url.filter(|url| !url.trim().is_empty()) else { return };
        if url.chars().count() > limits::URL_CHARS_MAX {
            self.add(field, "too_long", format!("give at most {} characters", limits::URL_CHARS_MAX));
        } else if web_address::read(url).is_none() {
            let detail = format!(
                "give an address that begins with https:// or http://, without a user, at most {} characters long \
                 when it is percent-encoded",
                limits::URL_CHARS_MAX
            );
            self.add(field, "invalid", detail);
        }
    }

    /// Checks the code of a country, if one is given.
    pub(crate) fn country(&mut self, field: &str, code: Option<&str>) {
        if code.map(str::trim).is_some_and(|code| !code.is_empty() && !regions::is_country(code)) {
            self.add(field, "invalid", "give an assigned ISO 3166-1 alpha-2 code in capitals, such as DE or GB");
        }
    }

    /// Checks the name of a time zone, if one is given.
    pub(crate) fn timezone(&mut self, field: &str, name: Option<&str>) {
        if name.map(str::trim).is_some_and(|name| !name.is_empty() && regions::timezone(name).is_none()) {
            self.add(field, "invalid", "give the IANA name of a time zone, such as Europe/Berlin");
        }
    }

    /// Checks an e-mail address, if one is given.
    pub(crate) fn email(&mut self, field: &str, email: Option<&str>) {
        let Some(email) = email.filter(|email| !email.is_empty()) else { return };
        if let Err(error) = Address::email(email) {
            self.add(field, "invalid", error.to_string());
        }
    }

    /// Checks a slug, if one is given.
    pub(crate) fn slug(&mut self, field: &str, slug: Option<&str>) {
        if let Some(Err(error)) = slug.map(str::parse::<Slug>) {
            self.add(field, "invalid", error.to_string());
        }
    }

    /// Checks that an expiry, if one is given, lies in the future and not absurdly far ahead.
    pub(crate) fn expiry(&mut self, field: &str, expiry: Option<Timestamp>) {
        let Some(expiry) = expiry else { return };
        if expiry <= self.now {
            self.add(field, "in_the_past", "give a moment in the future, or leave it out");
        } else if expiry.since(self.now) > limits::EXPIRY_AHEAD_MAX {
            let years = limits::EXPIRY_AHEAD_MAX.as_secs() / Duration::from_secs(365 * 24 * 3600).as_secs();
            self.add(field, "too_late", format!("give a moment within {years} years"));
        }
    }

    /// Checks that a rate limit, if one is given, is within its bounds.
    pub(crate) fn rate_limit(&mut self, field: &str, limit: Option<&RateLimit>) {
        let Some(RateLimit { requests, seconds }) = limit else { return };
        let parts = [
            ("requests", *requests, limits::RATE_LIMIT_REQUESTS_MAX),
            ("seconds", *seconds, limits::RATE_LIMIT_SECONDS_MAX),
        ];
        for (part, given, max) in parts {
            if !(1..=max).contains(&given) {
                self.add(&format!("{field}.{part}"), "out_of_bounds", format!("give 1 to {max}"));
            }
        }
    }

    /// Checks how many entries of a list are wanted.
    pub(crate) fn limit(&mut self, limit: Option<u32>) {
        if limit.is_some_and(|limit| !(1..=limits::LIST_LIMIT_MAX).contains(&limit)) {
            self.add("limit", "out_of_bounds", format!("give 1 to {}", limits::LIST_LIMIT_MAX));
        }
    }

    /// Checks the number of permissions, if any are given. Whether they are registered is checked later.
    pub(crate) fn permissions(&mut self, permissions: Option<&[String]>) {
        if permissions.is_some_and(|permissions| permissions.len() > limits::PERMISSIONS_MAX) {
            self.add("permissions", "too_many", format!("give at most {}", limits::PERMISSIONS_MAX));
        }
    }

    /// Checks that one role is given or several, not both.
    pub(crate) fn roles(&mut self, role: Option<&RoleName>, roles: Option<&[RoleName]>) {
        match (role, roles) {
            (Some(_), Some(_)) => self.add("roles", "conflict", "give either role or roles, not both"),
            (None, Some([])) => self.add("roles", "required", "name at least one role, or leave it out"),
            (None, Some(roles)) if roles.len() > limits::ROLES_PER_MEMBER_MAX => {
                self.add("roles", "too_many", format!("name at most {} roles", limits::ROLES_PER_MEMBER_MAX));
            }
            _ => {}
        }
    }
}
