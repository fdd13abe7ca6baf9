//! Every bound in one place, units last.

use std::time::Duration;

/// The longest user id, in bytes.
pub const USER_ID_BYTES_MAX: usize = 255;
/// The longest name of an issuer of JWTs, in bytes. It may be part of a user's id, of which the rest is for the user.
pub const ISSUER_BYTES_MAX: usize = 200;
/// The longest credential that is looked at, in bytes.
pub const CREDENTIAL_BYTES_MAX: usize = 8 * 1024;
/// The largest request body of an operation, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// How deep the JSON of a body may be nested: deeper than any operation needs.
pub const BODY_DEPTH_MAX: usize = 64;
/// How long the whole body of a request may take to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a request's body is still read after the request was refused by its head, in bytes.
pub const BODY_DRAINED_BYTES_MAX: usize = 1024 * 1024;
/// How long the body of such a request is still read.
pub const BODY_DRAINED_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest name of an organization, invitee, token or part of a profile, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// The longest description or reason, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// The shortest slug, in characters.
pub const SLUG_CHARS_MIN: usize = 3;
/// The longest slug, in characters.
pub const SLUG_CHARS_MAX: usize = 48;
/// The longest URL, in characters.
pub const URL_CHARS_MAX: usize = 2048;
/// The longest e-mail address, in characters (RFC 5321 allows 254 octets).
pub const EMAIL_CHARS_MAX: usize = 254;
/// The longest username, in characters.
pub const USERNAME_CHARS_MAX: usize = 128;
/// The largest metadata of an organization as JSON, in bytes.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;
/// How deep the JSON of an organization's metadata may be nested. JSON parsers take more.
pub const METADATA_DEPTH_MAX: usize = 32;
/// The longest name of a permission or role, in characters.
pub const ROLE_CHARS_MAX: usize = 48;
/// The most permissions that a host may register, the built-in ones included.
pub const PERMISSIONS_MAX: usize = 256;
/// The most roles that a host may register, the built-in ones included.
pub const ROLES_MAX: usize = 64;
/// The most roles that an organization may define for itself.
pub const OWN_ROLES_MAX: usize = 50;
/// How many differences between rows and the registry one process reports.
pub const DISCREPANCIES_MAX: usize = 1000;
/// The most roles that one member, invitation or join code may carry.
pub const ROLES_PER_MEMBER_MAX: usize = 16;
/// The most workspaces that an organization may have.
pub const WORKSPACES_MAX: u32 = 1000;
/// The most workspaces that one member may be assigned to.
pub const WORKSPACES_PER_MEMBER_MAX: usize = 100;
/// The most invitations, join codes and API tokens of one user that are shown or ended at once.
pub const ISSUED_MAX: usize = 1000;
/// The most owners that an organization may have.
pub const OWNERS_MAX: usize = 100;
/// The most uses that a limited join code may have.
pub const JOIN_CODE_USES_MAX: u32 = 1_000_000;
/// Entries of a list when the caller does not say how many.
pub const LIST_LIMIT_DEFAULT: u32 = 50;
/// The most entries of a list in one answer.
pub const LIST_LIMIT_MAX: u32 = 200;
/// The longest place in a sorted list that a cursor may name, in bytes.
pub const CURSOR_PLACE_BYTES_MAX: usize = 128;
/// The most organizations of one user that `Engine::memberships` answers.
pub const MEMBERSHIPS_MAX: usize = 1000;
/// The most invitations that one request may make.
pub const INVITATIONS_PER_BATCH_MAX: usize = 100;
/// The most open invitations of one organization, the expired ones included, unless the host says otherwise.
pub const OPEN_INVITATIONS_MAX_DEFAULT: u32 = 1000;
/// The most mails of invitations in [`MAILS_WINDOW`], for one organization and for one user in all of theirs, unless
/// the host says otherwise.
pub const MAILS_MAX_DEFAULT: u32 = 200;
/// The window in which mails of invitations are counted.
pub const MAILS_WINDOW: Duration = Duration::from_secs(3600);
/// How many of the tokens that were mailed for one sending of an invitation work: the last ones. Each try mails a new
/// one.
pub const MAILED_TOKENS_MAX: usize = 4;
/// How long the host may take to hand over a mail before it counts as failed. Shorter than [`JOB_TIMEOUT`].
pub const MAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait for a connection to an SMTP server.
pub const SMTP_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an SMTP server may take to accept a mail, connecting included.
pub const SMTP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an SMTP server may take to say goodbye, once it has accepted a mail.
pub const SMTP_QUIT_TIMEOUT: Duration = Duration::from_secs(1);
/// The shortest password that somebody may register with, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The longest password that somebody may register with, in characters.
pub const PASSWORD_CHARS_MAX: usize = 1024;
/// How many users of one request are looked for in the host's directory at the same time.
pub const LOOKUPS_AT_ONCE_MAX: usize = 16;
/// Over how many shards the index entries of users are spread, and as many for addresses, join codes and slugs. A
/// store's layout depends on it.
pub const ENTRY_BUCKETS: u64 = 1 << 16;
/// Into how many shards each index of the search is divided. A search reads all of them; a store's layout depends on
/// it.
pub const SEARCH_BUCKETS: u32 = 64;
/// The longest sort key of a text, in bytes: what comes behind does not count in an order.
pub const SORT_KEY_BYTES_MAX: usize = 900;
/// The most organizations that one page of a search looks at. If it needs to look at more, the search goes on with the
/// next page.
pub const SEARCH_EXAMINED_MAX: usize = 1000;
/// How many organizations a search reads at once.
pub const SEARCH_BATCH_MAX: usize = 200;
/// The most entries that a search reads at once from each bucket of the index.
pub const SEARCH_CHUNK_MAX: usize = 200;
/// The most fields by which a search may be ordered.
pub const SEARCH_ORDER_MAX: usize = 4;
/// The most values of one operator in a search's filter.
pub const SEARCH_VALUES_MAX: usize = 100;
/// The longest text in a search's filter, in characters.
pub const SEARCH_TEXT_CHARS_MAX: usize = 500;
/// The most matches that a search may skip.
pub const SEARCH_OFFSET_MAX: u32 = 500;
/// How long an invitation is open if its maker names no end.
pub const INVITATION_LIFETIME_DEFAULT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a closed invitation is kept, to answer why it cannot be accepted: 30 days. Afterwards it is as if it had
/// never been.
pub const CLOSED_INVITATION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// The farthest that an expiry may lie ahead: ten years.
pub const EXPIRY_AHEAD_MAX: Duration = Duration::from_secs(3653 * 24 * 3600);
/// How long the answer to an idempotency key is kept.
pub const IDEMPOTENCY_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// The window in which wrong join codes are counted.
pub const JOIN_ATTEMPTS_WINDOW: Duration = Duration::from_secs(60);
/// How many wrong join codes a user may try in one window.
pub const JOIN_ATTEMPTS_MAX: u32 = 10;
/// How often an operation is attempted before it answers 503.
pub const ATTEMPTS_MAX: u32 = 64;
/// How many attempts at creating an organization require its shard to be empty.
pub const FIRST_ATTEMPTS_MAX: u32 = 3;
/// How old an unconfirmed index entry must be before its attempt counts as abandoned. Safety does not depend on it: see
/// `engine/entry.rs`.
pub const ENTRY_SETTLING: Duration = Duration::from_secs(30);
/// How long a fence keeps an abandoned attempt from committing; longer than any operation can last.
pub const FENCE_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// The longest time for which the secret of an API token works beside the one that replaced it: 30 days.
pub const OVERLAP_SECONDS_MAX: u32 = 30 * 24 * 3600;
/// The most requests that the rate limit of an API token may allow in its time.
pub const RATE_LIMIT_REQUESTS_MAX: u32 = 1_000_000;
/// The longest time for which the rate limit of an API token may count: a day.
pub const RATE_LIMIT_SECONDS_MAX: u32 = 24 * 3600;
/// How many API tokens with a rate limit one node counts at the same time.
pub const RATE_LIMITED_TOKENS_MAX: usize = 1 << 16;
/// How exact "last used" is: for each secret of a token, it is written at most once in this time.
pub const LAST_USED_GRANULARITY: Duration = Duration::from_secs(60);
/// For how many API tokens a node remembers that their use was recorded.
pub const RECENT_USES_MAX: usize = 10_000;
/// Over how many shards the jobs of the platform are spread. Never lower it: workers look only in these.
pub const JOB_BUCKETS: u64 = 16;
/// How many things of a deleted organization one commit removes.
pub const REMOVAL_STEP_MAX: usize = 50;
/// How many such commits one attempt at the job makes before it lets other jobs have their turn.
pub const REMOVAL_STEPS_MAX: u32 = 200;
/// The pause before the job looks again whether the other jobs of a deleted organization are done.
pub const REMOVAL_WAIT: Duration = Duration::from_secs(2);
/// The least time between two updates of a member's profile by their credential.
pub const PROFILE_GRANULARITY: Duration = Duration::from_secs(5 * 60);
/// How many pages of a user's organizations one request handles when a user is updated or forgotten everywhere.
pub const ACCOUNT_PAGES_MAX: usize = 10;
/// How often a worker scans for jobs that no worker does.
pub const JOBS_SCAN_INTERVAL: Duration = Duration::from_secs(10);
/// How many jobs of one bucket, or of its own node, a worker does at the same time.
pub const JOBS_AT_ONCE_MAX: usize = 8;
/// How many of its own jobs a node queues, to do them at once; the next scan finds the others.
pub const JOBS_QUEUED_MAX: usize = 1024;
/// How long a job may take before it counts as failed.
pub const JOB_TIMEOUT: Duration = Duration::from_secs(40);
/// How long after a worker has claimed a job another one may claim it; longer than the job may take.
pub const JOB_CLAIM: Duration = Duration::from_secs(60);
/// The pause after a job's first failure; it doubles with each further one.
pub const JOB_RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest pause between two attempts at a job.
pub const JOB_RETRY_MAX: Duration = Duration::from_secs(600);
/// How often an ongoing outage of the store is logged.
pub const OUTAGE_LOG_INTERVAL: Duration = Duration::from_secs(30);
/// How long no call must have failed before an outage of the store counts as over.
pub const OUTAGE_OVER_AFTER: Duration = Duration::from_secs(5);
