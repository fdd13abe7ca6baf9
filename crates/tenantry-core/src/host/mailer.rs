//! Tells invitees of their invitations.
//!
//! # What is promised
//! 1. The mailer of a [`Host`](crate::host::Host) is called **at least once** for every invitation that was created or
//!    resent on a node with a mailer, even if a node dies in between, and for no other; by any node that has a mailer.
//!    So give all nodes one, or none.
//! 2. A mail that fails undoes nothing: the invitation can be accepted meanwhile, by the token that the inviter got in
//!    the answer. The mail is tried again, with pauses that grow to [`limits::JOB_RETRY_MAX`], until it is handed over,
//!    or the invitation was answered, withdrawn or resent, or has expired. The list of invitations shows the
//!    [`Delivery`](crate::values::delivery::Delivery).
//! 3. No token is stored in the clear, so each try makes a new one. The last [`limits::MAILED_TOKENS_MAX`] tokens of
//!    one sending work: a mail that arrives twice works both times. Resending the invitation ends them all.
//! 4. A mail may be handed over more than once. [`InvitationMail::id`] is the same each time.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    host::directory::HostError,
    secret::{InvitationToken, Plain},
    values::{
        clock::Timestamp,
        ids::{InvitationId, OrganizationId},
        limits,
        principal::Principal,
        role::RoleName,
    },
};

/// Mails invitations. See the [module](self) for what is promised.
///
/// A mail that takes longer than [`limits::MAIL_TIMEOUT`] has failed. A closure will do:
///
/// ```
/// use tenantry_core::host::{Host, mailer::{InvitationMail, Mailed, NotMailed}};
///
/// let host = Host::default().mailer(
///     |mail: InvitationMail| async move {
///         let Some(address) = mail.email else { return Ok(Mailed::NoWay) };
///         // Into the queue of the host's own mails, say. Only the mail itself may show the link.
///         let text = format!("Join {}: {}", mail.organization_name, mail.link.expose());
/// #       let _ = (address, text);
///         Ok::<_, NotMailed>(Mailed::Sent)
///     },
///     "https://app.example.com/join#token={token}",
/// )?;
/// # let _ = host;
/// # Ok::<(), tenantry_core::host::mailer::InvalidLinkTemplate>(())
/// ```
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Mails an invitation that was created or resent.
    async fn invitation(&self, mail: InvitationMail) -> Result<Mailed, NotMailed>;
}

/// The content of a mail to an invitee.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InvitationMail {
    /// Identifies this mail: the same at every try, and another when the invitation is resent.
    pub id: String,
    /// The invitation.
    pub invitation: InvitationId,
    /// The organization that invites.
    pub organization: OrganizationId,
    /// That organization's name, without anything that a mail program would turn into a link. Somebody typed it: HTML
    /// must escape it.
    pub organization_name: String,
    /// The e-mail address of the invitee: the invited address or, for an invited username, the one that the host's
    /// directory knows, if any.
    pub email: Option<String>,
    /// The username, if one was invited.
    pub username: Option<String>,
    /// The invitee's name, as the inviter wrote it, without links as well.
    pub name: Option<String>,
    /// The roles that accepting gives, from the highest to the lowest.
    pub roles: Vec<RoleName>,
    /// Who invited.
    pub invited_by: Principal,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// The address of the host's page, with the token in it. It is a secret, and does not print: whoever has it can
    /// register with the invited address.
    pub link: Plain,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mailed {
    /// It was handed over.
    Sent,
    /// This mailer has no way to reach the invitee, such as a username without an e-mail address. The mail is not tried
    /// again.
    NoWay,
}

