//! From a spec and a few facts about the host to a flat list of steps: pure, so it needs no privilege and no kernel.
//!
//! **Architecture Invariant:** nothing here opens, reads or asks the system for anything.

mod environment;
mod explain;
mod words;

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use minicontainer_child::{Fd, List, Step, Str};
use nix::libc;
use nix::sched::CloneFlags;

use crate::error::Error;
use crate::facts::Facts;
use crate::spec::{NamespaceKind, Spec, Stdio};

pub use explain::{Line, explain};
pub use words::operation;

/// What the parent opens before the clone; a [`Fd`] is a place in [`Plan::descriptors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// `/dev/null`, to read and write.
    Null,
    /// The reading end of a pipe; the caller keeps the other as the program's stdin.
    PipeIn,
    /// The writing end of a pipe; the caller keeps the other as the program's stdout (1) or stderr (2).
    PipeOut(usize),
    /// A descriptor of this process, by its number; `stream` is where the program finds it.
    Given {
        /// The number here.
        number: i32,
        /// 0, 1 or 2 in the program.
        stream: usize,
    },
    /// A pidfd of this process.
    Owner,
}

/// Everything that the child will do, and everything that it needs for it.
#[derive(Debug)]
pub struct Plan {
    /// The namespaces that the clone makes.
    pub namespaces: CloneFlags,
    /// What the parent opens first.
    pub descriptors: Vec<Descriptor>,
    /// What a [`Str`] names.
    pub strings: Vec<CString>,
    /// What a [`List`] names.
    pub lists: Vec<Vec<CString>>,
    /// What the child does.
    pub steps: Vec<Step>,
    /// The program as the caller named it.
    pub program: String,
    /// After how long the program is killed.
    pub timeout: Option<Duration>,
    /// Whether to tell on stderr what is done.
    pub debug: bool,
    /// Whether signals and the terminal are relayed while we wait.
    pub foreground: bool,
}

impl Plan {
    /// Whether the program is PID 1 of a namespace: signals without a handler don't reach it.
    #[must_use]
    pub fn is_init(&self) -> bool {
        self.namespaces.contains(CloneFlags::CLONE_NEWPID)
    }

    /// Whether the program is killed when the process that starts it ends.
    #[must_use]
    pub fn dies_with_owner(&self) -> bool {
        self.descriptors.contains(&Descriptor::Owner)
    }

    /// The program's environment.
    #[must_use]
    pub fn environment(&self) -> &[CString] {
        let envp = self.steps.iter().find_map(|step| match step {
            Step::Exec { envp, .. } => Some(*envp),
            _ => None,
        });
        envp.map_or(&[], |envp| words::list(self, envp))
    }

    /// The paths that exec tries, from the folder that it starts in; `folder` is this process's.
    pub fn program_paths(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        let mut folder = folder.to_path_buf();
        let mut candidates: &[CString] = &[];
        for step in &self.steps {
            match step {
                Step::Chdir { path } => folder.extend(self.strings.get(path.0 as usize).map(|path| as_path(path))),
                Step::Exec { candidates: list, .. } => candidates = words::list(self, *list),
                _ => {}
            }
        }
        candidates.iter().map(move |candidate| folder.join(as_path(candidate)))
    }

    fn string(&mut self, text: CString) -> Str {
        Str(push(&mut self.strings, text))
    }

    fn list(&mut self, list: Vec<CString>) -> List {
        List(push(&mut self.lists, list))
    }

    fn descriptor(&mut self, source: Descriptor) -> Fd {
        Fd(push(&mut self.descriptors, source))
    }
}

fn as_path(text: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(text.to_bytes()))
}

fn push<T>(table: &mut Vec<T>, item: T) -> u32 {
    let place = u32::try_from(table.len()).unwrap_or(u32::MAX);
    table.push(item);
    place
}

