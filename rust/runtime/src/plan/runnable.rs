//! The program: where it is looked for, what it is told, and its streams.

use std::ffi::CString;

use minicontainer_child::Step;

use super::table::{c_string, c_strings};
use super::{Descriptor, Plan, environment};
use crate::error::Error;
use crate::facts::Facts;
use crate::spec::{Spec, Stdio};

/// The program as the caller names it, and the field that does so.
pub(super) fn program(spec: &Spec) -> Result<(&String, &'static str), Error> {
    let (program, field) = match &spec.minicontainer.program {
        Some(program) => (program, "minicontainer.program"),
        None => (spec.process.args.first().ok_or_else(no_arguments)?, "process.args[0]"),
    };
    if program.is_empty() {
        return Err(Error::spec(field, "must name a program; it is empty"));
    }
    if spec.process.args.is_empty() {
        return Err(no_arguments());
    }
    Ok((program, field))
}

fn no_arguments() -> Error {
    Error::spec("process.args", "must have at least one entry, the program's own name")
}

/// A stream that is not this process's own.
pub(super) fn stdio(plan: &mut Plan, stream: usize, source: Stdio) -> Result<(), Error> {
    let source = match source {
        Stdio::Inherit => return Ok(()),
        Stdio::Null => Descriptor::Null,
        Stdio::Piped if stream == 0 => Descriptor::PipeIn,
        Stdio::Piped => Descriptor::PipeOut(stream),
        Stdio::Descriptor(number) if number >= 0 => Descriptor::Given { number, stream },
        Stdio::Descriptor(number) => {
            let path = format!("minicontainer.stdio[{stream}]");
            return Err(Error::spec(path, format!("must be a descriptor, 0 or above; it is {number}")));
        }
    };
    let from = plan.descriptor(source);
    plan.steps.push(Step::Dup { from, to: i32::try_from(stream).unwrap_or(i32::MAX) });
    Ok(())
}

/// The last step; one before it is taken at once, while the program's files can be read.
pub(super) fn exec(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<Step, Error> {
    let (program, field) = program(spec)?;
    let environment = environment::merge(spec, facts)?;
    let argv = c_strings(&spec.process.args, "process.args")?;
    let candidates = candidates(program, field, environment::path(&environment))?;
    let candidates = plan.list(candidates);
    let argv = plan.list(argv);
    let envp = plan.list(environment);
    if plan.has_foreign_files() {
        plan.steps.push(Step::CheckProgram { candidates });
    }
    Ok(Step::Exec { candidates, argv, envp })
}

impl Plan {
    /// Gives the program other arguments, of which but the step that executes it knows.
    ///
    /// # Errors
    /// [`Error::Spec`] where a program cannot have them.
    pub(crate) fn set_arguments(&mut self, arguments: &[String]) -> Result<(), Error> {
        if arguments.is_empty() {
            return Err(no_arguments());
        }
        let arguments = c_strings(arguments, "process.args")?;
        let place = self.steps.iter().find_map(|step| match step {
            Step::Exec { argv, .. } => Some(argv.0 as usize),
            _ => None,
        });
        if let Some(list) = place.and_then(|place| self.lists.get_mut(place)) {
            *list = arguments.into();
        }
        Ok(())
    }
}

/// The paths to try: the program itself where it has a slash, else its name in each folder of PATH, as `execvp(3)`.
fn candidates(program: &str, field: &str, path: &[u8]) -> Result<Vec<CString>, Error> {
    let program = c_string(program, || field.into())?;
    if program.as_bytes().contains(&b'/') {
        return Ok(vec![program]);
    }
    let in_folder = |folder: &[u8]| {
        let folder = if folder.is_empty() { b"." } else { folder };
        [folder, b"/", program.as_bytes()].concat()
    };
    // Neither part has a NUL: both were C strings.
    Ok(path.split(|byte| *byte == b':').filter_map(|folder| CString::new(in_folder(folder)).ok()).collect())
}
