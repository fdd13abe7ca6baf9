//! Mails invitations over SMTP.
//!
//! 1. The way to the server is encrypted, and the server's certificate verified, unless the address says otherwise.
//! 2. A mail that the server does not take now is tried again, as the [mailer](crate::core::host::mailer) promises; one to a
//!    mailbox that does not exist (550, 551 and 553, or an address that cannot be written) is not.
//! 3. Each mail has a connection of its own, for a bounded time
//!    ([`limits::SMTP_TIMEOUT`](crate::core::values::limits::SMTP_TIMEOUT)).
//! 4. Nothing secret is logged. lettre, which speaks to the server, would log each mail with its link if something in
//!    the program enables its feature `tracing` and the level is DEBUG.
//!
//! ```
//! use tenantry::{core::host::Host, smtp::{MailContent, Smtp, escape_html}};
//!
//! let smtp = Smtp::new("smtps://acme:password@mail.example.com", "Acme <invitations@acme.example>")?
//!     .render(|mail| {
//!         let text = format!("Come in: {}", mail.link.expose());
//!         let html = format!("<p>{} waits for you</p>", escape_html(&mail.organization_name));
//!         MailContent::new(format!("{} waits for you", mail.organization_name), text).html(html)
//!     });
//! let host = Host::default().mailer(smtp, "https://app.acme.example/join#token={token}")?;
//! # let _ = host;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content;
mod server;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use lettre::message::Mailbox;
use tenantry_core::host::mailer::{InvitationMail, Mailed, Mailer, NotMailed};

use self::server::Server;

pub use self::content::{MailContent, escape_html};

/// A [`Mailer`] over SMTP. Cheap to clone.
#[derive(Clone)]
pub struct Smtp {
    server: Arc<Server>,
    from: Mailbox,
    render: Arc<dyn Fn(&InvitationMail) -> MailContent + Send + Sync>,
}

impl Smtp {
    /// Mails through the server at `address`, in the name of `from` (`Acme <invitations@acme.example>`).
    ///
    /// | address | |
    /// |---|---|
    /// | `smtps://user:password@host` | TLS from the beginning; port 465 unless another is given |
    /// | `smtp://user:password@host` | STARTTLS, and nothing without it; port 587 unless another is given |
    /// | `smtp://host?tls=none` | **Everybody on the way can read the links**, and use them: for a server on the same machine. Port 25 unless another is given |
    ///
    /// User and password may be left out; what is special in them is written as `%XX`. The server's certificate is
    /// verified against the authorities that the operating system trusts.
    ///
    /// # Errors
    /// When one of the two is no such address. The message tells the mend, and contains no password.
    pub fn new(address: &str, from: &str) -> Result<Self, InvalidSmtp> {
        let from = from
            .parse()
            .map_err(|_| InvalidSmtp("`from` is no mailbox: write it as Name <user@host>, or user@host".to_owned()))?;
        Ok(Self { server: Arc::new(Server::parse(address)?), from, render: Arc::new(MailContent::plain) })
    }

    /// Says in the host's own words what the mail says. Unless set, it is a few lines of English.
    ///
    /// The names in an [`InvitationMail`] are what somebody typed: escape them in HTML, by [`escape_html`].
    #[must_use]
    pub fn render(mut self, render: impl Fn(&InvitationMail) -> MailContent + Send + Sync + 'static) -> Self {
        self.render = Arc::new(render);
        self
    }

    /// Trusts one more authority, by its certificate as PEM: a company's own, say.
    ///
    /// # Errors
    /// When that is no certificate.
    pub fn trust(mut self, certificate: &str) -> Result<Self, InvalidSmtp> {
        self.server = Arc::new(self.server.trusting(certificate)?);
        Ok(self)
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn invitation(&self, mail: InvitationMail) -> Result<Mailed, NotMailed> {
        let Some(email) = &mail.email else { return Ok(Mailed::NoWay) };
        let to = content::mailbox(email, mail.name.as_deref())?;
        let message = (self.render)(&mail).message(&mail, self.from.clone(), to)?;
        self.server.send(&message).await?;
        Ok(Mailed::Sent)
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("server", &self.server).field("from", &self.from).finish_non_exhaustive()
    }
}

/// No mail can be sent like this; the message tells the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSmtp(String);
