//! Many callers at once, without HTTP.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use serde_json::Value;
use tenantry_core::{
    access::caller::Caller,
    engine::{
        Engine,
        operation::{Operation, Request},
    },
};

use crate::figures::now;

/// Somebody who is to do something.
pub(crate) type Task = (Caller, Value);

/// Has all of it done by so many callers, each of them one thing after the other; answers how long that took, and what
/// was answered, in the order of the tasks.
pub(crate) async fn together<T, A, F>(
    callers: usize,
    tasks: Vec<T>,
    act: impl Fn(T) -> F + Clone + Send + 'static,
) -> Result<(Duration, Vec<A>)>
where
    T: Send + 'static,
    A: Send + 'static,
    F: Future<Output = Result<A>> + Send,
{
    let count = tasks.len();
    let mut shares: Vec<Vec<_>> = (0..callers).map(|_| Vec::with_capacity(count / callers + 1)).collect();
    for (place, task) in tasks.into_iter().enumerate() {
        shares[place % callers].push(task);
    }
    let begun = now();
    let answers = try_join_all(shares.into_iter().map(|share| {
        let act = act.clone();
        async move {
            tokio::spawn(async move {
                let mut answers = Vec::with_capacity(share.len());
                for task in share {
                    answers.push(act(task).await?);
                }
                anyhow::Ok(answers)
            })
            .await?
        }
    }))
    .await?;
    let taken = begun.elapsed();
    let mut answers: Vec<_> = answers.into_iter().map(Vec::into_iter).collect();
    Ok((taken, (0..count).filter_map(|place| answers[place % callers].next()).collect()))
}

/// Carries out an operation for each task, by so many callers.
pub(crate) async fn operate<O: Operation>(
    engine: &Engine,
    callers: usize,
    tasks: Vec<Task>,
) -> Result<(Duration, Vec<O::Output>)>
where
    O::Output: 'static,
{
    let engine = engine.clone();
    together(callers, tasks, move |(caller, input)| {
        let engine = engine.clone();
        async move {
            let operation: O = serde_json::from_value(input)?;
            Ok(engine.run(&Request::new(caller), &operation).await?)
        }
    })
    .await
}
