//! Which format a file has, and the joining of an ACVP prompt with its expected results.

use std::collections::BTreeMap;

use super::case::VectorFile;
use super::error::VectorError;
use super::json::{self, Fields, Node, Object, Place};
use super::{MAX_FILE_BYTES, acvp, wycheproof};

/// A file of vectors, or one half of it.
pub enum Document<'a> {
    /// Everything is there.
    Whole(VectorFile),
    /// An ACVP prompt: what to do.
    Prompt(Half<'a>),
    /// ACVP results: what comes out.
    Results(Half<'a>),
}

/// One half of an ACVP set of vectors.
pub struct Half<'a> {
    set: Object<'a>,
    identity: Identity,
}

/// What both halves of a set say of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    number: Option<u64>,
    name: String,
}

impl Half<'_> {
    /// What it is of: `ML-KEM keyGen FIPS203`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// Whether `other` says of itself that it is of the same set.
    #[must_use]
    pub fn belongs_to(&self, other: &Half<'_>) -> bool {
        self.identity == other.identity
    }
}

impl<'a> Document<'a> {
    /// Recognises a file by its content.
    ///
    /// # Errors
    /// [`VectorError`].
    pub fn read(json: &'a [u8]) -> Result<Self, VectorError> {
        if json.len() > MAX_FILE_BYTES {
            return Err(VectorError::TooLarge {
                got: json.len(),
                limit: MAX_FILE_BYTES,
            });
        }
        let set = match json::parse(json)? {
            Node::Object(set) => set,
            // ACVP sends an array: its version, then the set.
            Node::List(mut list) => match list.pop() {
                Some(Node::Object(set)) => set,
                _ => return Err(VectorError::NotVectors),
            },
            _ => return Err(VectorError::NotVectors),
        };
        let fields = Fields::new(&set, Place::default());
        if !fields.has("algorithm") || !fields.has("testGroups") {
            return Err(VectorError::NotVectors);
        }
        if fields.has("schema") || fields.has("numberOfTests") {
            return wycheproof::read(&fields).map(Self::Whole);
        }
        if !fields.has("mode") && !fields.has("revision") && !fields.has("vsId") {
            return Err(VectorError::NotVectors);
        }
        let part = acvp::part(&fields)?;
        let identity = Identity {
            number: fields.optional_number("vsId")?,
            name: acvp::title(&fields)?,
        };
        match part {
            acvp::Part::Whole => acvp::read(&fields).map(Self::Whole),
            acvp::Part::Prompt => Ok(Self::Prompt(Half { set, identity })),
            acvp::Part::Results => Ok(Self::Results(Half { set, identity })),
        }
    }
}

/// Joins a prompt with its expected results, group by group and case by case.
///
/// # Errors
/// [`VectorError::NotAPair`], and what a complete file can be refused for.
pub fn pair(prompt: Half<'_>, results: Half<'_>) -> Result<VectorFile, VectorError> {
    if !prompt.belongs_to(&results) {
        let (one, other) = (prompt.identity.name, results.identity.name);
        let why = format!("one is of {one}, the other of {other}, or their vsId differ");
        return Err(VectorError::NotAPair(why));
    }
    let (mut set, mut results) = (prompt.set, results.set);
    let mut groups = take(&mut results, "testGroups", "tgId", Place::default())?;
    let mut joined = Vec::new();
    for (number, mut group) in take(&mut set, "testGroups", "tgId", Place::default())? {
        let place = Place {
            group: Some(number),
            case: None,
        };
        let mut theirs = find(&mut groups, number, place)?;
        let mut tests = take(&mut theirs, "tests", "tcId", place)?;
        let mut cases = Vec::new();
        for (number, mut case) in take(&mut group, "tests", "tcId", place)? {
            let place = Place {
                case: Some(number),
                ..place
            };
            let result = find(&mut tests, number, place)?;
            unite(&mut case, result, place)?;
            cases.push(Node::Object(case));
        }
        nothing_left(&tests, place)?;
        unite(&mut group, theirs, place)?;
        group.insert("tests".into(), Node::List(cases));
        joined.push(Node::Object(group));
    }
    nothing_left(&groups, Place::default())?;
    set.insert("testGroups".into(), Node::List(joined));
    acvp::read(&Fields::new(&set, Place::default()))
}

/// Takes a list of objects out of an object, by the number that each has.
fn take<'a>(
    object: &mut Object<'a>,
    list: &'static str,
    number: &'static str,
    place: Place,
) -> Result<BTreeMap<u64, Object<'a>>, VectorError> {
    let bad = |problem| Err(Fields::new(&Object::new(), place).error(list, problem));
    let Some(Node::List(nodes)) = object.remove(list) else {
        return bad("is not a list of objects");
    };
    let mut found = BTreeMap::new();
    for node in nodes {
        let Node::Object(object) = node else {
            return bad("is not a list of objects");
        };
        let number = Fields::new(&object, place).number(number)?;
        if found.insert(number, object).is_some() {
            return bad("has two entries of one number");
        }
    }
    Ok(found)
}

fn find<'a>(
    all: &mut BTreeMap<u64, Object<'a>>,
    number: u64,
    place: Place,
) -> Result<Object<'a>, VectorError> {
    let found = all.remove(&number);
    found.ok_or_else(|| VectorError::NotAPair(format!("there are no results for {place}")))
}

fn nothing_left(all: &BTreeMap<u64, Object<'_>>, place: Place) -> Result<(), VectorError> {
    match all.keys().next() {
        None => Ok(()),
        Some(number) => {
            let why = format!("in {place}, the results have a number {number} and the prompt none");
            Err(VectorError::NotAPair(why))
        }
    }
}

/// Adds the values of `from`; what both have must be equal.
fn unite<'a>(into: &mut Object<'a>, from: Object<'a>, place: Place) -> Result<(), VectorError> {
    for (name, value) in from {
        if into.get(&name).is_some_and(|known| *known != value) {
            let why = format!("{place}: prompt and results differ in `{name}`");
            return Err(VectorError::NotAPair(why));
        }
        into.insert(name, value);
    }
    Ok(())
}
