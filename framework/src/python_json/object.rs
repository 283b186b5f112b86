//! Keeps the entries of an object in the order a Python `dict` would.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use super::Json;

/// Holds named values in the order in which the names first came.
///
/// A name that comes again keeps its first place and takes the last value, as in a Python `dict`.
/// Looking up and inserting take logarithmic time whatever names the peer chose, since nothing is
/// hashed.
#[derive(Clone, Default)]
pub struct Object {
    entries: Vec<(Arc<str>, Json)>,
    /// Where each name stands in `entries`.
    places: BTreeMap<Arc<str>, usize>,
}

impl Object {
    /// Makes an object without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of a name, and returns the value it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Json>) -> Option<Json> {
        let (name, value) = (name.into(), value.into());
        let held = self
            .places
            .get(name.as_str())
            .and_then(|place| self.entries.get_mut(*place));
        if let Some((_, held)) = held {
            return Some(mem::replace(held, value));
        }
        let name = Arc::<str>::from(name);
        self.places.insert(Arc::clone(&name), self.entries.len());
        self.entries.push((name, value));
        None
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let place = self.places.get(name)?;
        self.entries.get(*place).map(|(_, value)| value)
    }

    /// Takes an entry out, in linear time, and leaves the others in their order.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let gap = self.places.remove(name)?;
        for place in self.places.values_mut().filter(|place| **place > gap) {
            *place -= 1;
        }
        let (_, value) = self.entries.remove(gap);
        Some(value)
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Visits the entries in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    /// Visits the names in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| &**name)
    }
}

impl<Name: Into<String>, Value: Into<Json>> FromIterator<(Name, Value)> for Object {
    fn from_iter<Entries: IntoIterator<Item = (Name, Value)>>(entries: Entries) -> Self {
        let mut object = Self::new();
        for (name, value) in entries {
            object.insert(name, value);
        }
        object
    }
}

impl PartialEq for Object {
    /// Compares as Python compares `dict`s: the order of the entries does not count.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Eq for Object {}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Object {
        [("c", 1_u64), ("a", 2), ("b", 3)].into_iter().collect()
    }

    fn keys(object: &Object) -> Vec<&str> {
        object.keys().collect()
    }

    #[test]
    fn entries_stay_in_the_order_they_came() {
        assert_eq!(keys(&letters()), ["c", "a", "b"]);
        assert_eq!(letters().iter().last(), Some(("b", &Json::from(3_u64))));
        assert_eq!(letters().len(), 3);
        assert!(!letters().is_empty());
        assert!(Object::new().is_empty());
    }

    #[test]
    fn a_name_that_comes_again_keeps_its_place_and_takes_the_last_value() {
        let mut object = letters();
        assert_eq!(object.insert("c", "again"), Some(Json::from(1_u64)));
        assert_eq!(keys(&object), ["c", "a", "b"]);
        assert_eq!(object.get("c"), Some(&Json::from("again")));
        assert_eq!(object.insert("d", Json::Null), None);
    }

    #[test]
    fn a_removed_entry_leaves_the_others_in_their_order() {
        let mut object = letters();
        assert_eq!(object.remove("a"), Some(Json::from(2_u64)));
        assert_eq!(object.remove("a"), None);
        assert_eq!(keys(&object), ["c", "b"]);
        assert_eq!(object.get("c"), Some(&Json::from(1_u64)));
        assert_eq!(object.get("a"), None);
        assert_eq!(object.get("b"), Some(&Json::from(3_u64)));
    }

    #[test]
    fn a_name_that_returns_after_removal_goes_to_the_end() {
        let mut object = letters();
        object.remove("c");
        object.insert("c", 4_u64);
        assert_eq!(keys(&object), ["a", "b", "c"]);
        assert_eq!(object.get("c"), Some(&Json::from(4_u64)));
    }

    #[test]
    fn the_order_does_not_count_in_a_comparison_but_everything_else_does() {
        let sorted: Object = [("a", 2_u64), ("b", 3), ("c", 1)].into_iter().collect();
        assert_eq!(letters(), sorted);
        for (name, value) in [("a", 9_u64), ("d", 3)] {
            let mut other = sorted.clone();
            other.insert(name, value);
            assert_ne!(letters(), other);
        }
        let mut renamed = sorted;
        renamed.remove("a");
        renamed.insert("A", 2_u64);
        assert_ne!(letters(), renamed);
    }

    #[test]
    fn the_debug_form_shows_names_and_values_only() {
        let object: Object = [("a", true)].into_iter().collect();
        assert_eq!(format!("{object:?}"), r#"{"a": Bool(true)}"#);
    }
}
