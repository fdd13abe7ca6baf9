//! Decides a filter and an order for one organization.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::filter::{Field, OrderBy, SortDirection};
use crate::{
    engine::search_entry::{sort_key, time_key},
    rows::WholeOrganization,
    values::{clock::Timestamp, folded_text::folded, ids::OrganizationId},
};

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Value {
    Null,
    Number(u64),
    Time(Timestamp),
    Id(OrganizationId),
    Text(String),
}

impl Value {
    fn of(field: Field, id: OrganizationId, whole: &WholeOrganization) -> Self {
        let WholeOrganization { row, profile } = whole;
        let text = |text: &str| Self::Text(text.to_owned());
        let optional = |text: Option<&str>| text.map_or(Self::Null, |text| Self::Text(text.to_owned()));
        match field {
            Field::Id => Self::Id(id),
            Field::Number => Self::Number(row.number),
            Field::Name => text(&row.name),
            Field::Slug => text(row.slug.as_str()),
            Field::Description => text(&profile.description),
            Field::Status => text(row.status.as_str()),
            Field::Type => optional(profile.kind.as_deref()),
            Field::Owner => optional(row.owners.first().map(crate::values::ids::UserId::as_str)),
            Field::CountryCode => text(&profile.country_code),
            Field::Country => text(&profile.country),
            Field::State => text(&profile.state),
            Field::City => text(&profile.city),
            Field::Address => text(&profile.address),
            Field::Timezone => text(&profile.timezone),
            Field::Email => text(&profile.email),
            Field::CreatedAt => Self::Time(row.created_at),
            Field::UpdatedAt => Self::Time(row.updated_at),
            Field::Version => Self::Number(row.version),
        }
    }

    /// The value by which it is ordered: for a text, its sort key.
    fn rank(self) -> Self {
        if let Self::Text(text) = &self { Self::Text(sort_key(text)) } else { self }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The value as a sort key of an index; `None` for a kind of value that is in no index.
    fn sort_key(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(sort_key(text)),
            Self::Time(at) => Some(time_key(*at)),
            Self::Null | Self::Number(_) | Self::Id(_) => None,
        }
    }
}

/// An operator and its operand.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Eq(Value),
    Ne(Value),
    Null(bool),
    Gt(Value),
    Gte(Value),
    Lt(Value),
    Lte(Value),
    /// Two values: the least and the greatest.
    Between(Vec<Value>),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    /// The parts of the pattern between its `%`, folded.
    Like(Vec<String>),
    NotLike(Vec<String>),
}

impl Op {
    pub(crate) fn like(pattern: &str) -> Self {
        Self::Like(folded(pattern).split('%').map(str::to_owned).collect())
    }

    pub(crate) fn not_like(pattern: &str) -> Self {
        Self::NotLike(folded(pattern).split('%').map(str::to_owned).collect())
    }

    /// The operands that are texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let values = match self {
            Self::Eq(value)
            | Self::Ne(value)
            | Self::Gt(value)
            | Self::Gte(value)
            | Self::Lt(value)
            | Self::Lte(value) => std::slice::from_ref(value),
            Self::Between(values) | Self::In(values) | Self::NotIn(values) => values,
            Self::Null(_) | Self::Like(_) | Self::NotLike(_) => &[],
        };
        let parts: &[String] = if let Self::Like(parts) | Self::NotLike(parts) = self { parts } else { &[] };
        let texts = values.iter().filter_map(|value| if let Value::Text(text) = value { Some(&**text) } else { None });
        texts.chain(parts.iter().map(String::as_str))
    }

    /// Operators that compare by order get their operands as values are ordered.
    fn ranked(self) -> Self {
        match self {
            Self::Gt(value) => Self::Gt(value.rank()),
            Self::Gte(value) => Self::Gte(value.rank()),
            Self::Lt(value) => Self::Lt(value.rank()),
            Self::Lte(value) => Self::Lte(value.rank()),
            Self::Between(values) => Self::Between(values.into_iter().map(Value::rank).collect()),
            other => other,
        }
    }

    fn holds(&self, value: Value) -> bool {
        match self {
            Self::Eq(operand) => value == *operand,
            Self::Ne(operand) => value != *operand,
            Self::Null(null) => value.is_null() == *null,
            Self::In(operands) => operands.contains(&value),
            Self::NotIn(operands) => !operands.contains(&value),
            Self::Like(parts) => is_like(&value, parts),
            Self::NotLike(parts) => !is_like(&value, parts),
            _ if value == Value::Null => false,
            Self::Gt(operand) => value.rank() > *operand,
            Self::Gte(operand) => value.rank() >= *operand,
            Self::Lt(operand) => value.rank() < *operand,
            Self::Lte(operand) => value.rank() <= *operand,
            Self::Between(operands) => {
                let rank = value.rank();
                operands.first().is_some_and(|least| rank >= *least)
                    && operands.get(1).is_some_and(|most| rank <= *most)
            }
        }
    }

    /// The sort keys, in the field's index, of all that can pass: from the first, included, to the second, excluded.
    fn bounds(&self) -> (Option<String>, Option<String>) {
        let next = |key: String| key + "\0";
        match self {
            Self::Eq(value) => (value.sort_key(), value.sort_key().map(next)),
            Self::In(values) => {
                let keys = || values.iter().filter_map(Value::sort_key);
                (keys().min(), keys().max().map(next))
            }
            Self::Gt(value) => (value.sort_key().map(next), None),
            Self::Gte(value) => (value.sort_key(), None),
            Self::Lt(value) => (None, value.sort_key()),
            Self::Lte(value) => (None, value.sort_key().map(next)),
            Self::Between(values) => {
                (values.first().and_then(Value::sort_key), values.get(1).and_then(Value::sort_key).map(next))
            }
            Self::Like(parts) => match parts.as_slice() {
                [whole] => (Some(sort_key(whole)), Some(next(sort_key(whole)))),
                [prefix, ..] if !prefix.is_empty() => (Some(sort_key(prefix)), behind_prefix(&sort_key(prefix))),
                _ => (None, None),
            },
            Self::Ne(_) | Self::Null(_) | Self::NotIn(_) | Self::NotLike(_) => (None, None),
        }
    }
}

