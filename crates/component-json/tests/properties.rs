//! Properties of the JSON mapping: what goes in comes out, and nothing that comes in breaks it.

use component_json::shape::{CaseShape, FieldShape, Int, RecordShape, Shape, camel_case};
use component_json::{from_component, measure, schema, to_component};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use wasmtime::component::Val;

/// Distinct names as WIT has them.
fn names(count: usize) -> Vec<String> {
    ["alpha", "beta-two", "case", "value", "delta-x-y", "epsilon"]
        .iter()
        .take(count)
        .map(|n| (*n).to_owned())
        .collect()
}

fn int() -> impl Strategy<Value = Int> {
    proptest::sample::select(vec![
        Int::S8,
        Int::U8,
        Int::S16,
        Int::U16,
        Int::S32,
        Int::U32,
        Int::S64,
        Int::U64,
    ])
}

/// Any shape that a component's type can have.
fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Bool),
        int().prop_map(Shape::Int),
        Just(Shape::Float32),
        Just(Shape::Float64),
        Just(Shape::Char),
        Just(Shape::String),
        (1_usize..6).prop_map(|count| Shape::Enum(names(count))),
        (1_usize..6).prop_map(|count| Shape::Flags(names(count))),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let boxed = |shape: Option<Shape>| shape.map(Box::new);
        prop_oneof![
            inner.clone().prop_map(|shape| Shape::List(Box::new(shape))),
            vec(inner.clone(), 1..4).prop_map(Shape::Tuple),
            inner
                .clone()
                .prop_filter("no option inside an option", |shape| !matches!(
                    shape,
                    Shape::Option(_)
                ))
                .prop_map(|shape| Shape::Option(Box::new(shape))),
            vec(inner.clone(), 1..5).prop_map(record),
            vec(proptest::option::of(inner.clone()), 1..5).prop_map(|payloads| {
                let case = |(name, payload)| CaseShape {
                    name,
                    docs: None,
                    payload,
                };
                Shape::Variant(
                    names(payloads.len())
                        .into_iter()
                        .zip(payloads)
                        .map(case)
                        .collect(),
                )
            }),
            (
                proptest::option::of(inner.clone()),
                proptest::option::of(inner)
            )
                .prop_map(move |(ok, err)| Shape::Result(boxed(ok), boxed(err))),
        ]
    })
}

fn record(shapes: Vec<Shape>) -> Shape {
    let field = |(wit, shape): (String, Shape)| FieldShape {
        json: camel_case(&wit),
        wit,
        docs: None,
        shape,
    };
    Shape::Record(RecordShape {
        docs: None,
        fields: names(shapes.len())
            .into_iter()
            .zip(shapes)
            .map(field)
            .collect(),
    })
}

