//! From a schema of the document to values at its bounds: those that it allows, and those that it just does not.

use serde_json::{Map, Value, json};

use super::words;

/// A value, and what differs in it: the path as a refusal names it.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) path: String,
    pub(super) value: Value,
}

impl Sample {
    fn here(value: Value) -> Self {
        Self { path: String::new(), value }
    }

    /// The same inside of something.
    fn inside(&self, step: &str, value: Value) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{step}{separator}{}", self.path), value }
    }
}

/// The whole document, for its references.
#[derive(Clone, Copy)]
pub(super) struct Document<'d>(pub(super) &'d Value);

impl<'d> Document<'d> {
    /// The schema itself in the place of a reference, and whether `null` is allowed beside it.
    fn resolved(self, schema: &'d Value) -> (&'d Value, bool) {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.resolved(self.0.pointer(&reference[1..]).unwrap());
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let is_null = |choice: &&Value| choice["type"] == "null";
            let others: Vec<_> = choices.iter().filter(|choice| !is_null(choice)).collect();
            assert_eq!(others.len(), 1, "this test knows no choice but that with null: {schema}");
            return (self.resolved(others[0]).0, choices.iter().any(|choice| is_null(&choice)));
        }
        (schema, schema["type"].as_array().is_some_and(|types| types.contains(&json!("null"))))
    }

    fn kind(schema: &Value) -> &str {
        let several = schema["type"].as_array().into_iter().flatten();
        let mut kinds = several.chain([&schema["type"]]).filter_map(Value::as_str).filter(|kind| *kind != "null");
        kinds.next().unwrap_or_else(|| panic!("a schema without a type: {schema}"))
    }

    /// Values that the schema allows, the plainest first; `field` is what they are for.
    pub(super) fn valid(self, schema: &'d Value, field: &str) -> Vec<Value> {
        let (schema, nullable) = self.resolved(schema);
        let mut values = match Self::kind(schema) {
            "boolean" => vec![json!(true), json!(false)],
            "integer" => integers(schema),
            "string" => texts(schema, field),
            "array" => self.lists(schema, field),
            "object" if schema["properties"].is_object() => self.objects(schema),
            "object" => vec![json!({}), json!({ "any": [1, null, { "thing": "" }] })],
            other => panic!("this test knows no {other}"),
        };
        if nullable {
            values.push(Value::Null);
        }
        values
    }

    fn lists(self, schema: &'d Value, field: &str) -> Vec<Value> {
        let item = self.valid(&schema["items"], field).swap_remove(0);
        let bound = |name: &str, default: u64| schema[name].as_u64().unwrap_or(default);
        let lengths = [bound("minItems", 1).max(1), bound("minItems", 0), bound("maxItems", 3)];
        let list = |length: u64| {
            let length = usize::try_from(length).unwrap();
            let items = words::different(field).unwrap_or_else(|| vec![item.clone(); length]);
            Value::Array(items.into_iter().take(length).collect())
        };
        lengths.map(list).to_vec()
    }

    /// The least that is allowed, and then with each other field at each of its bounds.
    fn objects(self, schema: &'d Value) -> Vec<Value> {
        let least = self.least(schema);
        let mut values = vec![Value::Object(least.clone())];
        for (name, property) in schema["properties"].as_object().unwrap() {
            for value in self.valid(property, name) {
                // Words want it, or another in its place.
                if value.is_null() && least.contains_key(name) {
                    continue;
                }
                let mut whole = least.clone();
                if !value.is_null() {
                    words::make_way(name, &mut whole);
                }
                whole.insert(name.clone(), value);
                values.push(Value::Object(whole));
            }
        }
        values
    }

    fn least(self, schema: &'d Value) -> Map<String, Value> {
        let properties = schema["properties"].as_object().unwrap();
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let fields = required.map(|name| (name.to_owned(), self.valid(&properties[name], name).swap_remove(0)));
        let mut least = fields.collect();
        words::complete(properties, &mut least);
        least
    }

    /// Values that the schema just does not allow: one deviation each.
    pub(super) fn invalid(self, schema: &'d Value, field: &str) -> Vec<Sample> {
        let (schema, nullable) = self.resolved(schema);
        let kind = Self::kind(schema);
        let wrong = [("string", json!("x")), ("integer", json!(7)), ("array", json!([])), ("object", json!({}))];
        let others = wrong.into_iter().filter(|(other, _)| *other != kind).map(|(_, value)| Sample::here(value));
        let mut samples: Vec<_> = others.collect();
        if !nullable {
            samples.push(Sample::here(Value::Null));
        }
        match kind {
            "integer" => samples.extend(integers_beyond(schema).map(Sample::here)),
            "string" => samples.extend(texts_beyond(schema).into_iter().map(Sample::here)),
            "array" => samples.extend(self.lists_beyond(schema, field)),
            "object" if schema["properties"].is_object() => samples.extend(self.objects_beyond(schema)),
            _ => {}
        }
        samples
    }

    fn lists_beyond(self, schema: &'d Value, field: &str) -> Vec<Sample> {
        let item = self.valid(&schema["items"], field).swap_remove(0);
        let lengths = [
            schema["minItems"].as_u64().and_then(|least| least.checked_sub(1)),
            schema["maxItems"].as_u64().map(|most| most + 1),
        ];
        let lengths = lengths.into_iter().flatten().map(|length| vec![item.clone(); usize::try_from(length).unwrap()]);
        let mut samples: Vec<_> = lengths.map(|items| Sample::here(Value::Array(items))).collect();
        let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(1).max(1)).unwrap();
        for sample in self.invalid(&schema["items"], field) {
            let mut items = vec![item.clone(); least];
            items[least - 1] = sample.value.clone();
            samples.push(sample.inside(&format!("[{}]", least - 1), Value::Array(items)));
        }
        samples
    }

    fn objects_beyond(self, schema: &'d Value) -> Vec<Sample> {
        assert_eq!(schema["additionalProperties"], false, "an input that allows unknown fields: {schema}");
        let least = self.least(schema);
        let with = |name: &str, value: Value| {
            let mut whole = least.clone();
            words::make_way(name, &mut whole);
            whole.insert(name.to_owned(), value);
            Value::Object(whole)
        };
        let mut samples = vec![Sample { path: "unheardOf".to_owned(), value: with("unheardOf", json!(1)) }];
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut less = least.clone();
            less.remove(name);
            samples.push(Sample { path: name.to_owned(), value: Value::Object(less) });
        }
        for (name, property) in schema["properties"].as_object().unwrap() {
            for sample in self.invalid(property, name) {
                samples.push(sample.inside(name, with(name, sample.value.clone())));
            }
        }
        samples
    }
}