/// The least text that is greater than all that begin with `prefix`.
fn behind_prefix(prefix: &str) -> Option<String> {
    let mut head = prefix.to_owned();
    while let Some(last) = head.pop() {
        // A range of `char` leaves out the surrogates, which are no characters.
        if let Some(next) = (last..=char::MAX).nth(1) {
            head.push(next);
            return Some(head);
        }
    }
    None
}

/// Whether `value` consists of `parts` with anything between them.
fn is_like(value: &Value, parts: &[String]) -> bool {
    let Value::Text(text) = value else { return false };
    let text = folded(text);
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|whole| *whole == text);
    };
    let inner = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str()));
    let Some(mut rest) = inner else { return false };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part.as_str()) else { return false };
        rest = behind;
    }
    true
}

/// One condition of a filter.
#[derive(Debug)]
pub(crate) enum Test {
    Field(Field, Op),
    /// These fields, joined by spaces, contain this folded text.
    Concat(Vec<Field>, String),
}

impl Test {
    pub(crate) fn new(field: Field, op: Op) -> Self {
        Self::Field(field, op.ranked())
    }

    pub(crate) fn concat_like(fields: &[Field], text: &str) -> Self {
        Self::Concat(fields.to_vec(), folded(text))
    }

    pub(crate) fn holds(&self, id: OrganizationId, whole: &WholeOrganization) -> bool {
        match self {
            Self::Field(field, op) => op.holds(Value::of(*field, id, whole)),
            Self::Concat(fields, text) => {
                let values = fields.iter().map(|field| match Value::of(*field, id, whole) {
                    Value::Text(text) => text,
                    _ => String::new(),
                });
                folded(&values.collect::<Vec<_>>().join(" ")).contains(text)
            }
        }
    }

    /// The range of sort keys, in the index of `field`, to which all that can pass belong.
    pub(crate) fn bounds(&self, field: Field) -> (Option<String>, Option<String>) {
        match self {
            Self::Field(tested, op) if *tested == field => op.bounds(),
            _ => (None, None),
        }
    }
}

/// The place of an organization in the order of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rank {
    values: Vec<Value>,
    id: OrganizationId,
}

impl Rank {
    pub(crate) fn new(order: &[OrderBy], id: OrganizationId, whole: &WholeOrganization) -> Self {
        let values = order.iter().map(|by| Value::of(by.field, id, whole).rank()).collect();
        Self { values, id }
    }

    /// The sort key of the first field, in the index of that field.
    pub(crate) fn lead(&self) -> Option<String> {
        match self.values.first()? {
            Value::Text(key) => Some(key.clone()),
            other => other.sort_key(),
        }
    }

    /// Compares in the given order. Equal values are ordered by id, in the direction of the last field.
    pub(crate) fn compare(&self, other: &Self, order: &[OrderBy]) -> Ordering {
        let directed = |ordering: Ordering, by: &OrderBy| match by.direction {
            SortDirection::Asc => ordering,
            SortDirection::Desc => ordering.reverse(),
        };
        let values = order.iter().zip(self.values.iter().zip(&other.values));
        let by_values = values.map(|(by, (one, two))| directed(one.cmp(two), by)).find(|ordering| ordering.is_ne());
        by_values.unwrap_or_else(|| order.last().map_or(Ordering::Equal, |by| directed(self.id.cmp(&other.id), by)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        Op::like(pattern).holds(Value::Text(text.to_owned()))
    }

    #[test]
    fn a_pattern_has_wildcards_and_nothing_else() {
        assert!(like("Acme Berlin", "acme%"));
        assert!(like("Acme Berlin", "%BERLIN"));
        assert!(like("Acme Berlin", "%me%er%"));
        assert!(like("a", "%%"));
        assert!(like("100% (_)", "100%(_)"));
        assert!(!like("Acme", "cme"));
        assert!(!like("aba", "ab%ba"), "no character stands for two parts");
        assert!(!like("abc", "%b"));
        assert!(!Op::like("%").holds(Value::Null));
    }

    #[test]
    fn what_begins_with_a_prefix_is_within_its_bounds() {
        for (prefix, behind) in [("a", "b"), ("\u{d7ff}", "\u{e000}"), ("a\u{10ffff}", "b")] {
            assert_eq!(behind_prefix(prefix).as_deref(), Some(behind));
        }
        assert_eq!(behind_prefix("\u{10ffff}"), None);
    }
}
