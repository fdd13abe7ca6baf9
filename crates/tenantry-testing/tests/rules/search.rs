//! A search answers what a plain filter over everything would, page by page.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use futures_util::future::join_all;
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tenantry_core::{
    access::{caller::Caller, registry::Registry},
    engine::{
        Engine,
        operation::{Operation, Request},
    },
    operations::organizations::{Create, Search},
    store::Store,
    values::clock::{Clock, Timestamp},
};
use tenantry_testing::{
    actors,
    model::{ManualClock, SeededEntropy},
};

/// More than one page looks at, so that searches are interrupted.
const ORGANIZATIONS: usize = 1100;
/// How many of them belong to one user.
const OWN: usize = 150;

fn input<O: Operation>(value: Value) -> O {
    serde_json::from_value(value).expect("the test knows the input")
}

/// Organizations that have much in common.
async fn fill(engine: &Engine, clock: &ManualClock) -> Vec<Value> {
    let names = ["Acme", "acme", "ACME Berlin", "Café Zoé", "cafe", "Beta", "Ärzte", "日本", "100%"];
    let cities = ["", "Berlin", "berlin", "Roma", "Zürich"];
    let mut made = Vec::new();
    for batch in (0..ORGANIZATIONS).collect::<Vec<_>>().chunks(50) {
        clock.advance(Duration::from_millis(1500));
        let created = batch.iter().map(async |number| {
            let number = *number;
            let name = names[number % names.len()];
            let name = if number % 3 == 0 { format!("{name} {number}") } else { name.to_owned() };
            let operation: Create = input(json!({
                "name": name,
                "slug": format!("organization-{number}"),
                "city": cities[number % cities.len()],
                "country": if number % 2 == 0 { "Germany" } else { "" },
                "type": if number % 4 == 0 { Some("ngo") } else { None },
            }));
            let owner = if number < OWN { actors::alice() } else { actors::bob() };
            let created = engine.run(&Request::new(owner), &operation).await.expect("it can be created");
            serde_json::to_value(created.organization).expect("it is JSON")
        });
        made.extend(join_all(created).await);
    }
    made
}

/// Pages that are looked at: all of a search with great pages, the beginning of one with small ones.
const PAGES: usize = 6;

/// The first pages of a search, and whether that is all.
async fn search(engine: &Engine, caller: Caller, mut wanted: Value) -> (Vec<Value>, bool) {
    let mut found = Vec::new();
    let (mut pages, mut requests) = (0, 0);
    loop {
        let page = engine.run(&Request::new(caller.clone()), &input::<Search>(wanted.clone())).await;
        let page = page.unwrap_or_else(|error| panic!("{wanted}: {error:?}"));
        pages += usize::from(!page.organizations.is_empty());
        found.extend(page.organizations.into_iter().map(|organization| json!(organization)));
        let Some(cursor) = page.next_cursor else { return (found, true) };
        if pages == PAGES {
            return (found, false);
        }
        wanted["cursor"] = json!(cursor);
        wanted.as_object_mut().expect("it is an object").remove("offset");
        requests += 1;
        assert!(requests < 10 * PAGES, "{wanted}: the search does not end");
    }
}

fn fold(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| json!(text.to_lowercase()))
}

fn compare(one: &Value, two: &Value) -> Ordering {
    match (one.as_u64(), two.as_u64()) {
        (Some(one), Some(two)) => one.cmp(&two),
        // RFC 3339 in UTC sorts as text, as do ids.
        _ => fold(one).as_str().cmp(&fold(two).as_str()),
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('%') {
        None => text == pattern,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| is_like(&rest[at..], tail))
        }),
    }
}

fn holds(value: &Value, operator: &str, operand: &Value) -> bool {
    let like = || match (fold(value).as_str(), fold(operand).as_str()) {
        (Some(text), Some(pattern)) => is_like(text, pattern),
        _ => false,
    };
    let known = !value.is_null();
    match operator {
        "eq" => value == operand,
        "ne" => value != operand,
        "null" => (value.is_null() || value == "") == (operand == &json!(true)),
        "gt" => known && compare(value, operand).is_gt(),
        "gte" => known && compare(value, operand).is_ge(),
        "lt" => known && compare(value, operand).is_lt(),
        "lte" => known && compare(value, operand).is_le(),
        "between" => known && compare(value, &operand[0]).is_ge() && compare(value, &operand[1]).is_le(),
        "in" => operand.as_array().is_some_and(|values| values.contains(value)),
        "notIn" => operand.as_array().is_some_and(|values| !values.contains(value)),
        "like" => like(),
        "notLike" => !like(),
        _ => panic!("{operator} is not known to the test"),
    }
}