/// Why a mail was not handed over. The error is logged: it must not contain the link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotMailed {
    /// The mail can never be delivered, since there is no such address, say. It is listed as failed, and tried again
    /// only if the invitation is resent.
    #[error("the mail is refused for good")]
    Undeliverable(#[source] HostError),
    /// Handing it over failed this time. It is listed as failed, and tried again.
    #[error("the mail was not handed over")]
    Failed(#[from] HostError),
}

#[async_trait]
impl<F, Mailing> Mailer for F
where
    F: Fn(InvitationMail) -> Mailing + Send + Sync + 'static,
    Mailing: Future<Output = Result<Mailed, NotMailed>> + Send,
{
    async fn invitation(&self, mail: InvitationMail) -> Result<Mailed, NotMailed> {
        self(mail).await
    }
}

/// A name that somebody typed, as a mail shows it: without anything that a mail program takes for the address of a web
/// page or of a mailbox, and turns into a link.
///
/// A dot within a word, `@` and `://` become spaces: `evil.example` becomes two words.
pub(crate) fn unlinked(name: &str) -> String {
    // Browsers take all of these for the dot of a host's name (UTS #46).
    let is_dot = |character: char| matches!(character, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' | '\u{2024}');
    let characters: Vec<_> = name.replace("://", " ").chars().collect();
    let is_word = |place: Option<usize>| {
        place.and_then(|place| characters.get(place)).is_some_and(|character| character.is_alphanumeric())
    };
    let shown = characters.iter().enumerate().map(|(place, &character)| {
        let within = is_word(place.checked_sub(1)) && is_word(Some(place + 1));
        if character == '@' || (is_dot(character) && within) || character.is_control() { ' ' } else { character }
    });
    shown.collect()
}

/// A mailer, and the template of its links.
#[derive(Clone)]
pub(crate) struct Mails {
    pub(crate) mailer: Arc<dyn Mailer>,
    pub(crate) template: LinkTemplate,
}

/// The address of the host's page for invitees, as the parts before and after the token.
#[derive(Clone)]
pub(crate) struct LinkTemplate {
    before: String,
    after: String,
}

impl LinkTemplate {
    const PLACE: &str = "{token}";

    pub(crate) fn parse(template: &str) -> Result<Self, InvalidLinkTemplate> {
        let invalid = |mend| InvalidLinkTemplate { template: template.to_owned(), mend };
        let (before, after) =
            template.split_once(Self::PLACE).ok_or_else(|| invalid("put {token} where the token belongs"))?;
        let others = |text: &str| text.contains(['{', '}']);
        if others(before) || others(after) {
            return Err(invalid("have {token} in it once, and no other braces"));
        }
        let is_written_out = |text: &str| {
            text.chars().all(|character| matches!(character, '!'..='~') && !"\"<>\\^`|".contains(character))
        };
        if !is_written_out(before) || !is_written_out(after) || template.len() > limits::URL_CHARS_MAX {
            return Err(invalid("give at most 2048 characters of ASCII, and write what is special as %XX"));
        }
        let rest = before.strip_prefix("https://").or_else(|| before.strip_prefix("http://"));
        let rest =
            rest.ok_or_else(|| invalid("begin with https:// (or http://, on the way of which anybody can read)"))?;
        let host = rest.find(['/', '?', '#']).map(|end| &rest[..end]);
        let host = host.ok_or_else(|| invalid("put {token} behind the host: https://HOST/join#token={token}"))?;
        if host.is_empty() || host.starts_with(':') || host.contains('@') {
            return Err(invalid("name a host, and no user: https://HOST/join#token={token}"));
        }
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The link with this token. A token needs no escapes.
    pub(crate) fn link(&self, token: &InvitationToken) -> Plain {
        Plain::new([&self.before, token.plain().expose(), &self.after].concat())
    }
}

/// The template cannot make links; the message says how to correct it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template of links {template:?} does not do: {mend}")]
pub struct InvalidLinkTemplate {
    template: String,
    mend: &'static str,
}

impl fmt::Debug for Mails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mails").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::entropy::SystemEntropy;

    #[test]
    fn a_name_in_a_mail_holds_no_link() {
        for (name, shown) in [
            ("Acme & Co.", "Acme & Co."),
            ("Your account is locked, see evil.example/login", "Your account is locked, see evil example/login"),
            ("https://evil.example", "https evil example"),
            ("evil\u{3002}example", "evil example"),
            ("root@evil.example", "root evil example"),
            ("Dr. A. Smith, Inc.", "Dr. A. Smith, Inc."),
        ] {
            assert_eq!(unlinked(name), shown);
        }
    }

    #[test]
    fn a_valid_template_makes_links_and_an_invalid_one_says_how_to_correct_it() {
        let now = Timestamp::from_millis(5);
        let ids = (OrganizationId::from_parts(now, [1; 10]), InvitationId::from_parts(now, [2; 10]));
        let token = InvitationToken::new(ids.0, ids.1, &SystemEntropy).unwrap();
        let text = token.plain().expose();
        let link = |template| LinkTemplate::parse(template).map(|template| template.link(&token).expose().to_owned());
        assert_eq!(link("https://a.example/join#token={token}"), Ok(format!("https://a.example/join#token={text}")));
        assert_eq!(link("http://localhost:3000/{token}/?a=b"), Ok(format!("http://localhost:3000/{text}/?a=b")));
        for (template, mend) in [
            ("https://a.example/join", "put {token}"),
            ("https://a.example/{token}{token}", "once"),
            ("https://a.example/{org}/{token}", "no other braces"),
            ("a.example/join#{token}", "https://"),
            ("javascript://a/#{token}", "https://"),
            ("https://{token}.a.example/", "behind the host"),
            ("https://a.example{token}", "behind the host"),
            ("https:///join#{token}", "name a host"),
            ("https://me:secret@a.example/#{token}", "no user"),
            ("https://a.example/a b#{token}", "%XX"),
            ("https://a.example/\r\n#{token}", "%XX"),
            ("https://ä.example/#{token}", "%XX"),
        ] {
            let error = LinkTemplate::parse(template).err().map(|error| error.to_string());
            assert!(error.as_deref().is_some_and(|error| error.contains(mend)), "{template}: {error:?}");
        }
    }
}
