//! Who the primary is, as the sentinels say.

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::{address::Address, failure::Failure, request::Request, shared::Shared};

/// The sentinels of one service.
pub(crate) struct Sentinels {
    pub(crate) service: String,
    /// All that the URL lists.
    pub(crate) servers: Vec<Shared>,
}

/// What one sentinel says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    primary: Address,
    /// It sees nothing wrong with the primary: neither is it down, nor is another about to take its place.
    well: bool,
}

impl Sentinels {
    /// The primary that most of those name who answer. That may be one of several for a moment: whoever connects there
    /// looks whether it is a primary.
    pub(crate) async fn primary(&self, patience: Duration) -> Result<Address, String> {
        let mut named: Vec<(usize, Address)> = Vec::new();
        let mut reason = String::new();
        for answer in self.ask(patience).await {
            match answer {
                Ok(answer) => match named.iter_mut().find(|(_, address)| *address == answer.primary) {
                    Some((count, _)) => *count += 1,
                    None => named.push((1, answer.primary)),
                },
                Err(error) => reason = error,
            }
        }
        let most = named.into_iter().max_by_key(|(count, _)| *count);
        most.map(|(_, address)| address).ok_or_else(|| format!("no sentinel names a primary: {reason}"))
    }

    /// Whether `primary` is still the one: more than half of the listed sentinels say so, and nobody says otherwise.
    pub(crate) async fn confirm(&self, primary: &Address, patience: Duration) -> Result<(), String> {
        let mut confirmed = 0;
        for answer in self.ask(patience).await.into_iter().flatten() {
            if answer.primary != *primary {
                return Err(format!("a sentinel says that {} is the primary", answer.primary));
            }
            if !answer.well {
                return Err("a sentinel says that the primary is not well".to_owned());
            }
            confirmed += 1;
        }
        let listed = self.servers.len();
        if confirmed * 2 > listed {
            return Ok(());
        }
        Err(format!("{confirmed} of {listed} sentinels confirm the primary: more than half must"))
    }

    async fn ask(&self, patience: Duration) -> Vec<Result<Answer, String>> {
        let ask = async |sentinel: &Shared| {
            let answer = timeout(patience, ask(sentinel, &self.service)).await;
            answer.unwrap_or_else(|_| Err(format!("the sentinel at {} does not answer", sentinel.server.address)))
        };
        join_all(self.servers.iter().map(ask)).await
    }
}

async fn ask(sentinel: &Shared, service: &str) -> Result<Answer, String> {
    let words = |words: &[&str]| redis::cmd("SENTINEL").arg(words).arg(service).to_owned();
    // The second says more, but names the old primary until the fail-over is over.
    let request = Request::Each(vec![words(&["GET-MASTER-ADDR-BY-NAME"]), words(&["MASTER"])]);
    let answer = sentinel.query::<(Option<(String, u16)>, HashMap<String, String>)>(&request, false).await;
    let (address, master) = answer.map_err(|failure| match failure {
        Failure::NotAsked(error) | Failure::Failed(error) => sentinel.server.unavailable(&error).to_string(),
        Failure::Unconfirmed(unavailable) => unavailable.to_string(),
    })?;
    let (host, port) = address.ok_or_else(|| format!("the sentinels know no service {service}"))?;
    let of_master = |name: &str| master.get(name).map(String::as_str).unwrap_or_default();
    // What it says of the old one does not matter once another has taken its place.
    let is_old = of_master("ip") != host || of_master("port") != port.to_string();
    Ok(Answer { primary: Address::new(&host, port), well: is_old || of_master("flags") == "master" })
}
