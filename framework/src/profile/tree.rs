//! The layers of a profile, merged into one tree in which every value knows where it came from.

use std::collections::BTreeMap;
use std::fmt;

use toml_edit::{Document, Item, Value};

use super::ProfileError;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The profile file, line and column from 1.
    File {
        /// Line.
        line: usize,
        /// Column in characters.
        column: usize,
    },
    /// `--set`.
    Set,
    /// The environment variable of that name.
    Environment(String),
    /// The profile that ships with the system.
    Shipped,
}

impl Origin {
    /// The place among the layers: the greater wins.
    pub(super) fn strength(&self) -> u8 {
        match self {
            Self::Shipped => 0,
            Self::File { .. } => 1,
            Self::Environment(_) => 2,
            Self::Set => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { line, column } => write!(f, "line {line}, column {column}"),
            Self::Set => f.write_str("--set"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Shipped => f.write_str("the shipped profile"),
        }
    }
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) origin: Origin,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Table(BTreeMap<String, Node>),
    Array(Vec<Node>),
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Text from outside the file, typed by whoever reads it.
    Untyped(String),
}

impl Node {
    pub(super) fn table(origin: Origin) -> Self {
        Self {
            content: Content::Table(BTreeMap::new()),
            origin,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::Table(_) => "a table",
            Content::Array(_) => "a list",
            Content::String(_) | Content::Untyped(_) => "a string",
            Content::Integer(_) => "an integer",
            Content::Float(_) => "a float",
            Content::Boolean(_) => "a boolean",
        }
    }

    /// Reads a file's text, or the shipped profile's.
    pub(super) fn parse(text: &str, shipped: bool) -> Result<Self, ProfileError> {
        let place = |offset: Option<usize>| match offset {
            _ if shipped => Origin::Shipped,
            Some(offset) => position(text, offset),
            None => Origin::File { line: 1, column: 1 },
        };
        let document = Document::parse(text).map_err(|error| ProfileError::Syntax {
            place: place(error.span().map(|span| span.start)),
            reason: error.message().to_owned(),
        })?;
        from_table(document.as_table(), &place, place(Some(0)))
    }

    /// Lays `over` on top: tables merge key by key, everything else is replaced.
    pub(super) fn overlay(&mut self, over: Self) {
        match (&mut self.content, over.content) {
            (Content::Table(below), Content::Table(above)) => {
                for (key, node) in above {
                    match below.get_mut(&key) {
                        Some(old) => old.overlay(node),
                        None => {
                            below.insert(key, node);
                        }
                    }
                }
                self.origin = over.origin;
            }
            (_, content) => {
                *self = Self {
                    content,
                    origin: over.origin,
                }
            }
        }
    }

    /// Sets `a.b.c` to untyped text.
    pub(super) fn set(
        &mut self,
        path: &str,
        text: &str,
        origin: &Origin,
    ) -> Result<(), ProfileError> {
        let bad = |reason: &str| ProfileError::Value {
            path: path.into(),
            place: origin.clone(),
            reason: reason.into(),
        };
        let mut node = self;
        for key in path.split('.') {
            if key.is_empty() {
                return Err(bad("a key is empty; write --set table.key=value"));
            }
            let Content::Table(table) = &mut node.content else {
                return Err(bad("it leads through a value that is no table"));
            };
            node = table
                .entry(key.into())
                .or_insert_with(|| Self::table(origin.clone()));
        }
        *node = Self {
            content: Content::Untyped(text.into()),
            origin: origin.clone(),
        };
        Ok(())
    }

    /// Takes the table `key` out of this one.
    pub(super) fn take(&mut self, key: &str) -> Option<Self> {
        match &mut self.content {
            Content::Table(table) => table.remove(key),
            _ => None,
        }
    }

    /// Takes what stands at `a.b.c`.
    pub(super) fn take_at(&mut self, path: &str) -> Option<Self> {
        let Some((key, rest)) = path.split_once('.') else {
            return self.take(path);
        };
        match &mut self.content {
            Content::Table(table) => table.get_mut(key)?.take_at(rest),
            _ => None,
        }
    }

    /// Puts `node` under `key`: it wins over what is there.
    pub(super) fn put(&mut self, key: &str, node: Self) {
        if let Content::Table(table) = &mut self.content {
            match table.get_mut(key) {
                Some(old) => old.overlay(node),
                None => drop(table.insert(key.into(), node)),
            }
        }
    }

    /// What stands at `a.b.c`.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        path.split('.')
            .try_fold(self, |node, key| match &node.content {
                Content::Table(table) => table.get(key),
                _ => None,
            })
    }

    /// The text under `key`, whatever its type.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let Content::Table(table) = &self.content else {
            return None;
        };
        match &table.get(key)?.content {
            Content::String(text) | Content::Untyped(text) => Some(text),
            _ => None,
        }
    }
}

type Place<'a> = &'a dyn Fn(Option<usize>) -> Origin;

fn from_table(
    table: &dyn toml_edit::TableLike,
    place: Place<'_>,
    origin: Origin,
) -> Result<Node, ProfileError> {
    let mut map = BTreeMap::new();
    for (key, item) in table.iter() {
        let span = table
            .key(key)
            .and_then(toml_edit::Key::span)
            .or_else(|| item.span());
        let origin = place(span.map(|span| span.start));
        map.insert(key.to_owned(), from_item(item, place, origin)?);
    }
    Ok(Node {
        content: Content::Table(map),
        origin,
    })
}

fn from_item(item: &Item, place: Place<'_>, origin: Origin) -> Result<Node, ProfileError> {
    if let Some(tables) = item.as_array_of_tables() {
        let nodes = tables.iter().map(|table| {
            let origin = place(table.span().map(|span| span.start));
            from_table(table, place, origin)
        });
        let content = Content::Array(nodes.collect::<Result<_, _>>()?);
        return Ok(Node { content, origin });
    }
    match item {
        Item::Value(value) => from_value(value, place, origin),
        item => match item.as_table_like() {
            Some(table) => from_table(table, place, origin),
            None => Ok(Node::table(origin)),
        },
    }
}

fn from_value(value: &Value, place: Place<'_>, origin: Origin) -> Result<Node, ProfileError> {
    let content = match value {
        Value::String(text) => Content::String(text.value().clone()),
        Value::Integer(number) => Content::Integer(*number.value()),
        Value::Float(number) => Content::Float(*number.value()),
        Value::Boolean(flag) => Content::Boolean(*flag.value()),
        Value::Datetime(moment) => Content::String(moment.value().to_string()),
        Value::InlineTable(table) => return from_table(table, place, origin),
        Value::Array(array) => {
            let nodes = array.iter().map(|value| {
                let origin = place(value.span().map(|span| span.start));
                from_value(value, place, origin)
            });
            Content::Array(nodes.collect::<Result<_, _>>()?)
        }
    };
    Ok(Node { content, origin })
}

/// Reads text from outside the file as the TOML value it looks like, else as a string.
pub(super) fn guess(text: &str, origin: &Origin) -> Node {
    let value = text.parse::<Value>().ok();
    let place = |_: Option<usize>| origin.clone();
    value
        .and_then(|value| from_value(&value, &place, origin.clone()).ok())
        .unwrap_or_else(|| Node {
            content: Content::String(text.into()),
            origin: origin.clone(),
        })
}

fn position(text: &str, offset: usize) -> Origin {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(1, |tail| tail.chars().count() + 1);
    Origin::File { line, column }
}