fn bound(schema: &Value, name: &str) -> Option<i64> {
    schema[name].as_i64()
}

fn integers(schema: &Value) -> Vec<Value> {
    let (least, most) = (bound(schema, "minimum").unwrap_or(0), bound(schema, "maximum").unwrap_or(1_000));
    // A whole number is one however it is written.
    let written = serde_json::from_str::<Value>(&format!("{most}.0")).unwrap();
    vec![json!(least), json!(most), written]
}

fn integers_beyond(schema: &Value) -> impl Iterator<Item = Value> {
    let below = bound(schema, "minimum").map(|least| json!(least - 1));
    let above = bound(schema, "maximum").map(|most| json!(most + 1));
    below.into_iter().chain(above).chain([json!(1.5)])
}

/// A text of so many characters, and one of as many that take more than a byte each.
fn of_length(length: i64) -> [Value; 2] {
    let length = usize::try_from(length).unwrap();
    [json!("x".repeat(length)), json!("\u{e9}".repeat(length))]
}

fn texts(schema: &Value, field: &str) -> Vec<Value> {
    if let Some(values) = words::texts(field, schema) {
        return values;
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.clone();
    }
    if let Some(format) = schema["format"].as_str().filter(|format| *format != "password") {
        return words::of_format(format).0;
    }
    let bounds = [bound(schema, "minLength"), bound(schema, "maxLength")];
    let at_bounds = bounds.into_iter().flatten().filter(|length| *length > 0).flat_map(of_length);
    at_bounds.chain([json!("some text")]).collect()
}

fn texts_beyond(schema: &Value) -> Vec<Value> {
    let mut values = Vec::new();
    if schema["enum"].is_array() {
        values.push(json!("unheard-of"));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        values.extend(words::breaking(pattern));
    }
    if let Some(format) = schema["format"].as_str().filter(|format| *format != "password") {
        values.extend(words::of_format(format).1);
    }
    if let Some(least) = bound(schema, "minLength") {
        values.extend(of_length(least - 1));
    }
    if let Some(most) = bound(schema, "maxLength") {
        values.extend(of_length(most + 1));
    }
    values
}
