//! What a mail says, and how it is written down.

use std::fmt;

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use tenantry_core::host::mailer::{InvitationMail, NotMailed};
use url::Host;

/// What a mail says. It does not print: there is a link in it.
#[derive(Clone)]
#[non_exhaustive]
pub struct MailContent {
    /// The subject. Line breaks in it become spaces.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML, for who sees that.
    pub html: Option<String>,
}

impl MailContent {
    /// A mail of plain text.
    pub fn new(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self { subject: subject.into(), text: text.into(), html: None }
    }

    /// Says the same as HTML, too. It is taken as it is: escape what people typed, names for example, by
    /// [`escape_html`].
    #[must_use]
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// What is said when the host has no words of its own.
    pub(super) fn plain(mail: &InvitationMail) -> Self {
        let organization = one_line(&mail.organization_name);
        let greeting = mail.name.as_deref().map(|name| format!("Hello {},\n\n", one_line(name))).unwrap_or_default();
        let end = mail.expires_at.to_string();
        // 2026-11-22T09:30:00.000Z
        let (day, time) = (end.get(..10).unwrap_or(&end), end.get(11..16).unwrap_or_default());
        let text = format!(
            "{greeting}You are invited to join \"{organization}\":\n\n{}\n\nThe link can be used until {day} {time} UTC. \
             It is for you alone: do not pass it on.\nIf you did not expect it, there is nothing that you have to do.\n",
            mail.link.expose(),
        );
        Self::new(format!("Invitation to {organization}"), text)
    }

    /// The mail as it travels.
    pub(super) fn message(self, mail: &InvitationMail, from: Mailbox, to: Mailbox) -> Result<Message, NotMailed> {
        // The same each time, so that a mail that arrives twice can be told to be one.
        let id = format!("<{}@{}>", mail.id, from.email.domain());
        // Asks for no answer by a machine (RFC 3834), which might bring the link to whoever reads answers.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let builder = Message::builder()
            .from(from)
            .to(to)
            .subject(one_line(&self.subject))
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        let message = match self.html {
            None => builder.singlepart(SinglePart::plain(self.text)),
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(self.text, html)),
        };
        message.map_err(|error| NotMailed::Failed(error.into()))
    }
}

impl fmt::Debug for MailContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailContent(…)")
    }
}

/// The mailbox as SMTP takes it: what is not ASCII in its domain, in Punycode.
pub(super) fn mailbox(email: &str, name: Option<&str>) -> Result<Mailbox, NotMailed> {
    let undeliverable = || NotMailed::Undeliverable("a mail cannot be addressed like this".into());
    let (user, domain) = email.rsplit_once('@').ok_or_else(undeliverable)?;
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return Err(undeliverable()) };
    let address = Address::new(user, domain).map_err(|_| undeliverable())?;
    Ok(Mailbox::new(name.map(one_line), address))
}

/// What people typed, so that HTML shows it and does not take it for HTML: in a text, and in a quoted attribute.
#[must_use]
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Nobody begins a line of a header by a name or a subject.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_typed_is_no_html() {
        assert_eq!(escape_html("<b a=\"'\">A & B</b>"), "&lt;b a=&quot;&#39;&quot;&gt;A &amp; B&lt;/b&gt;");
    }
}
