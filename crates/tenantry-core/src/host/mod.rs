//! What a host decides beyond permissions and roles.
//!
//! A limit is enforced by a bounded counter in the commit that it limits: however many requests race, none gets past
//! it. A policy is asked at each change, and takes nothing away from anybody: a limit that is lowered below the present
//! number merely admits no more.

pub mod directory;
pub mod hooks;
pub mod mailer;
pub mod registrar;

use std::{collections::BTreeSet, fmt, sync::Arc};

use crate::{
    access::{
        caller::{Caller, Identity},
        permission::Permission,
    },
    host::{
        directory::{Directory, Found, HostFailed, Who},
        hooks::Hooks,
        mailer::{InvalidLinkTemplate, LinkTemplate, Mailer, Mails},
        registrar::Registrar,
    },
    values::{
        error::Error,
        limits,
        slug::{self, Slug},
    },
    wire::Organization,
};

type MayCreate = Arc<dyn Fn(&Identity) -> bool + Send + Sync>;
type SlugReserved = Arc<dyn Fn(&Slug) -> bool + Send + Sync>;
type SeatsMax = Arc<dyn Fn(&Organization) -> Option<u32> + Send + Sync>;
type MayInvite = Arc<dyn Fn(&Caller, &Organization) -> bool + Send + Sync>;

/// The host's policies and callbacks. Cheap to clone. By default it limits only slugs that would mislead, and the
/// number of invitations.
///
/// ```
/// use tenantry_core::host::Host;
///
/// let host = Host::default()
///     .who_may_create(|user| user.verified_email().is_some())
///     .organizations_owned_max(3)
///     .seats_max(|organization| match organization.kind.as_deref() {
///         Some("enterprise") => None,
///         _ => Some(25),
///     });
/// # let _ = host;
/// ```
#[derive(Clone, Default)]
pub struct Host {
    may_create: Option<MayCreate>,
    organizations_owned_max: Option<u32>,
    seats_max: Option<SeatsMax>,
    may_invite: Option<MayInvite>,
    open_invitations_max: Option<u32>,
    mails_max: Option<(u32, u32)>,
    /// `None`: the default list.
    reserved_slugs: Option<Arc<BTreeSet<String>>>,
    slug_reserved: Option<SlugReserved>,
    members_see_invitations: bool,
    directory: Option<Arc<dyn Directory>>,
    registrar: Option<Arc<dyn Registrar>>,
    hooks: Option<Arc<dyn Hooks>>,
    mails: Option<Mails>,
}

impl Host {
    /// Who may create organizations: everybody unless set. Others are refused with `forbidden`.
    #[must_use]
    pub fn who_may_create(mut self, may_create: impl Fn(&Identity) -> bool + Send + Sync + 'static) -> Self {
        self.may_create = Some(Arc::new(may_create));
        self
    }

    /// How many organizations a user may own, by creating them or by becoming their owner: without limit unless set.
    /// More are refused with `owned_limit`.
    #[must_use]
    pub fn organizations_owned_max(mut self, max: u32) -> Self {
        self.organizations_owned_max = Some(max);
        self
    }

    /// How many members an organization may have, its owners included; `None` for no limit, as for all unless set. More
    /// are refused with `seats_exhausted`.
    ///
    /// The closure is called while an operation is being decided: it must answer from what it knows, and wait for
    /// nothing.
    #[must_use]
    pub fn seats_max(mut self, max: impl Fn(&Organization) -> Option<u32> + Send + Sync + 'static) -> Self {
        self.seats_max = Some(Arc::new(max));
        self
    }

    /// Who may invite, of those whose role permits it: everybody unless set. Others are refused with `forbidden`.
    ///
    /// If anybody can sign up with the host, it may want to require a verified address, say, or an organization that
    /// pays: each invitation may be a mail from the host's own domain to a stranger.
    #[must_use]
    pub fn who_may_invite(
        mut self,
        may_invite: impl Fn(&Caller, &Organization) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.may_invite = Some(Arc::new(may_invite));
        self
    }

    /// How many invitations of one organization may be open, the expired ones included: 1000 unless set. More are
    /// refused with `invitations_exhausted`.
    #[must_use]
    pub fn open_invitations_max(mut self, max: u32) -> Self {
        self.open_invitations_max = Some(max);
        self
    }

    /// How many mails of invitations may be sent within an hour: for one organization, and by one user in all of
    /// theirs. 200 each unless set; at least 1. A request for more is refused with `rate_limited`, and invites nobody.
    /// Mails count only where there is a [`mailer`](Self::mailer).
    #[must_use]
    pub fn mails_per_hour_max(mut self, organization: u32, user: u32) -> Self {
        self.mails_max = Some((organization.max(1), user.max(1)));
        self
    }

    /// The slugs that no organization can take, in place of the default list [`slug::RESERVED`]; if empty, none are
    /// reserved. An organization keeps a reserved slug that it has already. Nobody is exempt, not even a platform
    /// admin.
    ///
    /// ```
    /// use tenantry_core::{host::Host, values::slug};
    ///
    /// let host = Host::default().reserved_slugs(slug::RESERVED.iter().copied().chain(["acme-labs", "status-page"]));
    /// # let _ = host;
    /// ```
    #[must_use]
    pub fn reserved_slugs(mut self, slugs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.reserved_slugs = Some(Arc::new(slugs.into_iter().map(Into::into).collect()));
        self
    }

