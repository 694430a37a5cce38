//! What stays open between calls: each thing has a number that the next calls name it by.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

/// Things of one kind, by their numbers.
pub(super) struct Handles<T>(Mutex<Kept<T>>);

struct Kept<T> {
    last: u32,
    things: Vec<(u32, Arc<T>)>,
}

impl<T> Handles<T> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Kept { last: 0, things: Vec::new() }))
    }

    /// Keeps a thing; its number.
    pub(super) fn keep(&self, thing: T) -> u32 {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last = kept.last.wrapping_add(1);
        let number = kept.last;
        kept.things.push((number, Arc::new(thing)));
        number
    }

    /// The thing of a number.
    ///
    /// # Errors
    /// [`Error::Internal`] where there is none.
    pub(super) fn get(&self, number: u32) -> Result<Arc<T>, Error> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.things.iter().find(|(each, _)| *each == number).map(|(_, thing)| Arc::clone(thing));
        found.ok_or_else(|| Error::Internal { message: format!("nothing is open under number {number}") })
    }

    /// Gives a thing up.
    pub(super) fn take(&self, number: u32) -> Option<Arc<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.things.iter().position(|(each, _)| *each == number)?;
        Some(kept.things.swap_remove(place).1)
    }
}

/// Bytes as text that JSON can carry: the character U+00NN for each.
pub(super) fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The bytes of such a text.
///
/// # Errors
/// [`Error::Internal`] where a character stands for none.
pub(super) fn bytes_of(text: &str) -> Result<Vec<u8>, Error> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    bytes.map_err(|_| Error::Internal { message: "a text stands for no bytes".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_found_until_it_is_given_up() {
        let handles = Handles::new();
        let (one, other) = (handles.keep("one"), handles.keep("other"));
        assert_eq!(*handles.get(one).unwrap(), "one");
        assert_eq!(handles.take(one).as_deref(), Some(&"one"));
        assert!(handles.get(one).is_err() && handles.take(one).is_none());
        assert_eq!(*handles.get(other).unwrap(), "other");
    }

    #[test]
    fn bytes_are_what_they_were() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes_of(&text_of(&all)).unwrap(), all);
        assert!(bytes_of("\u{100}").is_err());
    }
}
