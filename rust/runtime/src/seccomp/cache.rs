//! Filters that have been compiled once, for a process that starts many programs.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::default::{RELEVANT_CAPABILITIES, default_profile};
use super::spec::Seccomp;
use super::{Filter, compile};
use crate::error::Error;

/// How many are kept; whoever has more profiles than that compiles each time.
const MOST_KEPT: usize = 64;

type Cache<K> = LazyLock<Mutex<HashMap<K, Arc<Filter>>>>;

static COMPILED: Cache<Seccomp> = LazyLock::new(Mutex::default);
static COMPILED_DEFAULT: Cache<u64> = LazyLock::new(Mutex::default);

/// As [`compile`], and only once for equal specs.
///
/// # Errors
/// As [`compile`].
pub fn compiled(seccomp: &Seccomp) -> Result<Arc<Filter>, Error> {
    kept(&COMPILED, seccomp, || compile(seccomp))
}

/// The filter of [`default_profile`], compiled only once for equal capabilities.
///
/// # Errors
/// As [`compile`].
pub fn compiled_default(capabilities: u64) -> Result<Arc<Filter>, Error> {
    let relevant = capabilities & RELEVANT_CAPABILITIES;
    kept(&COMPILED_DEFAULT, &relevant, || compile(&default_profile(relevant)))
}

/// A poisoned cache is as good as before: an entry is made before it is put in.
fn kept<K: Clone + Eq + Hash>(
    cache: &Cache<K>,
    key: &K,
    make: impl FnOnce() -> Result<Filter, Error>,
) -> Result<Arc<Filter>, Error> {
    if let Some(filter) = cache.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
        return Ok(Arc::clone(filter));
    }
    let filter = Arc::new(make()?);
    let mut entries = cache.lock().unwrap_or_else(PoisonError::into_inner);
    if entries.len() < MOST_KEPT {
        entries.insert(key.clone(), Arc::clone(&filter));
    }
    Ok(filter)
}
