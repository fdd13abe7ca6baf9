use serde_json::{Map, Value, json};

use super::{parse_slug, profile::profile_of, require_unreserved};
use crate::{
    access::{caller::Caller, permission::Permission},
    engine::{
        entry::IndexEntry,
        operation::{Locate, Needs, Operation},
        search_entry::{self, SearchEntry},
        transaction::Transaction,
    },
    rows::{WholeOrganization, keys},
    store::{Key, change::Change},
    values::{
        error::{Error, ErrorKind},
        ids::OrganizationId,
        limits,
        slug::Slug,
        validate::Violations,
    },
    wire::{Organization, input, output},
};

input! {
    /// Changes what an organization tells of itself. A field that is absent or `null` stays; an empty text clears it,
    /// and `{}` clears the metadata.
    pub struct Update {
        /// Which organization.
        pub organization_id: OrganizationId,
        /// 1 to 100 characters.
        #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100, pattern = r"\S"))]
        pub name: Option<String>,
        /// 3 to 48 lower-case letters and digits, with single dashes between them. Some are kept for the service itself,
        /// such as `www` and `admin`.
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
        /// The host's own data, at most 16 KiB of JSON; replaces what was there.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
        pub metadata: Option<Map<String, Value>>,
        /// Change it only if it still has this version; else 412.
        pub if_version: Option<u64>,
    }
}

output! {
    /// The organization as it is now.
    pub struct Updated {
        /// Always true.
        pub ok: bool,
        /// The organization.
        pub organization: Organization,
    }
}

impl Operation for Update {
    type Output = Updated;

    const ROUTE: &'static str = "update";
    const SUMMARY: &'static str = "Change what an organization tells of itself";
    const NEEDS: Needs = Needs::Permission(Permission::ORG_MANAGE);
    const ERRORS: &'static [ErrorKind] = &[ErrorKind::SlugTaken, ErrorKind::Stale];
    const EVENT: Option<&'static str> = Some("organization.update");

    fn check(&self, problems: &mut Violations) {
        if let Some(name) = &self.name {
            problems.line("name", name, limits::NAME_CHARS_MAX);
        }
        problems.slug("slug", self.slug.as_deref());
        profile_of!(self).check(problems);
    }

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(Some(self.organization_id))
    }

    fn reads(&self, _: &Caller) -> Vec<Key> {
        vec![keys::profile().key]
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Updated, Error> {
        let WholeOrganization { row: before, profile: before_profile } = tx.whole_organization().await?;
        if self.if_version.is_some_and(|version| version != before.version) {
            return Err(Error::new(
                ErrorKind::Stale,
                format!("the organization has version {} by now: read it again", before.version),
            ));
        }
        for (entry, intent) in search_entry::entries_and_slug(&before) {
            tx.restore(entry, intent);
        }
        let mut row = before.clone();
        if let Some(name) = &self.name {
            name.trim().clone_into(&mut row.name);
        }
        if let Some(slug) = &self.slug {
            row.slug = parse_slug(slug)?;
            if row.slug != before.slug {
                require_unreserved(tx.engine.host(), &row.slug)?;
            }
        }
        let mut profile = before_profile.clone();
        profile_of!(self).apply(&mut profile);
        if row != before || profile != before_profile {
            row.version += 1;
            row.updated_at = tx.now;
            if row.slug != before.slug {
                row.slug_intent = tx.intent;
                let entry = |slug: &Slug| IndexEntry::Slug { slug: slug.clone(), derived: false };
                tx.enter(entry(&row.slug));
                tx.release(entry(&before.slug), before.slug_intent);
            }
            let [name, renamed] = [&before, &row].map(|row| SearchEntry::name(&row.name));
            if name != renamed {
                row.name_intent = tx.intent;
                tx.enter(IndexEntry::Search(renamed));
                tx.release(IndexEntry::Search(name), before.name_intent);
            }
            tx.put(&keys::organization(), &row)?;
            if profile != before_profile {
                tx.put(&keys::profile(), &profile)?;
            }
            let details = json!({ "version": row.version, "name": row.name, "slug": row.slug });
            tx.changed(Change::Organization(self.organization_id), Some(self.organization_id.to_string()), &details)?;
        }
        let organization = Organization::new(self.organization_id, WholeOrganization { row, profile })?;
        Ok(Updated { ok: true, organization })
    }
}
