//! What a step comes to: a request, and the answer that the model expects.

use serde_json::Value;
use tenantry_core::values::error::ErrorKind;

use super::{
    people::{PEOPLE, Person, ROOT},
    plain::Plain,
    step::{Actor, Step},
};

/// One request and what it must be answered.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) by: Actor,
    /// The operation's path.
    pub(super) route: &'static str,
    pub(super) input: Value,
    /// The fields that matter of the answer, or the code of the refusal. Of a list: all of its entries.
    pub(super) expected: Result<Value, ErrorKind>,
    /// What the model cannot know before the answer.
    pub(super) learn: Option<Learn>,
}

/// Which thing is new, by its organization and its place there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Learn {
    Organization(usize),
    Invitation(usize, usize),
    /// Several, the first of them at that place.
    Invitations(usize, usize),
    Code(usize, usize),
    /// Of a token, by which it acts from now on.
    Secret(usize, usize),
    Workspace(usize, usize),
}

impl Move {
    pub(super) fn new(by: Actor, route: &'static str, input: Value, expected: Result<Value, ErrorKind>) -> Self {
        Self { by, route, input, expected, learn: None }
    }

    pub(super) fn learning(mut self, learn: Learn) -> Self {
        self.learn = self.expected.is_ok().then_some(learn);
        self
    }
}

impl Plain {
    /// Takes the step in the model. `None`: it is about something that there is not yet.
    pub(super) fn step(&mut self, step: &Step) -> Option<Move> {
        // An organization that is named by its place may be one that is not there yet: then it is another.
        let count = self.organizations.len().max(1);
        let org = |org: usize| org % count;
        let step = &self.with_insider(step, org);
        Some(match *step {
            Step::Wait { .. } | Step::Deploy { .. } => return None,
            Step::Create { by, name, slug } => self.create(by, name, slug),
            Step::Get { by, org: at } => self.get(by, org(at)),
            Step::List { by, limit } => self.list(by, limit),
            Step::Search { by, wanted, order, part } => self.search(by, wanted, order, part),
            Step::SetStatus { by, org: at, status, reason } => self.set_status(by, org(at), status, reason),
            Step::Delete { by, org: at } => self.delete(by, org(at)),
            Step::Update { by, org: at, name, slug, version } => self.update(by, org(at), name, slug, version),
            Step::Roles { by, org: at } => self.show_roles(by, at.map(org)),
            Step::DefineRole { by, org: at, role, permissions } => self.define_role(by, org(at), role, permissions),
            Step::ChangeRole { by, org: at, role, permissions } => self.change_role(by, org(at), role, permissions),
            Step::DeleteRole { by, org: at, role, replacement } => self.delete_role(by, org(at), role, replacement),
            Step::Members { by, org: at, invited, limit } => self.members(by, org(at), invited, limit),
            Step::Remove { by, org: at, who, revokes } => self.remove(by, org(at), self.whom(org(at), who), revokes),
            Step::Leave { by, org: at } => self.leave(by, org(at)),
            Step::Forget { by, who } => self.forget(by, who % PEOPLE.len()),
            Step::Rename { by, who, name } => self.rename(by, who % PEOPLE.len(), name),
            Step::Transfer { by, org: at, who } => self.transfer(by, org(at), self.whom(org(at), who)),
            Step::SetRole { by, org: at, who, role } => self.set_role(by, org(at), self.whom(org(at), who), role),
            Step::GetMember { by, org: at, who } => self.get_member(by, org(at), self.whom(org(at), who)),
            Step::UpdateMember { by, org: at, who, roles } => {
                self.update_member(by, org(at), self.whom(org(at), who), roles)
            }
            Step::Invite { by, org: at, to, spelling, roles, expiry } => {
                let spelled = self.people.spelled(to, spelling);
                self.invite(by, org(at), to, spelled, roles, expiry)
            }
            Step::InviteMany { by, org: at, ref invitees } => self.invite_many(by, org(at), invitees),
            Step::Invitations { by, org: at, limit } => self.invitations(by, org(at), limit),
            Step::Mine { by, limit } => self.mine(by, limit),
            Step::MakeCode { by, org: at, role, uses_max, expiry } => {
                self.make_code(by, org(at), role, uses_max, expiry)
            }
            Step::Guess { by, .. } => self.guess(by),
            Step::Codes { by, org: at, limit } => self.codes(by, org(at), limit),
            Step::MakeToken { by, org: at, permissions, test, expiry } => {
                self.make_token(by, org(at), permissions, test, expiry)
            }
            Step::Tokens { by, org: at, limit } => self.tokens(by, org(at), limit),
            Step::MakeWorkspace { by, org: at, name } => self.make_workspace(by, org(at), name),
            Step::Workspaces { by, org: at, limit } => self.workspaces(by, org(at), limit),
            Step::Assign { by, org: at, who, ref which } => {
                let places: Option<Vec<_>> = which.iter().map(|which| nth(&self.workspaces, *which)).collect();
                self.assign_workspaces(by, org(at), self.whom(org(at), who), &places?)
            }
            ref step => return self.step_about_thing(step, org),
        })
    }