/// What a search must find, by looking at everything.
fn expected(all: &[Value], wanted: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let filter = wanted["filter"].as_object().unwrap_or(&empty);
    let mut found: Vec<_> = all
        .iter()
        .filter(|organization| {
            filter.iter().all(|(field, operators)| {
                if field == "concatLike" {
                    let fields = operators["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    let texts: Vec<_> = fields.map(|field| organization[field].as_str().unwrap_or_default()).collect();
                    let text = operators["text"].as_str().unwrap_or_default().to_lowercase();
                    return texts.join(" ").to_lowercase().contains(&text);
                }
                let mut operators = operators.as_object().into_iter().flatten();
                operators.all(|(operator, operand)| holds(&organization[field], operator, operand))
            })
        })
        .collect();
    let order: Vec<_> = wanted["order"].as_array().into_iter().flatten().collect();
    found.sort_by(|one, two| {
        let directed =
            |by: &Value, ordering: Ordering| if by["direction"] == "desc" { ordering.reverse() } else { ordering };
        let by_fields = order.iter().map(|by| {
            let field = by["field"].as_str().unwrap_or_default();
            directed(by, compare(&one[field], &two[field]))
        });
        let by_fields = by_fields.fold(Ordering::Equal, Ordering::then);
        by_fields.then_with(|| directed(order.last().copied().unwrap_or(&Value::Null), compare(&one["id"], &two["id"])))
    });
    let offset = wanted["offset"].as_u64().unwrap_or(0);
    found.into_iter().skip(usize::try_from(offset).unwrap_or(0)).map(|found| found["id"].to_string()).collect()
}

const FIELDS: [&str; 9] = ["name", "createdAt", "city", "number", "slug", "type", "country", "id", "status"];
const OPERATORS: [&str; 12] =
    ["eq", "ne", "null", "gt", "gte", "lt", "lte", "between", "in", "notIn", "like", "notLike"];

/// A condition whose operands are values that there are.
fn condition(all: &[Value], field: &str, operator: &str, one: Index, two: Index) -> Option<(String, Value)> {
    let values: Vec<_> = all.iter().map(|organization| &organization[field]).filter(|value| !value.is_null()).collect();
    let (one, two) = (one.get(&values), two.get(&values));
    let is_text = !["createdAt", "number", "id", "status"].contains(&field);
    let operand = match operator {
        "null" => json!(one.to_string().len() % 2 == 0),
        "between" => {
            if compare(one, two).is_gt() {
                json!([two, one])
            } else {
                json!([one, two])
            }
        }
        "in" | "notIn" => json!([one, two]),
        "like" | "notLike" if !is_text => return None,
        "like" | "notLike" => {
            let text = one.as_str()?;
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            let forms = [format!("{half}%"), format!("%{half}%"), text.to_uppercase(), format!("%{text}")];
            json!(forms[two.to_string().len() % forms.len()])
        }
        _ => json!(one),
    };
    Some((operator.to_owned(), operand))
}

fn searches(all: Arc<[Value]>) -> impl Strategy<Value = Value> {
    let conditions =
        prop::collection::vec((select(&FIELDS[..]), select(&OPERATORS[..]), any::<Index>(), any::<Index>()), 0..3);
    let order = prop::sample::subsequence(FIELDS.to_vec(), 1..=3).prop_shuffle();
    let directions = prop::collection::vec(select(&["asc", "desc"][..]), 3);
    let concat = prop::option::weighted(0.1, select(&["acme", "E BER", " ge", "zé"][..]));
    (conditions, order, directions, 0_u32..3, prop_oneof![Just(7), Just(50), Just(200)], concat).prop_map(
        move |(conditions, order, directions, offset, limit, concat)| {
            let mut filter = json!({});
            for (field, operator, one, two) in conditions {
                if let Some((operator, operand)) = condition(&all, field, operator, one, two) {
                    filter[field][operator] = operand;
                }
            }
            if let Some(text) = concat {
                filter["concatLike"] = json!({ "fields": ["name", "city", "country"], "text": text });
            }
            let order: Vec<_> = order
                .into_iter()
                .zip(directions)
                .map(|(field, direction)| json!({ "field": field, "direction": direction }))
                .collect();
            json!({ "filter": filter, "order": order, "offset": offset * 60, "limit": limit })
        },
    )
}

#[test]
fn a_search_finds_what_a_plain_filter_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be had");
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_795_000_000_000)));
    let store: Arc<dyn Store> =
        Arc::new(tenantry_embedded::EmbeddedStore::in_memory_with_clock(clock.clone()).expect("memory can be had"));
    let registry = Registry::builder().build().expect("what is built in fits together");
    let told: Arc<dyn Clock> = clock.clone();
    let engine = Engine::builder(store, registry).clock(told).entropy(Arc::new(SeededEntropy::new(1))).build();
    let all: Arc<[Value]> = runtime.block_on(fill(&engine, &clock)).into();

    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let own = &all[..OWN];
    let checked = runner.run(&searches(all.clone()), |wanted| {
        for (caller, known) in [(actors::platform_admin(), &*all), (actors::alice(), own)] {
            let (found, ended) = runtime.block_on(search(&engine, caller, wanted.clone()));
            let found: Vec<_> = found.iter().map(|organization| organization["id"].to_string()).collect();
            let mut expected = expected(known, &wanted);
            if !ended {
                expected.truncate(found.len());
            }
            if found != expected {
                let reason = format!("{} instead of {} organizations, or another order", found.len(), expected.len());
                return Err(TestCaseError::fail(reason));
            }
        }
        Ok(())
    });
    if let Err(error) = checked {
        panic!("a search does not find what it should: {error}");
    }
}
