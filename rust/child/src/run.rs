//! The interpreter: one `match`, a system call or two for each arm.

use crate::step::{CStrArray, CStrRef, Failure, Fd, List, Program, Step, Str};
use crate::sys::{self, Errno};

/// Walks over the plan. It returns only if a step failed: otherwise the program has taken this process's place.
///
/// Called in the child after `clone`, with every signal blocked.
#[must_use]
pub fn run(program: &Program<'_>) -> Failure {
    let mut index = 0;
    for step in program.steps {
        if let Err(Errno(errno)) = take(program, *step) {
            return Failure { step: index, errno };
        }
        index = index.saturating_add(1);
    }
    // A plan that ends without becoming a program is the planner's mistake.
    Failure { step: index, errno: libc::ENOEXEC }
}

fn take(program: &Program<'_>, step: Step) -> Result<(), Errno> {
    match step {
        Step::ReportIds => {
            program.report.tell_ids(sys::getpid(), sys::getppid());
            Ok(())
        }
        Step::DieWithOwner { owner, signal } => {
            let owner = program.descriptor(owner)?;
            sys::set_parent_death_signal(signal)?;
            if sys::is_readable(owner)? { Err(Errno(libc::EOWNERDEAD)) } else { Ok(()) }
        }
        Step::SetRlimit { resource, soft, hard } => sys::prlimit(resource, soft, hard),
        Step::Chdir { path } => sys::chdir(program.string(path)?),
        Step::Dup { from, to } => sys::dup3(program.descriptor(from)?, to),
        Step::CloseFrom { first } => sys::close_range(first, u32::MAX),
        Step::ResetSignals { keep } => {
            for signal in 1..=sys::SIGNAL_MAX {
                let bit = 1_u64.checked_shl(signal.saturating_sub(1)).unwrap_or(0);
                if keep & bit == 0 {
                    sys::set_default_action(signal)?;
                }
            }
            Ok(())
        }
        Step::UnblockSignals => sys::unblock_all_signals(),
        Step::Exec { candidates, argv, envp } => {
            exec(program.list(candidates)?, program.list(argv)?, program.list(envp)?)
        }
    }
}

/// Tries one path after the other as `execvp(3)` does: what is not there is passed over, what may not be executed is
/// passed over too but remembered, anything else ends the search.
fn exec(candidates: CStrArray<'_>, argv: CStrArray<'_>, envp: CStrArray<'_>) -> Result<(), Errno> {
    let mut worst = Errno(libc::ENOENT);
    for path in candidates.strings() {
        let errno = sys::execve(path, argv, envp);
        match errno.0 {
            libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {
                if candidates.strings().nth(1).is_none() {
                    return Err(errno);
                }
            }
            libc::EACCES => worst = errno,
            _ => return Err(errno),
        }
    }
    Err(worst)
}

/// A number that stands in no table is the planner's mistake; `EFAULT`, as the kernel says of a bad address.
impl<'p> Program<'p> {
    fn string(&self, text: Str) -> Result<CStrRef<'p>, Errno> {
        self.strings.get(text.0 as usize).copied().ok_or(Errno(libc::EFAULT))
    }

    fn list(&self, list: List) -> Result<CStrArray<'p>, Errno> {
        self.lists.get(list.0 as usize).copied().ok_or(Errno(libc::EFAULT))
    }

    fn descriptor(&self, fd: Fd) -> Result<i32, Errno> {
        self.descriptors.get(fd.0 as usize).copied().ok_or(Errno(libc::EFAULT))
    }
}
