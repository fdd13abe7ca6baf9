use serde_json::{Map, Value, json};

use super::{parse_slug, profile::profile_of, require_unreserved};
use crate::{
    access::caller::Caller,
    engine::{
        Engine,
        entry::IndexEntry,
        idempotency,
        operation::{Locate, Needs, Operation, Request},
        search_entry,
        transaction::Transaction,
    },
    operations::members::join,
    rows::{OrganizationRow, ProfileRow, Status, WholeOrganization, index, keys, shards},
    store::{Key, change::Change},
    values::{
        base62,
        entropy::bytes,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        role::RoleName,
        slug::Slug,
        validate::Violations,
    },
    wire::{Organization, input, output},
};

input! {
    /// Creates an organization, of which the caller becomes the first owner.
    pub struct Create {
        /// 1 to 100 characters.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, pattern = r"\S"))]
        pub name: String,
        /// 3 to 48 lower-case letters and digits, with single dashes between them; made from the name if absent. Some are
        /// kept for the service itself, such as `www` and `admin`.
        #[cfg_attr(feature = "openapi", schema(min_length = 3, max_length = 48, pattern = r"^[a-z0-9](-?[a-z0-9])*$"))]
        pub slug: Option<String>,
        /// At most 500 characters.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub description: Option<String>,
        /// Where its picture is.
        #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
        pub avatar_url: Option<String>,
        /// What sort of organization it is, in the host's words.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub kind: Option<String>,
        /// ISO 3166-1 alpha-2.
        #[cfg_attr(feature = "openapi", schema(max_length = 2))]
        pub country_code: Option<String>,
        /// The country's name.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub country: Option<String>,
        /// State or region.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub state: Option<String>,
        /// City.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub city: Option<String>,
        /// Postal address.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub address: Option<String>,
        /// IANA name of the time zone.
        #[cfg_attr(feature = "openapi", schema(max_length = 100))]
        pub timezone: Option<String>,
        /// The organization's e-mail address.
        #[cfg_attr(feature = "openapi", schema(max_length = 254))]
        pub email: Option<String>,
        /// The host's own data, at most 16 KiB of JSON.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub metadata: Option<Map<String, Value>>,
    }
}

output! {
    /// The organization that was created.
    pub struct Created {
        /// The organization.
        pub organization: Organization,
    }
}

impl Operation for Create {
    type Output = Created;

    const ROUTE: &'static str = "create";
    const SUMMARY: &'static str = "Create an organization and become its first owner";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] =
        &[ErrorKind::SlugTaken, ErrorKind::SeatsExhausted, ErrorKind::OwnedLimit, ErrorKind::IdempotencyMismatch];
    const EVENT: Option<&'static str> = Some("organization.create");
    const BY_ADDRESS: bool = true;

    fn check(&self, problems: &mut Violations) {
        problems.line("name", &self.name, limits::NAME_CHARS_MAX);
        problems.slug("slug", self.slug.as_deref());
        profile_of!(self).check(problems);
    }

    async fn locate(&self, request: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        match &request.request.idempotency_key {
            Some(key) => Ok(Some(idempotency::organization_id(&request.request.caller.principal(), key))),
            None => Ok(Some(OrganizationId::new(request.engine.clock().now(), request.engine.entropy())?)),
        }
    }

    /// The id may be in use already if it is derived from an idempotency key.
    fn is_new(&self, request: &Request) -> bool {
        request.idempotency_key.is_none()
    }

    fn reads(&self, caller: &Caller) -> Vec<Key> {
        join::address_keys_of(caller).chain([keys::organization().key, keys::gone().key]).collect()
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Created, Error> {
        let id = tx.organization_id()?;
        let user = tx.user()?;
        if tx.get(&keys::organization()).await?.is_some() || tx.get(&keys::gone()).await?.is_some() {
            // Only an idempotency key leads to an id in use, and the answer that was kept for it has expired.
            return Err(Error::new(
                ErrorKind::IdempotencyMismatch,
                "this Idempotency-Key created an organization more than a day ago: send a new key",
            ));
        }
        if !tx.engine.host().may_create(user) {
            let detail = "you may not create organizations here: ask the operator of this service";
            return Err(Error::new(ErrorKind::Forbidden, detail));
        }
        let (slug, derived) = self.slug(tx).await?;
        let mut profile = ProfileRow::default();
        profile_of!(self).apply(&mut profile);
        let row = OrganizationRow {
            number: number(tx.engine).await?,
            name: self.name.trim().to_owned(),
            slug: slug.clone(),
            slug_intent: tx.intent,
            owners: vec![user.id.clone()],
            status: Status::Active,
            status_reason: None,
            created_at: tx.now,
            updated_at: tx.now,
            version: 1,
            name_intent: tx.intent,
            created_intent: tx.intent,
        };
        tx.begin();
        tx.put(&keys::organization(), &row)?;
        if profile != ProfileRow::default() {
            tx.put(&keys::profile(), &profile)?;
        }
        tx.enter(IndexEntry::Slug { slug, derived });
        for (entry, _) in search_entry::entries(&row) {
            tx.enter(entry);
        }
        join::add_member(tx, user, vec![RoleName::owner()], &row).await?;
        let details = json!({ "name": row.name, "slug": row.slug });
        // No cache knows the new organization, but one may remember that another is the only organization of the user.
        tx.changed(Change::Member(id, user.id.clone()), Some(id.to_string()), &details)?;
        Ok(Created { organization: Organization::new(id, WholeOrganization { row, profile })? })
    }
}

impl Create {
    /// The slug to claim, and whether the operation may take another one if this is taken.
    async fn slug(&self, tx: &Transaction<'_>) -> Result<(Slug, bool), Error> {
        let host = tx.engine.host();
        if let Some(slug) = &self.slug {
            let slug = parse_slug(slug)?;
            require_unreserved(host, &slug)?;
            return Ok((slug, false));
        }
        let plain = Slug::resembling(&self.name, None);
        let claimed = tx.engine.store().read(&shards::slug(&plain), &[keys::slug_claim(&plain).key]).await?;
        if tx.attempt == 0 && claimed.iter().all(Option::is_none) && !host.reserves(&plain) {
            return Ok((plain, true));
        }
        let random: [u8; 4] = bytes(tx.entropy())?;
        let suffix = base62::encode(&random, 6).to_lowercase();
        let suffixed = Slug::resembling(&self.name, Some(&suffix));
        // The host may reserve every slug with a certain beginning, and so this one.
        require_unreserved(host, &suffixed)?;
        Ok((suffixed, true))
    }
}

/// Reserves the number of a new organization.
async fn number(engine: &Engine) -> Result<u64, Error> {
    let given = engine.next_numbers(&shards::platform(), index::ALL, 1, Vec::new()).await?;
    given.ok_or_else(|| Error::internal("a commit without checks was in conflict"))
}
