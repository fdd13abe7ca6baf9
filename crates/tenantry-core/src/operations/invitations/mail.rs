//! The mail of an invitation, which follows from creating and from resending it.
//!
//! No row holds a token in the clear, and no job may. So each try of the job makes a new token, whose hash is in the
//! row before the mail goes out. Only the invitation's row is written, so that a mail does not interfere with anything
//! else in the organization.

use crate::{
    access::roles::Roles,
    engine::{Engine, jobs::within, transaction::Transaction},
    host::{
        directory::{Found, HostError, Who},
        mailer::{InvitationMail, Mailed, NotMailed, unlinked},
    },
    rows::{self, Intent, InvitationRow, InvitationState, MailingRow, Nested, OrganizationRow, Work, keys, shards},
    secret::InvitationToken,
    store::{Check, CommitError, Txn},
    values::{
        address::Address,
        delivery::Delivery,
        error::Error,
        ids::{InvitationId, OrganizationId},
        limits,
    },
};

/// Has the invitation mailed after the commit, if the host mails.
pub(super) fn later(tx: &mut Transaction<'_>, invitation: InvitationId) -> Result<Option<Nested<MailingRow>>, Error> {
    if !is_wanted(tx) {
        return Ok(None);
    }
    tx.later(Work::MailInvitation { invitation })?;
    let mailing =
        MailingRow { sending: tx.intent, delivery: Some(Delivery::Pending), tokens: Vec::new(), refused: false };
    Ok(Some(Nested::new(mailing)))
}

/// Whether the host mails invitations.
pub(super) fn is_wanted(tx: &Transaction<'_>) -> bool {
    tx.engine.host().known_mails().is_some()
}

/// One sending of an invitation.
#[derive(Debug, Clone, Copy)]
struct Sending {
    organization: OrganizationId,
    invitation: InvitationId,
    intent: Intent,
}

impl Engine {
    /// Mails the invitation for the attempt `sending`, which created or resent it; `name` identifies the mail. Succeeds
    /// without a mail if none is wanted any more.
    pub(crate) async fn mail_invitation(
        &self,
        (organization, invitation): (OrganizationId, InvitationId),
        sending: Intent,
        name: &str,
    ) -> Result<(), HostError> {
        let mails = self.host().known_mails().ok_or("this node has no mailer")?;
        let sending = Sending { organization, invitation, intent: sending };
        let Some((home, roles)) = self.home(organization).await? else { return Ok(()) };
        // Fail, so that the job is tried again: the organization may become active, and until then no link should lead
        // there.
        home.require_active()?;
        let token = InvitationToken::new(organization, invitation, self.entropy())?;
        let minted = self.update_mailing(sending, |mailing| {
            let surplus = (mailing.tokens.len() + 1).saturating_sub(limits::MAILED_TOKENS_MAX);
            mailing.tokens.drain(..surplus);
            mailing.tokens.push(token.hashed());
        });
        let Some(row) = minted.await? else { return Ok(()) };
        let handing_over = async {
            let mail = InvitationMail {
                id: name.to_owned(),
                invitation,
                organization,
                organization_name: unlinked(&home.name),
                email: self.mailbox(&row.address).await?,
                username: row.address.as_username().map(str::to_owned),
                name: row.name.as_deref().map(unlinked),
                roles: roles.ranked(row.roles),
                invited_by: row.invited_by,
                expires_at: row.expires_at,
                link: mails.template.link(&token),
            };
            mails.mailer.invitation(mail).await
        };
        let mailed = within(limits::MAIL_TIMEOUT, handing_over).await.unwrap_or_else(|error| Err(error.into()));
        let delivery = match &mailed {
            Ok(Mailed::Sent) => Some(Delivery::Sent),
            Ok(Mailed::NoWay) => None,
            Err(_) => Some(Delivery::Failed),
        };
        let refused = matches!(mailed, Err(NotMailed::Undeliverable(_)));
        let ended = self.update_mailing(sending, |mailing| {
            mailing.delivery = delivery;
            mailing.refused = refused;
        });
        ended.await?;
        match mailed {
            Ok(_) => Ok(()),
            Err(NotMailed::Failed(error)) => Err(error),
            Err(NotMailed::Undeliverable(error)) => {
                tracing::warn!(%error, %organization, %invitation, "the mail of an invitation is refused for good");
                Ok(())
            }
        }
    }

    /// The organization and its roles; `None` if it was deleted.
    async fn home(&self, organization: OrganizationId) -> Result<Option<(OrganizationRow, Roles)>, Error> {
        let keys = [keys::organization().key, keys::roles().key];
        let mut values = self.store().read(&shards::organization(organization), &keys).await?.into_iter();
        let Some(home) = values.next().flatten() else { return Ok(None) };
        let roles = Roles::read(self.registry(), organization, values.next().flatten().as_deref())?;
        Ok(Some((rows::decode(&home)?, roles)))
    }

    /// The e-mail address of whoever has this address.
    async fn mailbox(&self, address: &Address) -> Result<Option<String>, HostError> {
        if let Some(email) = address.as_email() {
            return Ok(Some(email.to_owned()));
        }
        match self.host().find(Who::Address(address.clone())).await? {
            Found::User(profile) => Ok(profile.email),
            Found::Unknown | Found::Nobody => Ok(None),
        }
    }

    /// Changes how the invitation is mailed, and answers its row; `None` if it no longer waits for this mail.
    async fn update_mailing(
        &self,
        sending: Sending,
        update: impl Fn(&mut MailingRow) + Send + Sync,
    ) -> Result<Option<InvitationRow>, Error> {
        let home = shards::organization(sending.organization);
        let key = keys::invitation(sending.invitation).key;
        for attempt in 0..limits::ATTEMPTS_MAX {
            let expected = self.store().read(&home, std::slice::from_ref(&key)).await?.pop().flatten();
            let row: Option<InvitationRow> = expected.as_deref().map(rows::decode).transpose()?;
            let is_open =
                |row: &InvitationRow| row.state == InvitationState::Open && row.expires_at > self.clock().now();
            let Some(mut row) = row.filter(is_open) else { return Ok(None) };
            let waits = |mailing: &&mut Nested<MailingRow>| {
                let is_done = mailing.refused || matches!(mailing.delivery, None | Some(Delivery::Sent));
                mailing.sending == sending.intent && !is_done
            };
            let Some(mailing) = row.mailing.as_mut().filter(waits) else { return Ok(None) };
            update(mailing);
            let written = rows::encode_over(&row, expected.as_deref())?;
            let checks = vec![Check { key: key.clone(), expected }];
            let txn = Txn { checks, puts: vec![(key.clone(), written)], ..Txn::default() };
            match self.store().commit(&home, &txn).await {
                Ok(_) => return Ok(Some(row)),
                Err(CommitError::Conflict | CommitError::Limit(_)) => self.back_off(attempt).await?,
                Err(CommitError::NotApplied(error) | CommitError::Unavailable(error)) => return Err(error.into()),
            }
        }
        Err(Error::unavailable("the invitation is always being changed"))
    }
}
