//! Random steps. Things are named by their place among all that were made so far, so that a shortened sequence still
//! makes sense.

use proptest::{collection, option, prelude::*, sample::select};

use super::{
    people::{Address, PEOPLE, Person},
    plain::PERMISSIONS,
};

/// Who acts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Actor {
    Person(Person),
    /// The token that was made at this place; Alice, if none was made yet.
    Token(usize),
    /// One who belongs to the organization that the step is about: a member or one of its tokens. The first is mostly
    /// the founder.
    Insider(usize),
}

/// When something is to end.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expiry {
    Unsaid,
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

/// Which name it is, and how it is spelled.
pub(super) type Spelling = (usize, &'static str);

/// One step of a sequence. Fields: `by` acts, `org`, `which` and `who` are places.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Wait { seconds: u32 },
    Create { by: Actor, name: &'static str, slug: Option<usize> },
    Get { by: Actor, org: usize },
    List { by: Actor, limit: Option<u32> },
    Update { by: Actor, org: usize, name: Option<&'static str>, slug: Option<usize>, version: IfVersion },
    Members { by: Actor, org: usize, invited: bool, limit: Option<u32> },
    Remove { by: Actor, org: usize, who: usize },
    SetRole { by: Actor, org: usize, who: usize, role: &'static str },
    GetMember { by: Actor, org: usize, who: usize },
    UpdateMember { by: Actor, org: usize, who: usize, roles: &'static [&'static str] },
    Invite { by: Actor, org: usize, to: Address, spelling: usize, roles: &'static [&'static str], expiry: Expiry },
    InviteMany { by: Actor, org: usize, invitees: Vec<(Address, usize, &'static [&'static str])> },
    Invitations { by: Actor, org: usize, limit: Option<u32> },
    RevokeInvitation { by: Actor, elsewhere: Option<usize>, which: usize },
    Resend { by: Actor, elsewhere: Option<usize>, which: usize, expiry: Expiry },
    Accept { by: Option<Actor>, which: usize, by_id: bool },
    Decline { by: Option<Actor>, which: usize, by_id: bool },
    Mine { by: Actor, limit: Option<u32> },
    MakeCode { by: Actor, org: usize, role: Option<&'static str>, uses_max: Option<u32>, expiry: Expiry },
    Join { by: Actor, which: usize, spelling: usize },
    Guess { by: Actor, times: usize },
    Codes { by: Actor, org: usize, limit: Option<u32> },
    RevokeCode { by: Actor, elsewhere: Option<usize>, which: usize },
    Roles { by: Actor, org: Option<usize> },
    MakeToken { by: Actor, org: usize, permissions: &'static [&'static str], test: bool, expiry: Expiry },
    Tokens { by: Actor, org: usize, limit: Option<u32> },
    RevokeToken { by: Actor, elsewhere: Option<usize>, which: usize },
    MakeWorkspace { by: Actor, org: usize, name: Spelling },
    Workspaces { by: Actor, org: usize, limit: Option<u32> },
    RenameWorkspace { by: Actor, elsewhere: Option<usize>, which: usize, name: Spelling },
    DeleteWorkspace { by: Actor, elsewhere: Option<usize>, which: usize },
    Assign { by: Actor, org: usize, who: usize, which: Vec<usize> },
}

/// Which roles to give, mostly low ones; `chief` is unknown.
const ROLES: [&str; 10] =
    ["member", "member", "member", "inviter", "inviter", "admin", "admin", "owner", "owner", "chief"];
const ROLE_LISTS: [&[&str]; 11] = [
    &[],
    &[],
    &[],
    &["member"],
    &["member", "admin"],
    &["admin"],
    &["owner"],
    &["inviter"],
    &["member", "inviter"],
    &["member", "owner", "member"],
    &["chief"],
];
const PERMISSION_LISTS: [&[&str]; 10] = [
    &[],
    &["org:view"],
    &["tokens:manage", "org:view"],
    &["org:manage", "org:view"],
    &["members:manage", "members:view", "org:view"],
    &["members:manage", "members:view", "org:view"],
    &["org:view", "org:manage", "members:view", "members:manage", "audit:view", "wallet:view", "notes:write"],
    &["org:delete", "notes:write"],
    // All of them, as an owner has: a token is none for that.
    &PERMISSIONS,
    &["notes:read"],
];

