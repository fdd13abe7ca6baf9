//! Random sequences of steps.

use proptest::{collection, option, prelude::*, sample::select};

use super::{
    people::{Address, PEOPLE},
    roles::PERMISSIONS,
    step::{Actor, Expiry, IfVersion, Names, Order, Spelling, Step},
};

/// Which roles to give, mostly low ones; `helper` and `auditor` may be an organization's own, and `helper` the host's as
/// well; `chief` is unknown.
const ROLES: [&str; 16] = [
    "member",
    "member",
    "member",
    "inviter",
    "host.inviter",
    "admin",
    "admin",
    "owner",
    "owner",
    "helper",
    "helper",
    "host.helper",
    "host.helper",
    "auditor",
    "chief",
    "host.member",
];
const ROLE_LISTS: [Names; 15] = [
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
    &["helper"],
    &["host.helper", "helper"],
    &["host.inviter", "auditor", "inviter"],
    &["auditor", "member", "helper"],
    &["chief"],
];
/// What an organization's own role may be called; the last are names of the host's.
const OWN_ROLES: [&str; 6] = ["helper", "helper", "auditor", "auditor", "inviter", "host.helper"];
const PERMISSION_LISTS: [Names; 10] = [
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

/// Who does what mostly the platform does.
fn platform() -> impl Strategy<Value = Actor> {
    prop_oneof![4 => Just(Actor::Person(super::people::ROOT)), 1 => anybody()]
}

fn expiry() -> impl Strategy<Value = Expiry> {
    prop_oneof![
        12 => Just(Expiry::Unsaid),
        2 => Just(Expiry::Never),
        3 => Just(Expiry::InAMinute),
        6 => Just(Expiry::InAnHour),
        1 => Just(Expiry::InThePast),
    ]
}

fn version() -> impl Strategy<Value = IfVersion> {
    prop_oneof![4 => Just(IfVersion::Unsaid), 3 => Just(IfVersion::Current), 1 => Just(IfVersion::Other)]
}

fn order() -> impl Strategy<Value = Order> {
    select(&[Order::Name, Order::NameBackwards, Order::Newest, Order::NameThenNewest, Order::Status][..])
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

fn name() -> impl Strategy<Value = &'static str> {
    select(&["Acme", " Globex ", "Initech", "acme"][..])
}

fn organization_step() -> impl Strategy<Value = Step> {
    let slug = || option::weighted(0.6, 0..3_usize);
    let part = (option::weighted(0.3, select(&["GLO", "e"][..])), any::<bool>());
    prop_oneof![
        2 => (anybody(), name(), slug()).prop_map(|(by, name, slug)| Step::Create { by, name, slug }),
        2 => (actor(), org()).prop_map(|(by, org)| Step::Get { by, org }),
        4 => (anybody(), limit()).prop_map(|(by, limit)| Step::List { by, limit }),
        3 => (platform(), part, order(), (limit(), option::weighted(0.3, 0..3_u32)))
            .prop_map(|(by, wanted, order, part)| Step::Search { by, wanted, order, part }),
        6 => (actor(), org(), option::of(name()), slug(), version())
            .prop_map(|(by, org, name, slug, version)| Step::Update { by, org, name, slug, version }),
        3 => (platform(), org(), select(&["active", "active", "suspended", "inactive"][..]), option::of(Just("late")))
            .prop_map(|(by, org, status, reason)| Step::SetStatus { by, org, status, reason }),
        1 => (actor(), org()).prop_map(|(by, org)| Step::Delete { by, org }),
        3 => any::<bool>().prop_map(|with_helper| Step::Deploy { with_helper }),
        4 => select(&[30, 45, 70, 3600, 8 * 24 * 3600][..]).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

fn role_step() -> impl Strategy<Value = Step> {
    let own = || select(&OWN_ROLES[..]);
    let permissions = || select(&PERMISSION_LISTS[..]);
    prop_oneof![
        1 => (actor(), option::of(org())).prop_map(|(by, org)| Step::Roles { by, org }),
        4 => (actor(), org(), own(), permissions())
            .prop_map(|(by, org, role, permissions)| Step::DefineRole { by, org, role, permissions }),
        3 => (actor(), org(), own(), option::weighted(0.8, permissions()))
            .prop_map(|(by, org, role, permissions)| Step::ChangeRole { by, org, role, permissions }),
        2 => (actor(), org(), own(), option::of(select(&ROLES[..])))
            .prop_map(|(by, org, role, replacement)| Step::DeleteRole { by, org, role, replacement }),
    ]
}

fn member_step() -> impl Strategy<Value = Step> {
    let who = || 0..3 * PEOPLE.len();
    prop_oneof![
        3 => (actor(), org(), any::<bool>(), limit())
            .prop_map(|(by, org, invited, limit)| Step::Members { by, org, invited, limit }),
        3 => (actor(), org(), who(), any::<bool>())
            .prop_map(|(by, org, who, revokes)| Step::Remove { by, org, who, revokes }),
        1 => (0..4_usize, org()).prop_map(|(by, org)| Step::Leave { by: Actor::Insider(by), org }),
        2 => (actor(), org(), who()).prop_map(|(by, org, who)| Step::Transfer { by, org, who }),
        1 => (platform(), who()).prop_map(|(by, who)| Step::Forget { by, who }),
        1 => (platform(), who(), select(&["Ren\u{e9}e", ""][..]))
            .prop_map(|(by, who, name)| Step::Rename { by, who, name }),
        4 => (actor(), org(), who(), select(&ROLES[..]))
            .prop_map(|(by, org, who, role)| Step::SetRole { by, org, who, role }),
        1 => (actor(), org(), who()).prop_map(|(by, org, who)| Step::GetMember { by, org, who }),
        3 => (actor(), org(), who(), select(&ROLE_LISTS[..]))
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
        3 => (option::weighted(0.3, anybody()), 0..8_usize, any::<bool>())
            .prop_map(|(by, which, by_id)| Step::Decline { by, which, by_id }),
        5 => (0..8_usize, 0..2_usize).prop_map(|(which, password)| Step::Register { which, password }),
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
    let permissions = || select(&PERMISSION_LISTS[..]);
    let new = (option::of(select(&["ci", ""][..])), option::weighted(0.4, permissions()));
    prop_oneof![
        4 => (actor(), org(), permissions(), any::<bool>(), expiry()).prop_map(
            |(by, org, permissions, test, expiry)| Step::MakeToken { by, org, permissions, test, expiry }
        ),
        1 => (actor(), org(), limit()).prop_map(|(by, org, limit)| Step::Tokens { by, org, limit }),
        1 => (actor(), elsewhere(), 0..6_usize, new, expiry())
            .prop_map(|(by, elsewhere, which, new, expiry)| Step::ChangeToken { by, elsewhere, which, new, expiry }),
        2 => (actor(), elsewhere(), 0..6_usize, option::of(select(&[0, 40, 4000][..])))
            .prop_map(|(by, elsewhere, which, overlap)| Step::Rotate { by, elsewhere, which, overlap }),
        1 => (platform(), option::weighted(0.9, 0..8_usize)).prop_map(|(by, which)| Step::Introspect { by, which }),
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

/// A sequence of at most 42 steps. It begins with two organizations, of which the first lets two members in, and in
/// some the host has registered a role by the name of one of its own.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    // In boxes: a choice holds a value of each of its branches, and that of all steps is more than the stack of a test's
    // thread.
    let step = prop_oneof![
        3 => organization_step().boxed(),
        3 => role_step().boxed(),
        3 => member_step().boxed(),
        4 => invitation_step().boxed(),
        3 => code_step().boxed(),
        3 => token_step().boxed(),
        2 => workspace_step().boxed(),
    ];
    let named_twice = any::<bool>();
    (collection::vec(step, 1..=35), named_twice).prop_map(|(steps, named_twice)| {
        let founding = |person, slug| Step::Create { by: Actor::Person(person), name: "Acme", slug };
        let join = |person| Step::Join { by: Actor::Person(person), which: 0, spelling: 0 };
        let (by, expiry) = (Actor::Person(0), Expiry::Unsaid);
        let code = Step::MakeCode { by, org: 0, role: None, uses_max: None, expiry };
        let beginning = [founding(0, None), founding(1, Some(0)), code, join(2), join(3)];
        let define = Step::DefineRole { by, org: 0, role: "helper", permissions: &["org:view", "members:view"] };
        let then = [define, Step::Deploy { with_helper: true }].into_iter().filter(|_| named_twice);
        beginning.into_iter().chain(then).chain(steps).collect()
    })
}
