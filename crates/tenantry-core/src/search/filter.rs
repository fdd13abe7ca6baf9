//! The filter and the order of a search, as a request has them.

use serde::{Deserialize, Serialize};

use super::test::{Op, Test, Value};
use crate::{
    rows::Status,
    values::{clock::Timestamp, ids::OrganizationId, limits, validate::Violations},
    wire::input,
};

/// A field of an organization by which a search can filter and order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "they are the fields of an organization, which describes them")]
pub enum Field {
    Id,
    Number,
    Name,
    Slug,
    Description,
    Status,
    Type,
    Owner,
    CountryCode,
    Country,
    State,
    City,
    Address,
    Timezone,
    Email,
    CreatedAt,
    UpdatedAt,
    Version,
}

impl Field {
    const fn is_text(self) -> bool {
        !matches!(self, Self::Id | Self::Number | Self::CreatedAt | Self::UpdatedAt | Self::Version)
    }
}

/// In which direction a field orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum SortDirection {
    /// Small values first, and `null` before all.
    #[default]
    Asc,
    /// Great values first.
    Desc,
}

input! {
    /// One field of a search's order.
    #[derive(Copy, PartialEq, Eq)]
    pub struct OrderBy {
        /// By which field. Texts are ordered without regard to case.
        pub field: Field,
        /// `asc` if absent.
        #[serde(default)]
        pub direction: SortDirection,
    }
}

input! {
    /// Several text fields at once.
    pub struct ConcatLike {
        /// Which fields, in this order; a space is between them.
        #[cfg_attr(feature = "openapi", schema(min_items = 1))]
        pub fields: Vec<Field>,
        /// What they contain together, without regard to case.
        #[cfg_attr(feature = "openapi", schema(max_length = 500))]
        pub text: String,
    }
}

