//! The parent of a container that was left to itself: keeps its terminal or pipes, writes its log, serves who attaches,
//! and notes how it ended.

mod attached;
mod line;
mod log;
mod memory;
mod number;

use core::ffi::CStr;

use crate::program::{CStrArray, CStrRef, Program};
use crate::run::run_from;
use crate::sys::{self, Errno, Handle};
use attached::{Attached, Frame, Request};
pub(crate) use line::Line;
use log::Log;

/// What the child needs to become a container's monitor.
#[derive(Clone, Copy, Debug)]
pub struct Monitor<'p> {
    /// The program, to be executed.
    pub program: i32,
    /// Its arguments, as [`monitor`] takes them.
    pub argv: CStrArray<'p>,
    /// The descriptors that it inherits.
    pub kept: &'p [i32],
    /// A descriptor whose number the container's pidfd gets.
    pub pidfd: i32,
    /// The end of a stack for the container's process.
    pub stack: usize,
}

/// Clones the container's process, which goes on with the step behind `step`, and becomes its monitor; it comes back
/// only if something failed.
pub(crate) fn become_monitor(program: &Program<'_>, step: u32, namespaces: i32) -> Result<(), Errno> {
    let monitor = program.monitor.as_ref().ok_or(Errno(libc::EFAULT))?;
    sys::setsid()?;
    let work = || program.report.fail(run_from(program, step.saturating_add(1)));
    let (pid, pidfd) = sys::clone_child(namespaces, monitor.stack, &work)?;
    program.report.tell_second(pid);
    if program.report.failure().is_some() {
        // It has told what failed, and is gone.
        sys::exit(127);
    }
    sys::chdir(CStrRef::TOP)?;
    for stream in 0..3 {
        // What is there still is `/dev/null`.
        sys::dup3(monitor.pidfd, stream)?;
    }
    sys::dup3(pidfd, monitor.pidfd)?;
    sys::close_range(3, u32::MAX, true)?;
    for descriptor in monitor.kept {
        sys::keep_at_exec(*descriptor)?;
    }
    Err(sys::execveat(monitor.program, monitor.argv))
}

/// How many arguments a monitor has before the command that it becomes in the end.
pub const MONITOR_ARGUMENTS: usize = 12;

#[allow(clippy::cast_sign_loss, reason = "a signal's number")]
const SIGPIPE: u32 = libc::SIGPIPE as u32;

/// What a monitor works with.
struct Monitored {
    /// The container's process.
    pidfd: i32,
    /// The file that tells of its memory running out; -1: there is none.
    memory: i32,
    /// Our ends of its stdin, stdout and stderr; -1: there is none.
    streams: [i32; 3],
    /// Whether they are one terminal.
    has_terminal: bool,
    attached: Attached,
    log: Log,
}

/// Stands by a container until it ends; the process's exit status, where it becomes no other program then.
///
/// `arguments` are numbers in decimal, as the library gives them: the container's pidfd, a descriptor of its folder, a
/// socket that listens for who attaches, our ends of stdin, stdout and stderr, a socket that its terminal comes through
/// (-1: there is none), what keeps its cgroup for as long as it is open (-1), the file of that which tells of memory that
/// ran out (-1), the most bytes of a log (0: no limit), and how many logs are kept. `command` is executed at the
/// container's end.
#[must_use]
pub fn monitor(arguments: [Option<&CStr>; MONITOR_ARGUMENTS - 1], command: CStrArray<'_>) -> i32 {
    let numbers = arguments.map(|argument| argument.and_then(|text| text.to_str().ok()?.parse::<i64>().ok()));
    let [
        Some(pidfd),
        Some(folder),
        Some(socket),
        Some(stdin),
        Some(stdout),
        Some(stderr),
        Some(terminal),
        Some(keeper),
        Some(memory),
        Some(bytes),
        Some(logs),
    ] = numbers
    else {
        return 125;
    };
    let small = |number: i64| i32::try_from(number).unwrap_or(-1);
    let _ = sys::name_process(c"container:mon");
    let mut monitored = Monitored {
        pidfd: small(pidfd),
        memory: small(memory),
        streams: [stdin, stdout, stderr].map(small),
        has_terminal: terminal >= 0,
        attached: Attached::new(small(socket)),
        log: Log::new(small(folder), u64::try_from(bytes).unwrap_or(0), u64::try_from(logs).unwrap_or(1)),
    };
    if terminal >= 0 {
        match sys::receive_descriptor(small(terminal)) {
            Ok(received) => {
                let number = received.keep();
                let _ = sys::set_nonblocking(number);
                monitored.streams = [number, number, -1];
            }
            Err(_) => monitored.has_terminal = false,
        }
        sys::close(small(terminal));
    }
    // All are blocked, and stay so; what writing to a pipe brings that nobody reads must not wait for the command.
    let _ = sys::ignore(SIGPIPE);
    let end = monitored.serve();
    monitored.log.close();
    write_end(small(folder), end);
    monitored.attached.tell_end(end);
    if let Some(program) = command.strings().next() {
        for signal in 1..=sys::SIGNAL_MAX {
            // What came meanwhile is forgotten.
            let _ = sys::ignore(signal);
            let _ = sys::set_default_action(signal);
        }
        let _ = sys::unblock_all_signals();
        // Nobody is to wait for that program, where it is us that they wait for.
        let _ = sys::close_range(3, u32::MAX, true);
        // It is that program that removes the cgroup.
        let _ = sys::keep_at_exec(small(keeper));
        let _ = sys::execve(program, command, CStrArray::EMPTY);
    }
    0
}