/// Names of workspaces.
const NAMES: [Spelling; 6] =
    [(0, "North"), (0, " NORTH"), (1, "Z\u{fc}rich"), (1, "Zu\u{308}rich "), (1, "z\u{dc}RICH"), (2, "Zurich")];

/// Who acts in an organization.
fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        8 => Just(Actor::Insider(0)),
        8 => (0..8_usize).prop_map(Actor::Insider),
        3 => anybody(),
    ]
}

/// Who acts anywhere.
fn anybody() -> impl Strategy<Value = Actor> {
    prop_oneof![4 => (0..PEOPLE.len()).prop_map(Actor::Person), 1 => (0..6_usize).prop_map(Actor::Token)]
}

fn expiry() -> impl Strategy<Value = Expiry> {
    prop_oneof![12 => Just(Expiry::Unsaid), 6 => Just(Expiry::InAnHour), 1 => Just(Expiry::InThePast)]
}

fn version() -> impl Strategy<Value = IfVersion> {
    prop_oneof![4 => Just(IfVersion::Unsaid), 3 => Just(IfVersion::Current), 1 => Just(IfVersion::Other)]
}

fn address() -> impl Strategy<Value = Address> {
    (0..=PEOPLE.len(), any::<bool>())
        .prop_map(|(person, email)| if email { Address::Email(person) } else { Address::Username(person) })
}

/// Which organization: of two, mostly.
fn org() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..2_usize, 1 => 0..4_usize]
}

fn limit() -> impl Strategy<Value = Option<u32>> {
    option::of(1..4_u32)
}

/// Another organization than the one that the thing belongs to: seldom.
fn elsewhere() -> impl Strategy<Value = Option<usize>> {
    option::weighted(0.15, org())
}

fn organization_step() -> impl Strategy<Value = Step> {
    let name = || select(&["Acme", " Globex ", "Initech"][..]);
    let slug = || option::weighted(0.6, 0..3_usize);
    prop_oneof![
        1 => (anybody(), name(), slug()).prop_map(|(by, name, slug)| Step::Create { by, name, slug }),
        1 => (actor(), org()).prop_map(|(by, org)| Step::Get { by, org }),
        2 => (anybody(), limit()).prop_map(|(by, limit)| Step::List { by, limit }),
        3 => (actor(), org(), option::of(name()), slug(), version())
            .prop_map(|(by, org, name, slug, version)| Step::Update { by, org, name, slug, version }),
        1 => (actor(), option::of(org())).prop_map(|(by, org)| Step::Roles { by, org }),
        2 => select(&[30, 45, 70, 3600, 8 * 24 * 3600][..]).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

fn member_step() -> impl Strategy<Value = Step> {
    let who = || 0..3 * PEOPLE.len();
    prop_oneof![
        2 => (actor(), org(), any::<bool>(), limit())
            .prop_map(|(by, org, invited, limit)| Step::Members { by, org, invited, limit }),
        2 => (actor(), org(), who()).prop_map(|(by, org, who)| Step::Remove { by, org, who }),
        3 => (actor(), org(), who(), select(&ROLES[..]))
            .prop_map(|(by, org, who, role)| Step::SetRole { by, org, who, role }),
        1 => (actor(), org(), who()).prop_map(|(by, org, who)| Step::GetMember { by, org, who }),
        2 => (actor(), org(), who(), select(&ROLE_LISTS[..]))
            .prop_map(|(by, org, who, roles)| Step::UpdateMember { by, org, who, roles }),
    ]
}

fn invitation_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (actor(), org(), address(), 0..4_usize, select(&ROLE_LISTS[..]), expiry()).prop_map(
            |(by, org, to, spelling, roles, expiry)| Step::Invite { by, org, to, spelling, roles, expiry }
        ),
        1 => (actor(), org(), collection::vec((address(), 0..4_usize, select(&ROLE_LISTS[..])), 1..5))
            .prop_map(|(by, org, invitees)| Step::InviteMany { by, org, invitees }),
        1 => (actor(), org(), limit()).prop_map(|(by, org, limit)| Step::Invitations { by, org, limit }),
        1 => (actor(), elsewhere(), 0..8_usize)
            .prop_map(|(by, elsewhere, which)| Step::RevokeInvitation { by, elsewhere, which }),
        5 => (option::weighted(0.3, anybody()), 0..8_usize, any::<bool>())
            .prop_map(|(by, which, by_id)| Step::Accept { by, which, by_id }),
        1 => (actor(), elsewhere(), 0..8_usize, expiry())
            .prop_map(|(by, elsewhere, which, expiry)| Step::Resend { by, elsewhere, which, expiry }),
        1 => (option::weighted(0.3, anybody()), 0..8_usize, any::<bool>())
            .prop_map(|(by, which, by_id)| Step::Decline { by, which, by_id }),
        1 => (anybody(), limit()).prop_map(|(by, limit)| Step::Mine { by, limit }),
    ]
}