    /// Says which further slugs no organization can take, besides the list of [`reserved_slugs`](Self::reserved_slugs):
    /// all that begin with the host's own name, say.
    ///
    /// The closure is called while an operation is being decided: it must answer from what it knows, and wait for
    /// nothing.
    #[must_use]
    pub fn slug_reserved(mut self, reserved: impl Fn(&Slug) -> bool + Send + Sync + 'static) -> Self {
        self.slug_reserved = Some(Arc::new(reserved));
        self
    }

    /// Lets every member who sees the members (`members:view`) also see who is invited, with their addresses. Unless
    /// set, only those who manage members (`members:manage`) do.
    #[must_use]
    pub fn members_see_invitations(mut self) -> Self {
        self.members_see_invitations = true;
        self
    }

    /// Finds the host's users; a closure will do. Without one, an invitation to a username waits for a user whose
    /// verified claim has this username.
    #[must_use]
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Some(Arc::new(directory));
        self
    }

    /// Creates accounts for those who register by an invitation; a closure will do. Without one, nobody can register.
    #[must_use]
    pub fn registrar(mut self, registrar: impl Registrar) -> Self {
        self.registrar = Some(Arc::new(registrar));
        self
    }

    /// What the host does after changes: nothing unless set. See [`hooks`] for what is promised.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks = Some(Arc::new(hooks));
        self
    }

    /// Mails invitations; a closure will do. Without one nothing is mailed, and the inviter passes the token on.
    ///
    /// `link_template` is the address of the host's page for invitees, with `{token}` where the token belongs:
    /// `https://app.example.com/join#token={token}`. Put it behind a `#`: a browser does not send that part to a
    /// server, so the token gets into no log. See [`mailer`] for what is promised.
    ///
    /// # Errors
    /// If the template is no absolute `https` or `http` URL with `{token}` in it once; the message says how to correct
    /// it.
    pub fn mailer(mut self, mailer: impl Mailer, link_template: &str) -> Result<Self, InvalidLinkTemplate> {
        self.mails = Some(Mails { mailer: Arc::new(mailer), template: LinkTemplate::parse(link_template)? });
        Ok(self)
    }

    pub(crate) fn known_mails(&self) -> Option<&Mails> {
        self.mails.as_ref()
    }

    pub(crate) fn known_hooks(&self) -> Option<&dyn Hooks> {
        self.hooks.as_deref()
    }

    pub(crate) fn known_registrar(&self) -> Option<&dyn Registrar> {
        self.registrar.as_deref()
    }

    pub(crate) async fn find(&self, who: Who) -> Result<Found, Error> {
        let Some(directory) = &self.directory else { return Ok(Found::Unknown) };
        let found = directory.find(who).await.map_err(|error| HostFailed::error("directory", error))?;
        Ok(found.map_or(Found::Nobody, Found::User))
    }

    pub(crate) fn may_create(&self, user: &Identity) -> bool {
        self.may_create.as_ref().is_none_or(|may_create| may_create(user))
    }

    /// Whether the host reserves the slug, so that no organization can take it.
    pub(crate) fn reserves(&self, slug: &Slug) -> bool {
        let listed = match &self.reserved_slugs {
            Some(slugs) => slugs.contains(slug.as_str()),
            None => slug::RESERVED.binary_search(&slug.as_str()).is_ok(),
        };
        listed || self.slug_reserved.as_ref().is_some_and(|reserved| reserved(slug))
    }

    /// The permission that it takes to see, among the members, who is invited.
    pub(crate) fn sees_invitations(&self) -> Permission {
        if self.members_see_invitations { Permission::MEMBERS_VIEW } else { Permission::MEMBERS_MANAGE }
    }

    pub(crate) fn owned_max(&self) -> Option<u64> {
        self.organizations_owned_max.map(u64::from)
    }

    /// Says whether a caller may invite into an organization; `None`: everybody may.
    pub(crate) fn known_may_invite(&self) -> Option<&MayInvite> {
        self.may_invite.as_ref()
    }

    pub(crate) fn known_open_invitations_max(&self) -> u32 {
        self.open_invitations_max.unwrap_or(limits::OPEN_INVITATIONS_MAX_DEFAULT)
    }

    /// How many mails an hour: of an organization, and of a user.
    pub(crate) fn known_mails_max(&self) -> (u32, u32) {
        self.mails_max.unwrap_or((limits::MAILS_MAX_DEFAULT, limits::MAILS_MAX_DEFAULT))
    }

    /// Says how many members an organization may have; `None`: any number.
    pub(crate) fn known_seats_max(&self) -> Option<&SeatsMax> {
        self.seats_max.as_ref()
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("who_may_create", &self.may_create.is_some())
            .field("organizations_owned_max", &self.organizations_owned_max)
            .field("seats_max", &self.seats_max.is_some())
            .field("who_may_invite", &self.may_invite.is_some())
            .field("open_invitations_max", &self.open_invitations_max)
            .field("mails_per_hour_max", &self.mails_max)
            .field("reserved_slugs", &self.reserved_slugs)
            .field("slug_reserved", &self.slug_reserved.is_some())
            .field("members_see_invitations", &self.members_see_invitations)
            .field("directory", &self.directory.is_some())
            .field("registrar", &self.registrar.is_some())
            .field("hooks", &self.hooks.is_some())
            .field("mailer", &self.mails.is_some())
            .finish_non_exhaustive()
    }
}
