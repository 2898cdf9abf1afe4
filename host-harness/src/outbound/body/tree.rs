//! The places of a body shape, as a tree along which a body is walked.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{BodyMisfit, BodyShapeError, Why};
use super::types::Type;
use super::variables::LIST_MAX;
use crate::json_path::{PathStep, Pattern, Wanted};

/// The places of a body shape, with their types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree {
    root: BodyNode,
    /// Pointers to the constants, with their words. Only these tell one shape from another.
    constants: Vec<(String, String)>,
    content: Option<String>,
}

/// Contents that a place may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum BodyNode {
    /// Not determined yet.
    #[default]
    Open,
    Value(Type),
    Object(BTreeMap<String, Self>),
    List(Box<Self>),
}

impl Tree {
    /// Parses places and their types.
    pub(super) fn parse(section: &BTreeMap<String, String>) -> Result<Self, BodyShapeError> {
        let mut tree = Self {
            root: BodyNode::Object(BTreeMap::new()),
            ..Self::default()
        };
        for (at, ty) in section {
            let pattern = Pattern::parse(at)?;
            let ty = Type::parse(ty).ok_or_else(|| BodyShapeError::Type {
                at: at.clone(),
                ty: ty.clone(),
            })?;
            if let Some(word) = ty.constant()
                && pattern.steps().iter().all(|step| *step != Wanted::Item)
            {
                tree.constants.push((at.clone(), word.to_owned()));
            }
            if matches!(ty, Type::Content(_)) {
                tree.content = Some(at.clone());
            }
            let overlap = || BodyShapeError::Overlap(at.clone());
            let mut node = &mut tree.root;
            for step in pattern.steps() {
                node = node.below(step).ok_or_else(overlap)?;
            }
            match node {
                BodyNode::Open => *node = BodyNode::Value(ty),
                _ => return Err(overlap()),
            }
        }
        Ok(tree)
    }

    /// Returns a place of type `content`, if there is one.
    pub(super) fn content(&self) -> Option<&str> {
        self.content.as_deref()
    }

    /// Returns the type at a place.
    pub(super) fn type_at(&self, place: &[PathStep<'_>]) -> Option<&Type> {
        let mut node = &self.root;
        for step in place {
            node = match (node, step) {
                (BodyNode::Object(members), PathStep::Name(name)) => members.get(*name)?,
                (BodyNode::List(item), PathStep::Index(_)) => item,
                _ => return None,
            };
        }
        match node {
            BodyNode::Value(ty) => Some(ty),
            _ => None,
        }
    }

    /// Returns true if it has a constant that identifies it.
    pub(super) fn is_known(&self) -> bool {
        !self.constants.is_empty()
    }

    /// Returns true if a value has all constants of this shape.
    pub(super) fn is_meant(&self, value: &Value) -> bool {
        (self.constants.iter())
            .all(|(at, word)| value.pointer(at).and_then(Value::as_str) == Some(word.as_str()))
    }

    /// Calls `visit` for each value of a body, with its place and type. `at` is the pointer to the
    /// body.
    pub(super) fn walk(
        &self,
        body: &Value,
        at: &str,
        visit: &mut dyn FnMut(&str, &Type, &Value) -> Result<(), BodyMisfit>,
    ) -> Result<(), BodyMisfit> {
        self.root.walk(body, at, visit)
    }

    /// Calls `visit` for each value of a body, which it may change.
    pub(super) fn walk_mut(
        &self,
        body: &mut Value,
        at: &str,
        visit: &mut dyn FnMut(&str, &Type, &mut Value) -> Result<(), BodyMisfit>,
    ) -> Result<(), BodyMisfit> {
        self.root.walk_mut(body, at, visit)
    }
}

impl BodyNode {
    /// Returns the node one step further, which is created if need be; `None` if the place already
    /// has another form.
    fn below(&mut self, step: &Wanted) -> Option<&mut Self> {
        if *self == Self::Open {
            *self = match step {
                Wanted::Name(_) => Self::Object(BTreeMap::new()),
                Wanted::Item => Self::List(Box::default()),
            };
        }
        match (self, step) {
            (Self::Object(members), Wanted::Name(name)) => {
                Some(members.entry(name.clone()).or_default())
            }
            (Self::List(item), Wanted::Item) => Some(item),
            _ => None,
        }
    }

    fn walk(
        &self,
        value: &Value,
        at: &str,
        visit: &mut dyn FnMut(&str, &Type, &Value) -> Result<(), BodyMisfit>,
    ) -> Result<(), BodyMisfit> {
        match (self, value) {
            (Self::Value(ty), value) => visit(at, ty, value),
            (Self::Object(nodes), Value::Object(members)) => {
                members.iter().try_for_each(|(name, value)| {
                    let node = nodes.get(name).ok_or_else(|| Why::Member.at(shown(at)))?;
                    node.walk(value, &format!("{at}/{name}"), visit)
                })
            }
            (Self::List(node), Value::Array(items)) if items.len() <= LIST_MAX => {
                (items.iter().enumerate())
                    .try_for_each(|(index, item)| node.walk(item, &format!("{at}/{index}"), visit))
            }
            (node, value) => Err(node.unfit(at, value)),
        }
    }

    fn walk_mut(
        &self,
        value: &mut Value,
        at: &str,
        visit: &mut dyn FnMut(&str, &Type, &mut Value) -> Result<(), BodyMisfit>,
    ) -> Result<(), BodyMisfit> {
        match (self, value) {
            (Self::Value(ty), value) => visit(at, ty, value),
            (Self::Object(nodes), Value::Object(members)) => {
                members.iter_mut().try_for_each(|(name, value)| {
                    let node = nodes.get(name).ok_or_else(|| Why::Member.at(shown(at)))?;
                    node.walk_mut(value, &format!("{at}/{name}"), visit)
                })
            }
            (Self::List(node), Value::Array(items)) if items.len() <= LIST_MAX => (items
                .iter_mut()
                .enumerate())
            .try_for_each(|(index, item)| node.walk_mut(item, &format!("{at}/{index}"), visit)),
            (node, value) => Err(node.unfit(at, value)),
        }
    }

    fn unfit(&self, at: &str, value: &Value) -> BodyMisfit {
        let why = match (self, value) {
            (Self::List(_), Value::Array(_)) => Why::Size,
            (Self::List(_), _) => Why::Form("a list"),
            _ => Why::Form("an object"),
        };
        why.at(shown(at))
    }
}

/// Returns a pointer as errors show it: the empty one, to the whole body, would be invisible.
fn shown(at: &str) -> &str {
    if at.is_empty() { "/" } else { at }
}