fn code_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (actor(), org(), option::weighted(0.5, select(&ROLES[..])), option::weighted(0.6, 1..3_u32), expiry())
            .prop_map(|(by, org, role, uses_max, expiry)| Step::MakeCode { by, org, role, uses_max, expiry }),
        5 => (anybody(), 0..6_usize, 0..2_usize).prop_map(|(by, which, spelling)| Step::Join { by, which, spelling }),
        1 => (anybody(), 1..12_usize).prop_map(|(by, times)| Step::Guess { by, times }),
        1 => (actor(), org(), limit()).prop_map(|(by, org, limit)| Step::Codes { by, org, limit }),
        1 => (actor(), elsewhere(), 0..6_usize)
            .prop_map(|(by, elsewhere, which)| Step::RevokeCode { by, elsewhere, which }),
    ]
}

fn token_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (actor(), org(), select(&PERMISSION_LISTS[..]), any::<bool>(), expiry()).prop_map(
            |(by, org, permissions, test, expiry)| Step::MakeToken { by, org, permissions, test, expiry }
        ),
        1 => (actor(), org(), limit()).prop_map(|(by, org, limit)| Step::Tokens { by, org, limit }),
        1 => (actor(), elsewhere(), 0..6_usize)
            .prop_map(|(by, elsewhere, which)| Step::RevokeToken { by, elsewhere, which }),
    ]
}

fn workspace_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (actor(), org(), select(&NAMES[..])).prop_map(|(by, org, name)| Step::MakeWorkspace { by, org, name }),
        1 => (actor(), org(), limit()).prop_map(|(by, org, limit)| Step::Workspaces { by, org, limit }),
        2 => (actor(), elsewhere(), 0..6_usize, select(&NAMES[..])).prop_map(
            |(by, elsewhere, which, name)| Step::RenameWorkspace { by, elsewhere, which, name }
        ),
        1 => (actor(), elsewhere(), 0..6_usize)
            .prop_map(|(by, elsewhere, which)| Step::DeleteWorkspace { by, elsewhere, which }),
        4 => (actor(), org(), 0..3 * PEOPLE.len(), collection::vec(0..6_usize, 0..3))
            .prop_map(|(by, org, who, which)| Step::Assign { by, org, who, which }),
    ]
}

/// A sequence of at most 40 steps, which begins with two organizations.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => organization_step(),
        2 => member_step(),
        3 => invitation_step(),
        3 => code_step(),
        2 => token_step(),
        1 => workspace_step(),
    ];
    collection::vec(step, 1..=38).prop_map(|steps| {
        let founding = |person, slug| Step::Create { by: Actor::Person(person), name: "Acme", slug };
        [founding(0, None), founding(1, Some(0))].into_iter().chain(steps).collect()
    })
}
