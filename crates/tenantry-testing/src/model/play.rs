//! Takes steps on an engine and in the model, and compares.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry_core::{
    access::caller::Caller,
    engine::{Engine, operation::Operation},
    operations::{accounts, invitations, join_codes, members, organizations, roles, tokens, workspaces},
    values::error::ErrorKind,
};

use super::{
    moves::Move,
    people::PEOPLE,
    plain::Plain,
    step::{Actor, Step},
};
use crate::actors;

/// What an operation answers, or the kind of its refusal.
type Answer = Result<Value, ErrorKind>;

async fn run<O: Operation>(engine: &Engine, caller: &Caller, input: &Value) -> Answer {
    let operation: O = match serde_json::from_value(input.clone()) {
        Ok(operation) => operation,
        Err(error) => panic!("{}: the model gives a wrong input ({error}): {input}", O::ROUTE),
    };
    match engine.run(&caller.clone().into(), &operation).await {
        Ok(output) => Ok(serde_json::to_value(output).expect("an answer can be written as JSON")),
        Err(error) => Err(error.kind()),
    }
}

async fn send(engine: &Engine, caller: &Caller, route: &str, input: &Value) -> Answer {
    macro_rules! routes {
        ($($operation:ty),* $(,)?) => {
            match route {
                $(<$operation as Operation>::ROUTE => run::<$operation>(engine, caller, input).await,)*
                other => panic!("the model knows no operation {other}"),
            }
        };
    }
    routes![
        organizations::Create,
        organizations::Get,
        organizations::List,
        organizations::Update,
        organizations::SetStatus,
        organizations::TransferOwnership,
        organizations::Leave,
        organizations::Delete,
        organizations::Search,
        members::List,
        members::Get,
        members::Update,
        members::Remove,
        members::SetRole,
        invitations::Create,
        invitations::CreateBatch,
        invitations::List,
        invitations::Revoke,
        invitations::Resend,
        invitations::Accept,
        invitations::Decline,
        invitations::Mine,
        invitations::Register,
        join_codes::Create,
        join_codes::Join,
        join_codes::List,
        join_codes::Revoke,
        roles::Show,
        roles::Create,
        roles::Update,
        roles::Delete,
        tokens::Create,
        tokens::List,
        tokens::Revoke,
        tokens::Update,
        tokens::Rotate,
        tokens::Introspect,
        workspaces::Create,
        workspaces::List,
        workspaces::Update,
        workspaces::Delete,
        accounts::Forget,
        accounts::Update,
    ]
}

/// Sends a request; of a list, as many as it has pages, and the answer has the entries of all.
async fn send_all(engine: &Engine, caller: &Caller, route: &str, input: &Value) -> Answer {
    let mut answer = send(engine, caller, route, input).await?;
    let mut input = input.clone();
    if let Value::Object(fields) = &mut input {
        fields.remove("offset");
    }
    while let Some(cursor) = answer.get("nextCursor").and_then(Value::as_str) {
        input["cursor"] = json!(cursor);
        let page = send(engine, caller, route, &input).await?;
        answer["nextCursor"] = page["nextCursor"].clone();
        for (field, entries) in answer.as_object_mut().into_iter().flatten() {
            if let (Value::Array(entries), Some(more)) = (entries, page[field.as_str()].as_array()) {
                assert!(input["limit"].as_u64().is_none_or(|limit| more.len() as u64 <= limit), "a page is too long");
                entries.extend(more.iter().cloned());
            }
        }
    }
    Ok(answer)
}

/// Whether `answer` says all that is `expected`. It may have more fields, but no more entries.
fn says(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => {
            expected.iter().all(|(field, expected)| answer.get(field).is_some_and(|answer| says(answer, expected)))
        }
        (Value::Array(answer), Value::Array(expected)) => {
            answer.len() == expected.len()
                && answer.iter().zip(expected).all(|(answer, expected)| says(answer, expected))
        }
        (answer, expected) => answer == expected,
    }
}

fn caller(plain: &Plain, actor: Actor) -> Caller {
    match (plain.token(actor), actor) {
        (Some((org, place, secret)), _) => actors::token(&plain.organizations[org].tokens[place].bearers[secret]),
        (None, Actor::Person(person)) => plain.people.caller(person),
        (None, Actor::Token(_) | Actor::Insider(_)) => plain.people.caller(0),
    }
}

/// Takes one step here and there. An error tells the difference.
pub(super) async fn step(
    engine: &Engine,
    plain: &mut Plain,
    step: &Step,
    exercised: &mut BTreeSet<&'static str>,
) -> Result<(), String> {
    let times = if let Step::Guess { times, .. } = step { *times } else { 1 };
    for _ in 0..times {
        if let Some(next) = plain.step(step) {
            compare(engine, plain, next, exercised).await?;
        }
    }
    Ok(())
}

async fn compare(
    engine: &Engine,
    plain: &mut Plain,
    next: Move,
    exercised: &mut BTreeSet<&'static str>,
) -> Result<(), String> {
    let Move { by, route, input, expected, learn } = next;
    let answer = send_all(engine, &caller(plain, by), route, &input).await;
    let agree = match (&answer, &expected) {
        (Ok(answer), Ok(expected)) => says(answer, expected),
        (Err(answer), Err(expected)) => answer == expected,
        _ => false,
    };
    if !agree {
        return Err(format!("{route} by {by:?} with {input}:\n  expected {expected:?}\n  answered {answer:?}"));
    }
    if let (Some(learn), Ok(answer)) = (learn, &answer) {
        plain.learn(learn, answer);
    }
    if answer.is_ok() {
        exercised.insert(route);
        if route == "delete" {
            engine.work_once().await.map_err(|error| format!("what follows from a deletion: {error:?}"))?;
        }
    }
    Ok(())
}

/// At the end: every change left one event, every person's rights are those of the model, and every slug leads home.
pub(super) async fn finish(engine: &Engine, plain: &Plain) -> Result<(), String> {
    for (org, organization) in plain.organizations.iter().enumerate() {
        let id = organization.id.parse().map_err(|error| format!("{}: {error}", organization.id))?;
        let events = engine.audit_events(id, None, 10_000).await.map_err(|error| format!("{error:?}"))?;
        // Of one that was deleted, the log is the last to go.
        let expected = if organization.gone { 0 } else { organization.events };
        if events.len() != expected {
            let found = events.len();
            return Err(format!("nothing is changed without a trace: {expected} changes, {found} events of {org}"));
        }
        let slug = organization.slug.parse().map_err(|error| format!("{}: {error}", organization.slug))?;
        for person in 0..PEOPLE.len() {
            let caller = plain.people.caller(person);
            let by_id = engine.resolve(&caller, id).await;
            let by_slug = engine.resolve_slug(&caller, &slug, None).await;
            let actor = Actor::Person(person);
            let member = organization.member(person).filter(|_| plain.place(actor, org).is_ok());
            let roles = if organization.is_looked_after_by(person) && !organization.gone {
                Some(vec!["owner"])
            } else {
                member.map(|member| organization.ranked(&member.roles))
            };
            // The slug of one that was deleted may lead to another.
            let by_slug = if organization.gone { None } else { Some(by_slug) };
            for tenant in [Some(by_id), by_slug].into_iter().flatten() {
                let found =
                    tenant.ok().map(|tenant| tenant.roles().iter().map(ToString::to_string).collect::<Vec<_>>());
                if found != roles.as_ref().map(|roles| roles.iter().map(ToString::to_string).collect()) {
                    return Err(format!("in {org}, {person} has the roles {found:?} instead of {roles:?}"));
                }
            }
        }
    }
    Ok(())
}
