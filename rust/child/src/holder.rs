//! What goes on in a created container: it waits, and then walks over the rest of the plan.

use core::ffi::CStr;

use crate::image;
use crate::program::CStrArray;
use crate::report::Report;
use crate::run::run;
use crate::step::Failure;
use crate::sys::{self, Arena, Errno};

/// What the child needs in order to become the program that waits.
#[derive(Clone, Copy, Debug)]
pub struct Hold<'p> {
    /// That program, to be executed.
    pub program: i32,
    /// Its arguments: a name, the descriptor of the rest of the plan, the one of the socket that it waits at.
    pub argv: CStrArray<'p>,
    /// The descriptors that it inherits.
    pub kept: &'p [i32],
    /// The first descriptor that is not the container's own: those from there on are closed but for `kept`.
    pub first_closed: u32,
}

/// The memory that a plan's tables take is a small part of the plan; this many times its bytes is more than enough.
const TABLES_PER_BYTE: usize = 4;

static REPORT: Report = Report::new();

/// Becomes the program that waits; it comes back only if that failed. What is permitted stays so, whoever this process
/// is: capabilities(7), "ambient".
pub(crate) fn become_holder(hold: &Hold<'_>) -> Result<(), Errno> {
    let permitted = sys::permitted_capabilities()?;
    sys::capset(permitted, permitted, permitted)?;
    crate::identity::raise_ambient(permitted)?;
    sys::close_range(hold.first_closed, u32::MAX, true)?;
    for descriptor in hold.kept {
        sys::keep_at_exec(*descriptor)?;
    }
    Err(sys::execveat(hold.program, hold.argv))
}

/// What who connects to the socket says: the container is started.
pub const START: u8 = b's';

/// What who connects to the socket says: the container is to end, for it never came about.
pub const GIVE_UP: u8 = b'x';

/// Waits until somebody connects to the socket and says [`START`], walks over the plan, and tells who connected what
/// failed: its step and the kernel's error number, four bytes each. It comes back only then, with the process's exit
/// status, or once somebody has said [`GIVE_UP`].
///
/// `arguments` are the descriptors that [`Hold::argv`] names, in decimal: the plan's file and the socket. Without any it
/// keeps a cgroup from being empty until its stdin is at its end.
#[must_use]
pub fn hold(arguments: [Option<&CStr>; 2]) -> i32 {
    if arguments == [None, None] {
        return keep();
    }
    let [Some(image), Some(socket)] = arguments.map(|argument| argument.and_then(number)) else { return MISTAKE };
    match wait(image, socket) {
        Ok(()) => 127,
        Err(_) => MISTAKE,
    }
}

/// Nothing is ever written to stdin: whoever has its other end closes it, or ends.
fn keep() -> i32 {
    let mut buffer = [0; 1];
    while sys::read_stdin(&mut buffer).is_ok_and(|read| !read.is_empty()) {}
    0
}

/// What a shell gives where it is itself that failed.
const MISTAKE: i32 = 125;

fn number(text: &CStr) -> Option<i32> {
    text.to_str().ok()?.parse().ok()
}

fn wait(image: i32, socket: i32) -> Result<(), Errno> {
    let _ = sys::name_process(c"container:held");
    let length = sys::length_of(image)?;
    let bytes = sys::map_file(image, length)?;
    let mut arena = Arena::new(length.saturating_mul(TABLES_PER_BYTE).saturating_add(4096))?;
    let program = image::read(bytes, &mut arena, &REPORT)?;
    sys::close(image);
    let caller = loop {
        let caller = sys::accept(socket)?;
        let mut word = [0];
        match sys::read(&caller, &mut word) {
            Ok([START]) => break caller,
            Ok([GIVE_UP]) => return Ok(()),
            // Who came was killed before it had said anything.
            _ => {}
        }
    };
    // The listener of its filter goes to who came, by the number that the plan has for it.
    sys::dup_closed_at_exec(caller.number(), socket)?;
    // What only kept the rights over the exec; the plan says which of them the program gets.
    let permitted = sys::permitted_capabilities()?;
    sys::capset(permitted, permitted, 0)?;
    let Failure { step, errno } = run(&program);
    let mut words = [0; 8];
    for (word, byte) in words.iter_mut().zip(step.to_le_bytes().into_iter().chain(errno.to_le_bytes())) {
        *word = byte;
    }
    sys::write_all(&caller, &words)
}

/// Ends this process.
pub fn end(status: i32) -> ! {
    sys::exit(status)
}
