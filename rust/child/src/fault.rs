//! A step that is made to fail: what a test asks for by the feature `faults`, and no other build knows of.

#[cfg(feature = "faults")]
use crate::step::Failure;
use crate::sys::Errno;

/// A step that fails in place of what it would have done; without the feature `faults` there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fault {
    #[cfg(feature = "faults")]
    failure: Option<Failure>,
}

impl Fault {
    /// Whether this build knows of any.
    pub const IS_POSSIBLE: bool = cfg!(feature = "faults");
}

#[cfg(feature = "faults")]
impl Fault {
    /// The step fails, as `failure` says.
    #[must_use]
    pub const fn of(failure: Failure) -> Self {
        Self { failure: Some(failure) }
    }

    pub(crate) const fn check(self, step: u32) -> Result<(), Errno> {
        match self.failure {
            Some(failure) if failure.step == step => Err(Errno(failure.errno)),
            _ => Ok(()),
        }
    }
}

#[cfg(not(feature = "faults"))]
impl Fault {
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as the other form has it, which can fail")]
    pub(crate) const fn check(self, _step: u32) -> Result<(), Errno> {
        Ok(())
    }
}