/// Plans `spec` for a host with these `facts`.
///
/// # Errors
/// [`Error::Spec`] with the path of the first field that cannot be.
pub fn plan(spec: &Spec, facts: Facts) -> Result<Plan, Error> {
    let extras = &spec.minicontainer;
    let (program, program_path) = match &extras.program {
        Some(program) => (program, "minicontainer.program"),
        None => (spec.process.args.first().ok_or_else(no_arguments)?, "process.args[0]"),
    };
    if program.is_empty() {
        return Err(Error::spec(program_path, "must name a program; it is empty"));
    }
    if spec.process.args.is_empty() {
        return Err(no_arguments());
    }
    let mut plan = Plan {
        namespaces: namespaces(spec)?,
        descriptors: Vec::new(),
        strings: Vec::new(),
        lists: Vec::new(),
        steps: Vec::new(),
        program: program.clone(),
        timeout: extras.timeout_ms.map(timeout).transpose()?,
        debug: extras.debug,
        foreground: extras.foreground,
    };

    if extras.debug {
        plan.steps.push(Step::ReportIds);
    }
    if extras.kill_on_exit {
        let owner = plan.descriptor(Descriptor::Owner);
        plan.steps.push(Step::DieWithOwner { owner, signal: libc::SIGKILL });
    }
    if let Some((soft, hard)) = facts.nofile {
        plan.steps.push(Step::SetRlimit { resource: libc::RLIMIT_NOFILE, soft, hard });
    }
    for (stream, source) in extras.stdio.iter().enumerate() {
        stdio(&mut plan, stream, *source)?;
    }
    plan.steps.push(Step::CloseFrom { first: 3 });
    if !spec.process.cwd.is_empty() {
        let path = c_string(&spec.process.cwd, || "process.cwd".into())?;
        let path = plan.string(path);
        plan.steps.push(Step::Chdir { path });
    }
    plan.steps.push(Step::ResetSignals { keep: facts.ignored_signals });
    plan.steps.push(Step::UnblockSignals);

    let environment = environment::merge(spec, facts)?;
    let argv = c_strings(&spec.process.args, "process.args")?;
    let candidates = candidates(program, program_path, environment::path(&environment))?;
    let candidates = plan.list(candidates);
    let argv = plan.list(argv);
    let envp = plan.list(environment);
    plan.steps.push(Step::Exec { candidates, argv, envp });
    Ok(plan)
}

fn no_arguments() -> Error {
    Error::spec("process.args", "must have at least one entry, the program's own name")
}

fn namespaces(spec: &Spec) -> Result<CloneFlags, Error> {
    let mut flags = CloneFlags::empty();
    for (index, namespace) in spec.linux.namespaces.iter().enumerate() {
        let flag = match namespace.kind {
            NamespaceKind::Pid => CloneFlags::CLONE_NEWPID,
        };
        if flags.contains(flag) {
            return Err(Error::spec(format!("linux.namespaces[{index}].type"), "stands there twice"));
        }
        flags |= flag;
    }
    Ok(flags)
}

/// A hundred years: what is longer is a mistake, and would not fit into the kernel's timers.
const LONGEST_TIMEOUT_MS: f64 = 100.0 * 365.0 * 86_400_000.0;

fn timeout(milliseconds: f64) -> Result<Duration, Error> {
    if milliseconds > 0.0 && milliseconds <= LONGEST_TIMEOUT_MS {
        // A timer that is set to nothing at all never rings.
        return Ok(Duration::from_secs_f64(milliseconds / 1000.0).max(Duration::from_nanos(1)));
    }
    Err(Error::spec("minicontainer.timeoutMs", format!("must be above 0 and at most 100 years; it is {milliseconds}")))
}

fn stdio(plan: &mut Plan, stream: usize, source: Stdio) -> Result<(), Error> {
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

fn c_strings(texts: &[String], field: &str) -> Result<Vec<CString>, Error> {
    texts.iter().enumerate().map(|(index, text)| c_string(text, || format!("{field}[{index}]"))).collect()
}

fn c_string(text: &str, field: impl FnOnce() -> String) -> Result<CString, Error> {
    CString::new(text).map_err(|error| {
        let place = error.nul_position();
        Error::spec(field(), format!("must not contain a NUL character; there is one at byte {place}"))
    })
}

#[cfg(test)]
mod tests;
