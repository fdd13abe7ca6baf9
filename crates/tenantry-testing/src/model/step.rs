//! What can happen. Things are named by their place among all that were made so far, so that a shortened sequence still
//! makes sense.

use super::people::{Address, Person};

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Actor {
    Person(Person),
    /// With the secret of a token that was made at this place; Alice, if none was made yet.
    Token(usize),
    /// One who belongs to the organization that the step is about: a member or one of its tokens. The first is mostly
    /// the founder.
    Insider(usize),
}

/// When something is to end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expiry {
    Unsaid,
    /// It says so: `null`.
    Never,
    InAMinute,
    InAnHour,
    InThePast,
}

/// Which version an update is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum IfVersion {
    Unsaid,
    Current,
    Other,
}

/// How a search is ordered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Name,
    NameBackwards,
    Newest,
    NameThenNewest,
    Status,
}

/// Which name it is, and how it is spelled.
pub(super) type Spelling = (usize, &'static str);

/// Roles, or permissions.
pub(super) type Names = &'static [&'static str];

/// A token's new name, and what it may do from then on.
pub(super) type NewToken = (Option<&'static str>, Option<Names>);

/// One step of a sequence. Fields: `by` acts, `org`, `which` and `who` are places. By `Deploy` the host comes back with
/// another registry: with its role `helper`, or without.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait { seconds: u32 },
    Deploy { with_helper: bool },
    Create { by: Actor, name: &'static str, slug: Option<usize> },
    Get { by: Actor, org: usize },
    List { by: Actor, limit: Option<u32> },
    Search { by: Actor, wanted: (Option<&'static str>, bool), order: Order, part: (Option<u32>, Option<u32>) },
    Update { by: Actor, org: usize, name: Option<&'static str>, slug: Option<usize>, version: IfVersion },
    SetStatus { by: Actor, org: usize, status: &'static str, reason: Option<&'static str> },
    Delete { by: Actor, org: usize },
    Members { by: Actor, org: usize, invited: bool, limit: Option<u32> },
    Remove { by: Actor, org: usize, who: usize, revokes: bool },
    Leave { by: Actor, org: usize },
    Forget { by: Actor, who: Person },
    Rename { by: Actor, who: Person, name: &'static str },
    Transfer { by: Actor, org: usize, who: usize },
    SetRole { by: Actor, org: usize, who: usize, role: &'static str },
    GetMember { by: Actor, org: usize, who: usize },
    UpdateMember { by: Actor, org: usize, who: usize, roles: Names },
    Invite { by: Actor, org: usize, to: Address, spelling: usize, roles: Names, expiry: Expiry },
    InviteMany { by: Actor, org: usize, invitees: Vec<(Address, usize, Names)> },
    Invitations { by: Actor, org: usize, limit: Option<u32> },
    RevokeInvitation { by: Actor, elsewhere: Option<usize>, which: usize },
    Resend { by: Actor, elsewhere: Option<usize>, which: usize, expiry: Expiry },
    Accept { by: Option<Actor>, which: usize, by_id: bool },
    Decline { by: Option<Actor>, which: usize, by_id: bool },
    Register { which: usize, password: usize },
    Mine { by: Actor, limit: Option<u32> },
    MakeCode { by: Actor, org: usize, role: Option<&'static str>, uses_max: Option<u32>, expiry: Expiry },
    Join { by: Actor, which: usize, spelling: usize },
    Guess { by: Actor, times: usize },
    Codes { by: Actor, org: usize, limit: Option<u32> },
    RevokeCode { by: Actor, elsewhere: Option<usize>, which: usize },
    Roles { by: Actor, org: Option<usize> },
    DefineRole { by: Actor, org: usize, role: &'static str, permissions: Names },
    ChangeRole { by: Actor, org: usize, role: &'static str, permissions: Option<Names> },
    DeleteRole { by: Actor, org: usize, role: &'static str, replacement: Option<&'static str> },
    MakeToken { by: Actor, org: usize, permissions: Names, test: bool, expiry: Expiry },
    Tokens { by: Actor, org: usize, limit: Option<u32> },
    ChangeToken { by: Actor, elsewhere: Option<usize>, which: usize, new: NewToken, expiry: Expiry },
    Rotate { by: Actor, elsewhere: Option<usize>, which: usize, overlap: Option<u32> },
    Introspect { by: Actor, which: Option<usize> },
    RevokeToken { by: Actor, elsewhere: Option<usize>, which: usize },
    MakeWorkspace { by: Actor, org: usize, name: Spelling },
    Workspaces { by: Actor, org: usize, limit: Option<u32> },
    RenameWorkspace { by: Actor, elsewhere: Option<usize>, which: usize, name: Spelling },
    DeleteWorkspace { by: Actor, elsewhere: Option<usize>, which: usize },
    Assign { by: Actor, org: usize, who: usize, which: Vec<usize> },
}