/// Declares the operators of one kind of field.
macro_rules! operators {
    ($(#[$meta:meta])* $name:ident($kind:ty) by $value:expr, $($(#[$text_meta:meta])* $text:ident $wire:literal $op:ident)*) => {
        input! {
            $(#[$meta])*
            pub struct $name {
                /// Equals this.
                pub eq: Option<$kind>,
                /// Does not equal this; `null` does not.
                pub ne: Option<$kind>,
                /// True: is `null` or empty. False: is not.
                pub null: Option<bool>,
                /// Is greater.
                pub gt: Option<$kind>,
                /// Is greater, or the same.
                pub gte: Option<$kind>,
                /// Is less.
                pub lt: Option<$kind>,
                /// Is less, or the same.
                pub lte: Option<$kind>,
                /// From the first to the second of two values, both included.
                #[cfg_attr(feature = "openapi", schema(min_items = 2, max_items = 2))]
                pub between: Option<Vec<$kind>>,
                /// Equals one of these, at most 100.
                #[serde(rename = "in")]
                #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
                pub one_of: Option<Vec<$kind>>,
                /// Equals none of these, at most 100; `null` does not.
                #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
                pub not_in: Option<Vec<$kind>>,
                $($(#[$text_meta])* #[cfg_attr(feature = "openapi", schema(max_length = 500))] pub $text: Option<String>,)*
            }
        }

        impl $name {
            fn ops(&self) -> Vec<(&'static str, Op)> {
                let one = |given: &Option<$kind>| given.clone().map($value);
                let many = |given: &Option<Vec<$kind>>| {
                    given.clone().map(|given| given.into_iter().map($value).collect::<Vec<Value>>())
                };
                [
                    ("eq", one(&self.eq).map(Op::Eq)),
                    ("ne", one(&self.ne).map(Op::Ne)),
                    ("null", self.null.map(Op::Null)),
                    ("gt", one(&self.gt).map(Op::Gt)),
                    ("gte", one(&self.gte).map(Op::Gte)),
                    ("lt", one(&self.lt).map(Op::Lt)),
                    ("lte", one(&self.lte).map(Op::Lte)),
                    ("between", many(&self.between).map(Op::Between)),
                    ("in", many(&self.one_of).map(Op::In)),
                    ("notIn", many(&self.not_in).map(Op::NotIn)),
                    $(($wire, self.$text.as_deref().map(Op::$op)),)*
                ]
                .into_iter()
                .filter_map(|(name, op)| Some((name, op?)))
                .collect()
            }
        }
    };
}

operators! {
    /// Operators of a text. `eq`, `ne`, `in` and `notIn` compare exactly, all others without regard to case.
    TextOperators(String) by Value::Text,
    /// Has this form: `%` stands for any characters, also for none; every other character for itself.
    like "like" like
    /// Has not this form; `null` has none.
    not_like "notLike" not_like
}
operators! {
    /// Operators of a status.
    StatusOperators(Status) by |status: Status| Value::Text(status.as_str().to_owned()),
}
operators! {
    /// Operators of an id. Ids are in the order of their making.
    IdOperators(OrganizationId) by Value::Id,
}
operators! {
    /// Operators of a whole number.
    NumberOperators(u64) by Value::Number,
}
operators! {
    /// Operators of a moment, in RFC 3339.
    TimeOperators(Timestamp) by Value::Time,
}

/// Declares the filter: each field with its kind.
macro_rules! filter {
    ($($name:ident $(as $wire:literal)?: $kind:ident = $field:ident,)*) => {
        input! {
            /// What organizations must be like: all operators of all fields hold. A field has at least one operator.
            ///
            /// A field that is `null` passes `ne`, `notIn`, `notLike` and `null: true`, and nothing else.
            pub struct Filter {
                $(
                    #[doc = concat!("Of the field `", stringify!($field), "`.")]
                    $(#[serde(rename = $wire)] #[cfg_attr(feature = "openapi", schema(rename = $wire))])?
                    pub $name: Option<$kind>,
                )*
                /// Of several fields together.
                pub concat_like: Option<ConcatLike>,
            }
        }

        impl Filter {
            /// Each field that is filtered by, and its operators.
            fn ops(&self) -> Vec<(Field, Vec<(&'static str, Op)>)> {
                let mut ops = Vec::new();
                $(if let Some(operators) = &self.$name {
                    ops.push((Field::$field, operators.ops()));
                })*
                ops
            }
        }
    };
}

filter! {
    id: IdOperators = Id,
    number: NumberOperators = Number,
    name: TextOperators = Name,
    slug: TextOperators = Slug,
    description: TextOperators = Description,
    status: StatusOperators = Status,
    kind as "type": TextOperators = Type,
    owner: TextOperators = Owner,
    country_code: TextOperators = CountryCode,
    country: TextOperators = Country,
    state: TextOperators = State,
    city: TextOperators = City,
    address: TextOperators = Address,
    timezone: TextOperators = Timezone,
    email: TextOperators = Email,
    created_at: TimeOperators = CreatedAt,
    updated_at: TimeOperators = UpdatedAt,
    version: NumberOperators = Version,
}

impl Filter {
    /// The conditions that an organization must meet.
    pub(crate) fn tests(&self) -> Vec<Test> {
        let ops = self.ops().into_iter().flat_map(|(field, ops)| ops.into_iter().map(move |(_, op)| (field, op)));
        let mut tests: Vec<_> = ops.map(|(field, op)| Test::new(field, op)).collect();
        tests.extend(self.concat_like.as_ref().map(|given| Test::concat_like(&given.fields, &given.text)));
        tests
    }

    pub(crate) fn check(&self, problems: &mut Violations) {
        for (field, ops) in self.ops() {
            let name = name_of(field);
            if ops.is_empty() {
                problems.add(&format!("filter.{name}"), "required", "give at least one operator, with a value");
            }
            for (operator, op) in ops {
                check_op(&format!("filter.{name}.{operator}"), &op, problems);
            }
        }
        let Some(ConcatLike { fields, text }) = &self.concat_like else { return };
        if fields.is_empty() || !fields.iter().all(|field| field.is_text()) || has_twice(fields) {
            problems.add("filter.concatLike.fields", "invalid", "name one text field or more, each once");
        }
        check_text("filter.concatLike.text", text, problems);
    }
}

fn check_op(path: &str, op: &Op, problems: &mut Violations) {
    if let Op::Between(values) = op
        && values.len() != 2
    {
        problems.add(path, "invalid", "give two values: the least and the greatest");
    }
    if let Op::In(values) | Op::NotIn(values) = op
        && !(1..=limits::SEARCH_VALUES_MAX).contains(&values.len())
    {
        problems.add(path, "out_of_bounds", format!("give 1 to {} values", limits::SEARCH_VALUES_MAX));
    }
    for text in op.texts() {
        check_text(path, text, problems);
    }
}

pub(crate) fn check_text(path: &str, text: &str, problems: &mut Violations) {
    if text.chars().count() > limits::SEARCH_TEXT_CHARS_MAX {
        problems.add(path, "too_long", format!("give at most {} characters", limits::SEARCH_TEXT_CHARS_MAX));
    }
}

pub(crate) fn check_order(order: &[OrderBy], problems: &mut Violations) {
    let fields: Vec<_> = order.iter().map(|by| by.field).collect();
    if !(1..=limits::SEARCH_ORDER_MAX).contains(&fields.len()) {
        problems.add("order", "out_of_bounds", format!("give 1 to {} fields", limits::SEARCH_ORDER_MAX));
    } else if has_twice(&fields) {
        problems.add("order", "invalid", "name each field once");
    }
}

fn has_twice(fields: &[Field]) -> bool {
    fields.iter().enumerate().any(|(place, field)| fields[..place].contains(field))
}

/// The name of the field in requests.
fn name_of(field: Field) -> String {
    let name = serde_json::to_value(field).unwrap_or_default(); // a variant without content is a text
    name.as_str().unwrap_or_default().to_owned()
}