/// How a container ended: `CLD_EXITED` and a status, or another code and a signal, waitid(2); when; and how many of its
/// processes were killed because no memory was left.
#[derive(Clone, Copy)]
pub(crate) struct End {
    code: i32,
    status: i32,
    at: (i64, u32),
    oom_kills: Option<u64>,
}

impl Monitored {
    /// Until the container's process has ended, and what it wrote is read.
    fn serve(&mut self) -> End {
        loop {
            let has_ended = self.attend().unwrap_or(true);
            if has_ended {
                break;
            }
        }
        let (code, status) = sys::wait_for(self.pidfd).unwrap_or((0, 0));
        let at = sys::now();
        let oom_kills = memory::oom_kills(self.memory);
        // What others, whom it has left running, may still hold open is not waited for.
        for stream in 1..self.streams.len() {
            while self.copy(stream) {}
        }
        End { code, status, at, oom_kills }
    }

    /// Waits for something to do, and does it; true at the container's end.
    fn attend(&mut self) -> Result<bool, Errno> {
        let [stdin, stdout, stderr] = self.streams;
        let is_full = self.attached.has_input();
        let input = if is_full && stdin >= 0 { stdin } else { -1 };
        let mut polled = attached::empty_polls();
        polled.add(self.pidfd, libc::POLLIN);
        polled.add(input, libc::POLLOUT);
        polled.add(stdout, libc::POLLIN);
        polled.add(stderr, libc::POLLIN);
        self.attached.add_to(&mut polled, !is_full);
        polled.wait()?;
        if polled.is_ready(1) {
            self.pass_input();
        }
        for stream in [1_usize, 2] {
            if polled.is_ready(stream.saturating_add(1)) {
                self.copy(stream);
            }
        }
        while let Some(request) = self.attached.attend(&polled) {
            self.serve_request(request);
        }
        Ok(polled.is_ready(0))
    }

    fn serve_request(&mut self, request: Request) {
        let [stdin, stdout, _] = self.streams;
        match request {
            Request::Input => self.pass_input(),
            Request::EndOfInput if !self.has_terminal && stdin >= 0 => {
                sys::close(stdin);
                self.streams = [-1, self.streams[1], self.streams[2]];
            }
            Request::Resize(rows, columns) if self.has_terminal => {
                let _ = sys::set_terminal_size_of(stdout, rows, columns);
            }
            _ => {}
        }
    }

    /// Gives the container what was typed, as far as it takes it.
    fn pass_input(&mut self) {
        let [stdin, ..] = self.streams;
        match sys::write_some(stdin, self.attached.input()) {
            Ok(taken) => self.attached.take_input(taken),
            Err(Errno(libc::EAGAIN | libc::EINTR)) => {}
            // Nobody reads it any more.
            Err(_) => self.attached.take_input(usize::MAX),
        }
    }

    /// Reads once from a stream, for the log and for who is attached; whether there may be more.
    fn copy(&mut self, stream: usize) -> bool {
        let Some(number) = self.streams.get(stream).copied().filter(|number| *number >= 0) else { return false };
        let mut buffer = [0_u8; 8192];
        match sys::read_from(number, &mut buffer) {
            Ok(bytes) if !bytes.is_empty() => {
                self.log.write(stream, bytes);
                let frame = if stream == 1 { Frame::Stdout } else { Frame::Stderr };
                self.attached.show(frame, bytes);
                true
            }
            Err(Errno(libc::EAGAIN | libc::EINTR)) => false,
            // Its end; a terminal that nobody has open (EIO) may be opened again, which is not waited for.
            _ => {
                if let Some(place) = self.streams.get_mut(stream) {
                    *place = -1;
                }
                if !self.has_terminal {
                    sys::close(number);
                }
                false
            }
        }
    }
}

/// `exit` in the container's folder, which appears whole: `{"code":1,"status":0,"seconds":…,"nanoseconds":…,
/// "oomKills":0}`, with code and status as waitid(2) has them; no `oomKills` where nothing tells of that. It is noted with
/// the end, for whoever reads of it may do so when the cgroup has been removed.
fn write_end(folder: i32, end: End) {
    let mut text = Line::<128>::new();
    text.put(b"{\"code\":").put_number(end.code.unsigned_abs().into()).put(b",\"status\":");
    text.put_number(end.status.unsigned_abs().into()).put(b",\"seconds\":");
    text.put_number(end.at.0.unsigned_abs()).put(b",\"nanoseconds\":").put_number(end.at.1.into());
    if let Some(kills) = end.oom_kills {
        text.put(b",\"oomKills\":").put_number(kills);
    }
    text.put(b"}\n");
    let written = sys::create(folder, CStrRef::new(c"exit.new"), 0o600);
    let written = written.and_then(|file: Handle| sys::write_all(&file, text.bytes()));
    if written.is_ok() {
        let _ = sys::rename(folder, CStrRef::new(c"exit.new"), CStrRef::new(c"exit"));
    }
}
