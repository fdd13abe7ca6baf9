use futures_util::future;
use serde_json::json;

use crate::{
    engine::{
        Engine,
        entry::IndexEntry,
        operation::{Locate, Needs, Operation},
        transaction::Transaction,
    },
    operations::{invitations::Joined, members::join},
    rows::{self, AttemptsRow, JoinCodeEntryRow, JoinCodeRow, keys, shards},
    secret::{Hashed, JoinCode},
    store::{Add, Check, CommitError, Txn, change::Change},
    values::{
        error::{Error, ErrorKind, Quota},
        ids::{OrganizationId, UserId},
        limits,
        validate::Violations,
    },
    wire::input,
};

input! {
    /// Joins an organization by a join code.
    pub struct Join {
        /// The code; case, spaces and dashes do not matter.
        pub code: String,
    }
}

impl Operation for Join {
    type Output = Joined;

    const ROUTE: &'static str = "join-codes/join";
    const SUMMARY: &'static str = "Join an organization by a join code";
    const NEEDS: Needs = Needs::User;
    const ERRORS: &'static [ErrorKind] = &[
        ErrorKind::OrganizationSuspended,
        ErrorKind::NotFound,
        ErrorKind::SeatsExhausted,
        ErrorKind::OwnedLimit,
        ErrorKind::Expired,
        ErrorKind::Revoked,
        ErrorKind::Exhausted,
        ErrorKind::RateLimited,
    ];
    const EVENT: Option<&'static str> = Some("join-codes.join");
    const BY_ADDRESS: bool = true;

    fn check(&self, problems: &mut Violations) {
        if let Err(error) = JoinCode::parse(&self.code) {
            problems.add("code", "invalid", error.to_string());
        }
    }

    async fn locate(&self, request: &Locate<'_>) -> Result<Option<OrganizationId>, Error> {
        let user = &request.request.caller.user()?.id;
        let (entry, ()) =
            future::try_join(self.entry(request.engine), require_attempts_left(request.engine, user)).await?;
        if let Some((hashed, JoinCodeEntryRow { organization, code, intent })) = entry {
            request.join_code.get_or_init(|| code);
            request.led_by(IndexEntry::JoinCode(hashed, code), intent);
            return Ok(Some(organization));
        }
        count_attempt(request.engine, user).await?;
        Err(unknown())
    }

    async fn decide(&self, tx: &mut Transaction<'_>) -> Result<Joined, Error> {
        let user = tx.user()?;
        let organization_id = tx.organization_id()?;
        let id = tx.join_code.ok_or_else(unknown)?;
        let (key, uses_key) = (keys::join_code(id), keys::join_code_uses(id));
        let member_key = keys::member(&user.id);
        let decisive = [keys::organization().key, key.key.clone(), member_key.key.clone(), keys::roles().key];
        let decisive = decisive.into_iter().chain(join::address_keys(user).map(|key| key.key));
        let counted = tx.load_and_count(decisive, std::slice::from_ref(&uses_key)).await?;
        let definition: JoinCodeRow = tx.get(&key).await?.ok_or_else(unknown)?;
        let organization = tx.organization().await?;
        organization.require_active()?;
        if let Some(member) = tx.get(&member_key).await? {
            join::restore(tx, &user.id, &member);
            let offered = std::slice::from_ref(&definition.role);
            return Ok(Joined::already(organization_id, &tx.roles().await?, member.roles, offered));
        }
        if definition.revoked_at.is_some() {
            return Err(Error::new(ErrorKind::Revoked, "the join code was withdrawn: ask for another"));
        }
        if definition.expires_at.is_some_and(|expiry| expiry <= tx.now) {
            return Err(Error::new(ErrorKind::Expired, "the join code has expired: ask for another"));
        }
        // The commit decides whether a use is left; looking first keeps a used-up code from writing anything.
        let max_uses = definition.max_uses.map(i64::from);
        if max_uses.is_some_and(|max| counted.iter().any(|used| *used >= max)) {
            return Err(exhausted());
        }
        tx.add(Add { key: uses_key, by: 1, min: None, max: max_uses }, exhausted());
        let ended = join::admit(tx, user, vec![definition.role.clone()], organization).await?;
        let details = join::details(json!({ "joinCode": id, "roles": [&definition.role] }), &ended);
        let change = Change::Member(organization_id, user.id.clone());
        tx.changed(change, Some(user.id.to_string()), &details)?;
        Ok(Joined::now(organization_id, &tx.roles().await?, vec![definition.role], &ended))
    }
}

impl Join {
    async fn entry(&self, engine: &Engine) -> Result<Option<(Hashed, JoinCodeEntryRow)>, Error> {
        let code =
            JoinCode::parse(&self.code).map_err(|error| Error::invalid_field("code", "invalid", error.to_string()))?;
        let hashed = code.hashed();
        let shard = shards::join_code(&hashed);
        let found = engine.store().read(&shard, &[keys::join_code_entry(&hashed).key]).await?.pop().flatten();
        let row = found.as_deref().map(rows::decode).transpose()?;
        Ok(row.map(|row| (hashed, row)))
    }
}

/// How many wrong codes a user may try.
const ATTEMPTS: Quota =
    Quota { name: "join-codes", count: limits::JOIN_ATTEMPTS_MAX as u64, window: limits::JOIN_ATTEMPTS_WINDOW };

fn unknown() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such join code: check it, or ask for another")
}

fn exhausted() -> Error {
    Error::new(ErrorKind::Exhausted, "the join code was used as often as it may be: ask for another")
}

/// Refuses a user who has lately tried too many wrong codes.
async fn require_attempts_left(engine: &Engine, user: &UserId) -> Result<(), Error> {
    let (attempts, _) = attempts(engine, user).await?;
    let now = engine.clock().now();
    if attempts.count < limits::JOIN_ATTEMPTS_MAX {
        return Ok(());
    }
    let left = attempts.since.after(limits::JOIN_ATTEMPTS_WINDOW).since(now);
    Err(Error::rate_limited("too many wrong join codes: wait a minute, and check the code", ATTEMPTS, left))
}

/// Counts a wrong code that the user tried. In a conflict one may go uncounted: codes of 60 bits are safe from a few
/// more.
async fn count_attempt(engine: &Engine, user: &UserId) -> Result<(), Error> {
    let (attempts, expected) = attempts(engine, user).await?;
    let key = keys::attempts(user).key;
    let counted = AttemptsRow { count: attempts.count + 1, ..attempts };
    let counted = rows::encode_over(&counted, expected.as_deref())?;
    let txn = Txn { checks: vec![Check { key: key.clone(), expected }], puts: vec![(key, counted)], ..Txn::default() };
    match engine.store().commit(&shards::user(user), &txn).await {
        Ok(_) | Err(CommitError::Conflict | CommitError::Limit(_)) => Ok(()),
        Err(error @ (CommitError::NotApplied(_) | CommitError::Unavailable(_))) => Err(Error::of_preparation(error)),
    }
}

/// The attempts in the present window, and the value of their row.
async fn attempts(engine: &Engine, user: &UserId) -> Result<(AttemptsRow, Option<bytes::Bytes>), Error> {
    let now = engine.clock().now();
    let row = engine.store().read(&shards::user(user), &[keys::attempts(user).key]).await?.pop().flatten();
    let kept: Option<AttemptsRow> = row.as_deref().map(rows::decode).transpose()?;
    let running = kept.filter(|kept| now.since(kept.since) < limits::JOIN_ATTEMPTS_WINDOW);
    Ok((running.unwrap_or(AttemptsRow { since: now, count: 0 }), row))
}