    /// Takes a step about a thing of an organization, in that organization or in another.
    fn step_about_thing(&mut self, step: &Step, org: impl Fn(usize) -> usize) -> Option<Move> {
        Some(match *step {
            Step::RevokeInvitation { by, elsewhere, which } => {
                let place = nth(&self.invitations, which)?;
                self.revoke_invitation(by, elsewhere.map_or(place.0, org), place)
            }
            Step::Resend { by, elsewhere, which, expiry } => {
                let place = nth(&self.invitations, which)?;
                self.resend(by, elsewhere.map_or(place.0, org), place, expiry)
            }
            Step::Accept { by, which, by_id } => self.accept(by, nth(&self.invitations, which)?, by_id),
            Step::Decline { by, which, by_id } => self.decline(by, nth(&self.invitations, which)?, by_id),
            Step::Register { which, password } => self.register(nth(&self.invitations, which)?, password),
            Step::Join { by, which, spelling } => self.join(by, nth(&self.codes, which)?, spelling),
            Step::RevokeCode { by, elsewhere, which } => {
                let place = nth(&self.codes, which)?;
                self.revoke_code(by, elsewhere.map_or(place.0, org), place)
            }
            Step::ChangeToken { by, elsewhere, which, new, expiry } => {
                let place = self.nth_token(which)?;
                self.change_token(by, elsewhere.map_or(place.0, org), place, new, expiry)
            }
            Step::Rotate { by, elsewhere, which, overlap } => {
                let place = self.nth_token(which)?;
                self.rotate(by, elsewhere.map_or(place.0, org), place, overlap)
            }
            Step::Introspect { by, which } => {
                let at = which.and_then(|which| nth(&self.secrets, which));
                self.introspect(by, at)
            }
            Step::RevokeToken { by, elsewhere, which } => {
                let place = self.nth_token(which)?;
                self.revoke_token(by, elsewhere.map_or(place.0, org), place)
            }
            Step::RenameWorkspace { by, elsewhere, which, name } => {
                let place = nth(&self.workspaces, which)?;
                self.rename_workspace(by, elsewhere.map_or(place.0, org), place, name)
            }
            Step::DeleteWorkspace { by, elsewhere, which } => {
                let place = nth(&self.workspaces, which)?;
                self.delete_workspace(by, elsewhere.map_or(place.0, org), place)
            }
            _ => return None,
        })
    }