/// Any value of a shape.
fn value(shape: &Shape) -> BoxedStrategy<Val> {
    let boxed = |shape: &Shape| value(shape).prop_map(Box::new).boxed();
    let maybe = |shape: &Option<Box<Shape>>| match shape {
        Some(shape) => boxed(shape).prop_map(Some).boxed(),
        None => Just(None).boxed(),
    };
    match shape {
        Shape::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Shape::Int(Int::S8) => any::<i8>().prop_map(Val::S8).boxed(),
        Shape::Int(Int::U8) => any::<u8>().prop_map(Val::U8).boxed(),
        Shape::Int(Int::S16) => any::<i16>().prop_map(Val::S16).boxed(),
        Shape::Int(Int::U16) => any::<u16>().prop_map(Val::U16).boxed(),
        Shape::Int(Int::S32) => any::<i32>().prop_map(Val::S32).boxed(),
        Shape::Int(Int::U32) => any::<u32>().prop_map(Val::U32).boxed(),
        Shape::Int(Int::S64) => any::<i64>().prop_map(Val::S64).boxed(),
        Shape::Int(Int::U64) => any::<u64>().prop_map(Val::U64).boxed(),
        Shape::Float32 => any::<f32>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Val::Float32)
            .boxed(),
        Shape::Float64 => any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Val::Float64)
            .boxed(),
        Shape::Char => any::<char>().prop_map(Val::Char).boxed(),
        Shape::String => any::<String>().prop_map(Val::String).boxed(),
        Shape::List(item) => vec(value(item), 0..4).prop_map(Val::List).boxed(),
        Shape::Tuple(items) => items
            .iter()
            .map(value)
            .collect::<Vec<_>>()
            .prop_map(Val::Tuple)
            .boxed(),
        Shape::Record(record) => {
            let names: Vec<_> = record
                .fields
                .iter()
                .map(|field| field.wit.clone())
                .collect();
            let values: Vec<_> = record
                .fields
                .iter()
                .map(|field| value(&field.shape))
                .collect();
            values
                .prop_map(move |values| Val::Record(names.iter().cloned().zip(values).collect()))
                .boxed()
        }
        Shape::Variant(cases) => {
            let case = |case: &CaseShape| {
                let name = case.name.clone();
                maybe(&case.payload.clone().map(Box::new))
                    .prop_map(move |p| Val::Variant(name.clone(), p))
                    .boxed()
            };
            proptest::strategy::Union::new(cases.iter().map(case)).boxed()
        }
        Shape::Enum(names) => proptest::sample::select(names.clone())
            .prop_map(Val::Enum)
            .boxed(),
        Shape::Flags(names) => proptest::sample::subsequence(names.clone(), 0..=names.len())
            .prop_map(Val::Flags)
            .boxed(),
        Shape::Option(inner) => proptest::option::of(boxed(inner))
            .prop_map(Val::Option)
            .boxed(),
        Shape::Result(ok, err) => prop_oneof![
            maybe(ok).prop_map(|value| Val::Result(Ok(value))),
            maybe(err).prop_map(|value| Val::Result(Err(value))),
        ]
        .boxed(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(names(6)).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof![
            proptest::sample::select(vec!["alpha", "betaTwo", "case", "value", "ok", "err"])
                .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn values_survive_a_json_round_trip(
        (shape, val) in shape().prop_flat_map(|shape| { let v = value(&shape); (Just(shape), v) })
    ) {
        let text = from_component(&shape, &val).unwrap().to_string();
        let parsed: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(to_component(&shape, &parsed).unwrap(), val);
    }

    #[test]
    fn any_json_is_refused_or_round_trips(shape in shape(), json in any_json()) {
        let _ = measure(&json);
        if let Ok(val) = to_component(&shape, &json) {
            let back = from_component(&shape, &val).unwrap();
            prop_assert_eq!(to_component(&shape, &back).unwrap(), val);
        }
    }

    #[test]
    fn schemas_close_their_objects(shape in shape()) {
        fn closed(schema: &Value) -> bool {
            match schema {
                Value::Object(members) => {
                    let object = members.get("type") == Some(&Value::from("object"));
                    (!object || members.get("additionalProperties") == Some(&Value::Bool(false)))
                        && members.values().all(closed)
                }
                Value::Array(items) => items.iter().all(closed),
                _ => true,
            }
        }
        prop_assert!(closed(&schema(&shape)));
    }
}

#[test]
fn sizes_and_depth_are_refused_with_the_place() {
    let mut deep = Value::Null;
    for _ in 0..40 {
        deep = Value::Array(vec![deep]);
    }
    let many = Value::Array(vec![Value::from("x".repeat(60_000)); 5]);
    let long = serde_json::json!({"a": [1, "x".repeat(70_000)]});
    for (json, told) in [(deep, "deep"), (many, "together"), (long, "65536")] {
        let error = measure(&json).unwrap_err();
        assert!(error.reason.contains(told), "{error}");
    }
    assert_eq!(
        measure(&serde_json::json!({"a": [1, "x".repeat(70_000)]}))
            .unwrap_err()
            .field,
        "a[1]"
    );
    assert!(measure(&serde_json::json!({"a": "x".repeat(60_000)})).is_ok());
}

#[test]
fn large_integers_are_text_both_ways() {
    let shape = Shape::Int(Int::U64);
    for (number, json) in [
        (1_u64 << 53, serde_json::json!(1_u64 << 53)),
        ((1 << 53) + 1, serde_json::json!("9007199254740993")),
        (u64::MAX, serde_json::json!("18446744073709551615")),
    ] {
        assert_eq!(from_component(&shape, &Val::U64(number)).unwrap(), json);
        assert_eq!(to_component(&shape, &json).unwrap(), Val::U64(number));
    }
    assert!(to_component(&Shape::Int(Int::U32), &serde_json::json!("5")).is_err());
}
