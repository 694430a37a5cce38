//! Which devices a cgroup's processes may use: OCI's `linux.resources.devices`.
//!
//! An access asks to read, write or make (mknod(2)) a device, or several at once; for each the last rule about it
//! decides, and where no rule is, it is refused. As in runc, what every container has is allowed after the rules.
//!
//! Version 2 asks a program ([`program`]), version 1 has a list ([`legacy`]); making them is pure. [`attach`] has the
//! kernel take a program.

pub mod arrange;
pub mod attach;
pub mod legacy;
pub mod program;
mod rule;

use super::resources::DeviceRule;
use crate::error::Error;
pub use rule::{Access, Kind, Rule};

/// The rules that decide, the last one about an access first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Policy {
    /// Reads OCI's rules, and puts those of [`rule::USUAL`] after them.
    ///
    /// # Errors
    /// [`Error::Spec`] with `field`, the rule's number and what in it is wrong.
    pub fn parse(rules: &[DeviceRule], field: &str) -> Result<Self, Error> {
        let mut all = Vec::with_capacity(rules.len() + rule::USUAL.len());
        for (index, rule) in rules.iter().enumerate() {
            all.push(Rule::parse(rule, &format!("{field}[{index}]"))?);
        }
        all.extend(rule::USUAL);
        // What is before a rule about everything never decides.
        let first = all.iter().rposition(Rule::is_about_everything).unwrap_or(0);
        Ok(Self { rules: all.drain(first..).rev().collect() })
    }

    /// How many rules it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is refused: then there is nothing to attach.
    #[must_use]
    pub fn allows_everything(&self) -> bool {
        self.rules.iter().all(|rule| rule.allow) && self.rules.last().is_some_and(Rule::is_about_everything)
    }
}

#[cfg(test)]
mod tests;