    /// Says who it is that belongs to the organization of the step.
    fn with_insider(&self, step: &Step, org: impl Fn(usize) -> usize) -> Step {
        let mut step = step.clone();
        let (by, at) = match &mut step {
            Step::Get { by, org: at }
            | Step::Update { by, org: at, .. }
            | Step::SetStatus { by, org: at, .. }
            | Step::Delete { by, org: at }
            | Step::Leave { by, org: at }
            | Step::Transfer { by, org: at, .. }
            | Step::DefineRole { by, org: at, .. }
            | Step::ChangeRole { by, org: at, .. }
            | Step::DeleteRole { by, org: at, .. }
            | Step::Members { by, org: at, .. }
            | Step::Remove { by, org: at, .. }
            | Step::SetRole { by, org: at, .. }
            | Step::GetMember { by, org: at, .. }
            | Step::UpdateMember { by, org: at, .. }
            | Step::Invite { by, org: at, .. }
            | Step::InviteMany { by, org: at, .. }
            | Step::Invitations { by, org: at, .. }
            | Step::MakeCode { by, org: at, .. }
            | Step::Codes { by, org: at, .. }
            | Step::MakeToken { by, org: at, .. }
            | Step::Tokens { by, org: at, .. }
            | Step::MakeWorkspace { by, org: at, .. }
            | Step::Workspaces { by, org: at, .. }
            | Step::Assign { by, org: at, .. } => (by, Some(org(*at))),
            Step::Roles { by, org: at } => (by, at.map(org)),
            Step::RevokeInvitation { by, which, .. } | Step::Resend { by, which, .. } => {
                (by, nth(&self.invitations, *which).map(|place| place.0))
            }
            Step::RevokeCode { by, which, .. } => (by, nth(&self.codes, *which).map(|place| place.0)),
            Step::RevokeToken { by, which, .. }
            | Step::ChangeToken { by, which, .. }
            | Step::Rotate { by, which, .. } => (by, self.nth_token(*which).map(|place| place.0)),
            Step::RenameWorkspace { by, which, .. } | Step::DeleteWorkspace { by, which, .. } => {
                (by, nth(&self.workspaces, *which).map(|place| place.0))
            }
            _ => return step,
        };
        if let Actor::Insider(which) = *by {
            *by = self.insider(at.unwrap_or(0), which);
        }
        step
    }

    fn insider(&self, org: usize, which: usize) -> Actor {
        let members = self.organizations[org].members.iter().map(|member| Actor::Person(member.person));
        let tokens = self.secrets.iter().enumerate().filter(|(_, place)| place.0 == org);
        let mut insiders: Vec<_> = members.chain(tokens.map(|(place, _)| Actor::Token(place))).collect();
        // Who is left of nobody: the platform.
        if insiders.is_empty() { Actor::Person(ROOT) } else { insiders.swap_remove(which % insiders.len()) }
    }

    fn nth_token(&self, which: usize) -> Option<(usize, usize)> {
        nth(&self.secrets, which).map(|(org, place, _)| (org, place))
    }

    /// The person at that place in [`PEOPLE`], or, behind their end, some member.
    fn whom(&self, org: usize, who: usize) -> Person {
        let members = &self.organizations[org].members;
        if who < PEOPLE.len() || members.is_empty() { who % PEOPLE.len() } else { members[who % members.len()].person }
    }

    /// Notes what only the answer could tell.
    pub(super) fn learn(&mut self, learn: Learn, answer: &Value) {
        let text = |path: &str| answer.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        match learn {
            Learn::Organization(org) => {
                self.organizations[org].id = text("/organization/id");
                self.organizations[org].slug = text("/organization/slug");
            }
            Learn::Invitation(org, place) => {
                let invitation = &mut self.organizations[org].invitations[place];
                (invitation.id, invitation.token) = (text("/invitation/id"), text("/token"));
            }
            Learn::Invitations(org, first) => {
                let results = answer["results"].as_array().into_iter().flatten();
                let made = results.filter(|result| result.get("token").is_some());
                for (invitation, made) in self.organizations[org].invitations[first..].iter_mut().zip(made) {
                    let text = |path: &str| made.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
                    (invitation.id, invitation.token) = (text("/invitation/id"), text("/token"));
                }
            }
            Learn::Code(org, place) => {
                let code = &mut self.organizations[org].codes[place];
                (code.id, code.secret) = (text("/joinCode/id"), text("/code"));
            }
            Learn::Workspace(org, place) => {
                self.organizations[org].workspaces[place].id = text("/workspace/id");
            }
            Learn::Secret(org, place) => {
                let token = &mut self.organizations[org].tokens[place];
                token.key = text("/apiToken/key");
                token.bearers.push(text("/apiToken/bearer"));
                // Only now can it act: not in its own making.
                self.secrets.push((org, place, token.bearers.len() - 1));
            }
        }
    }
}

fn nth<T: Copy>(places: &[T], which: usize) -> Option<T> {
    places.get(which.checked_rem(places.len())?).copied()
}
