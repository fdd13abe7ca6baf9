use crate::{
    access::{
        authority,
        caller::{Caller, Presented},
    },
    engine::{
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    rows::{self, TokenRow, shards},
    values::{
        clock::Timestamp,
        error::{Error, ErrorKind},
        ids::OrganizationId,
        rate_limit::RateLimit,
    },
    wire::input,
};

input! {
    /// Tells whether an API token is valid, and what it may do, as RFC 7662 has it.
    pub struct Introspect {
        /// The token as its bearer presents it: `<key>:<secret>`.
        pub token: String,
    }
}

/// What there is to know of a token; of one that is not valid, that alone.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Introspection {
    /// Whether the token is valid, in an organization that is in use.
    pub active: bool,
    /// The organization that owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<String>>,
    /// The same, in one text with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it, or the secret that was presented, ends: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// How often it may be presented to each node of the service, which is not counted here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// When it was made: seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Who calls by it: its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// Its key.
    #[serde(rename = "client_id", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Always `Bearer`.
    #[serde(rename = "token_type", skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
}

impl Operation for Introspect {
    type Output = Introspection;

    const ROUTE: &'static str = "tokens/introspect";
    const SUMMARY: &'static str = "Tell whether an API token is valid, and what it may do";
    const NEEDS: Needs = Needs::Platform;
    const ERRORS: &'static [ErrorKind] = &[];
    const EVENT: Option<&'static str> = None;

    async fn locate(&self, _: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        Ok(None)
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Introspection, Error> {
        let Some(presented) = Presented::parse(&self.token) else { return Ok(Introspection::default()) };
        let key = presented.key;
        let home = key.organization();
        let caller = Caller::Token(presented);
        let values = tx.engine.store().read(&shards::organization(home), &authority::keys(&caller)).await?;
        let values = values.try_into().map_err(|_| Error::internal("the store answered for other rows than asked"))?;
        let authority = match authority::decide(&caller, home, &values, tx.registry(), tx.now) {
            Ok((_, authority)) => authority,
            Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
            Err(_) => return Ok(Introspection::default()),
        };
        if let Caller::Token(presented) = &caller
            && let Err(error) = tx.engine.note_presented(presented).await
        {
            tracing::debug!(%key, %error, "the use of an API token was not noted");
        }
        let row: Option<TokenRow> = values[1].as_deref().map(rows::decode).transpose()?;
        let permissions = tx.registry().names(&authority.permissions);
        Ok(Introspection {
            active: true,
            organization_id: Some(home),
            scope: Some(permissions.join(" ")),
            permissions: Some(permissions),
            exp: authority.expires_at.map(Timestamp::as_seconds),
            rate_limit: authority.rate_limit,
            iat: row.map(|row| row.created_at.as_seconds()),
            sub: Some(key.to_string()),
            client_id: Some(key.to_string()),
            token_type: Some("Bearer".to_owned()),
        })
    }
}
