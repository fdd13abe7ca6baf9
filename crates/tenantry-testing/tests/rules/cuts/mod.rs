//! Whatever single message of an operation is lost, the operation is done once in the end, or not at all, and nobody
//! is told anything else: each message of each operation is lost in turn.
//!
//! After each loss the operation is tried again with the same `Idempotency-Key`. What its caller and everybody else see
//! before and after is compared with an organization in which the same was done and nothing was lost.

mod operations;
mod stage;
mod view;

use serde_json::{Value, json};
use tenantry_core::{
    engine::{idempotency::IdempotencyKey, operation::Request},
    values::error::ErrorKind,
};
use tenantry_testing::relay::{Cut, Lost};

use self::{
    operations::Case,
    stage::{Answer, Scene, Stage, is_unavailable},
    view::{answered, difference, seen, used},
};

/// How often a try that the store does not answer is repeated: at first, and once what the cut left behind counts as
/// abandoned.
const TRIES: usize = 2;
/// What an operation answers that certainly changed nothing.
const NOT_MADE: &str = "has not made";

/// How messages are lost, and whether all others are lost from then on, until the operation gives up.
const LOSSES: [(Lost, bool); 4] =
    [(Lost::Request, false), (Lost::Reply, false), (Lost::Rest, true), (Lost::Room, false)];

/// What is to be seen if nothing is lost.
struct Control {
    before: Value,
    answer: Value,
    after: Value,
    later: Value,
    used: Value,
}

impl Control {
    async fn of(stage: &Stage, case: &Case) -> Self {
        let scene = stage.scene().await;
        let before = seen(stage, &scene).await;
        let answer = carry_out(stage, case, &scene).await;
        assert!(answer.is_ok(), "{}: {answer:?}", case.name);
        let after = seen(stage, &scene).await;
        assert!(before != after, "{} is to change something that is seen", case.name);
        let later = seen_later(stage, &scene).await;
        let used = used(stage, &scene, &answer).await;
        Self { before, answer: answered(&scene, &answer), after, later, used }
    }
}

/// Carries out the operation, always with the same key.
async fn carry_out(stage: &Stage, case: &Case, scene: &Scene) -> Answer {
    stage.tick();
    let key = IdempotencyKey::new(&scene.name("key")).expect("it is visible ASCII");
    let request = Request::new(scene.person(case.by)).idempotency_key(Some(key));
    (case.run)(&stage.behind, &request, (case.input)(scene)).await
}

/// What is to be seen when all that follows has been done, and who looks may prune what was left behind.
async fn seen_later(stage: &Stage, scene: &Scene) -> Value {
    stage.settle();
    stage.outside.work_once().await.expect("nothing is in the way");
    seen(stage, scene).await
}

/// Carries out the operation with this loss, and once more without. Whether anything was lost, and what is not as it
/// must be.
async fn tried(stage: &Stage, case: &Case, control: &Control, cut: Cut) -> (bool, Result<(), String>) {
    let scene = stage.scene().await;
    stage.relay.cut(cut);
    let first = carry_out(stage, case, &scene).await;
    let happened = stage.heal().await;
    let first = told_the_truth(stage, control, &scene, first).await;
    let is_right = match first {
        Ok(_) if !happened => Ok(()),
        Ok(applied) => done_once(stage, case, control, &scene, applied).await,
        Err(wrong) => Err(wrong),
    };
    (happened, is_right)
}

fn same(what: &str, is: &Value, should: &Value) -> Result<(), String> {
    difference(is, should).map_or(Ok(()), |difference| Err(format!("{what}{difference}")))
}

/// What was answered after the loss agrees with what is to be seen. Whether the operation was carried out.
async fn told_the_truth(stage: &Stage, control: &Control, scene: &Scene, first: Answer) -> Result<bool, String> {
    let between = seen(stage, scene).await;
    match &first {
        Ok(_) => {
            same("answered", &answered(scene, &first), &control.answer)?;
            same("after it was acknowledged", &between, &control.after)?;
        }
        Err(error) if !is_unavailable(&first) => return Err(format!("refused: {error:?}")),
        Err(error) if error.to_string().contains(NOT_MADE) => {
            same("after it was not made", &between, &control.before)?;
        }
        Err(_) if between == control.before => {}
        Err(_) => same("half-way", &between, &control.after)?,
    }
    Ok(between == control.after)
}

/// However often it is tried again, it has been carried out once.
async fn done_once(stage: &Stage, case: &Case, control: &Control, scene: &Scene, applied: bool) -> Result<(), String> {
    let mut again = carry_out(stage, case, scene).await;
    for _ in 0..TRIES {
        if is_unavailable(&again) {
            stage.settle();
            again = carry_out(stage, case, scene).await;
        }
    }
    let answer = answered(scene, &again);
    if case.ends_the_right && applied {
        same("answered in the end", &answer, &json!({ "refused": ErrorKind::NotFound.code() }))?;
    } else {
        same("answered in the end", &answer, &control.answer)?;
    }
    same("in the end", &seen(stage, scene).await, &control.after)?;
    same("later", &seen_later(stage, scene).await, &control.later)?;
    same("used", &used(stage, scene, &again).await, &control.used)
}

/// Loses each message of each operation, and reports all that is not as it must be.
async fn hold(namespace: &str, step_by_step: bool, cases: Vec<Case>) {
    let stage = Stage::new(namespace, step_by_step).await;
    let mut wrong = Vec::new();
    for case in &cases {
        let control = Control::of(&stage, case).await;
        for (lost, lasts) in LOSSES {
            for at in 1.. {
                let cut = Cut { at, lost, lasts };
                let (happened, is_right) = tried(&stage, case, &control, cut).await;
                wrong.extend(is_right.err().map(|what| format!("{}, {cut:?}: {what}", case.name)));
                if !happened {
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

macro_rules! hold {
    ($($kind:ident $([$step_by_step:ident])?),* $(,)?) => {$(
        mod $kind {
            use super::{hold, operations};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn are_changed_once_or_not_at_all() {
                hold(concat!("cuts-", stringify!($kind)), false, operations::$kind()).await;
            }

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $step_by_step() {
                hold(concat!("cuts-steps-", stringify!($kind)), true, operations::$kind()).await;
            })?
        }
    )*};
}

hold!(
    organizations[are_changed_once_or_not_at_all_step_by_step],
    members[are_changed_once_or_not_at_all_step_by_step],
    invitations[are_changed_once_or_not_at_all_step_by_step],
    // They write nothing elsewhere, so there is one step in any case.
    settings,
);
