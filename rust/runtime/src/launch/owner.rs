//! Threads that live as long as the process, to start programs from.
//!
//! `PR_SET_PDEATHSIG` fires when the *thread* that cloned ends, not its process. Deno's pool threads end after ten idle
//! seconds and a Worker's with the Worker; the main thread and these never do.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use crate::error::Error;
use crate::launch::{failure, signals};

type Job = Box<dyn FnOnce() + Send>;

struct Threads {
    jobs: VecDeque<Job>,
    idle: usize,
    started: usize,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { jobs: VecDeque::new(), idle: 0, started: 0 });
static WORK: Condvar = Condvar::new();

/// More of them start no more programs per second: the kernel's own work is what they wait for.
const MOST_THREADS: usize = 8;

/// A start sleeps now and then, where the kernel waits for a grace period. With so many threads more than there are
/// processors these have work meanwhile.
const MORE_THAN_PROCESSORS: usize = 2;

/// Asked once: the answer is in three files of /proc and /sys, which takes longer than to hand a program over.
static WANTED: LazyLock<usize> = LazyLock::new(|| {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    processors.saturating_add(MORE_THAN_PROCESSORS).min(MOST_THREADS)
});

/// Runs `job` on a thread that lives as long as the process, and returns at once.
///
/// # Errors
/// [`Error::System`] where no such thread can be had; `job` is dropped then.
pub fn submit(job: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let mut threads = lock();
    if threads.idle <= threads.jobs.len() && threads.started < *WANTED {
        let started = thread::Builder::new().name("minicontainer".into()).stack_size(256 * 1024).spawn(work);
        match started {
            Ok(_) => threads.started += 1,
            Err(_) if threads.started > 0 => {}
            Err(error) => return Err(failure::of_thread(&error)),
        }
    }
    threads.jobs.push_back(Box::new(job));
    drop(threads);
    WORK.notify_one();
    Ok(())
}

/// Runs `job` on such a thread and waits for it: at once where this is the process's main thread.
///
/// # Errors
/// As [`submit`].
pub fn run<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    if nix::unistd::gettid() == nix::unistd::getpid() {
        return Ok(job());
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    submit(move || {
        // The receiver waits below, so this cannot fail.
        let _ = sender.send(job());
    })?;
    receiver.recv().map_err(|_| Error::Internal { message: "a thread ended before its work".into() })
}

fn lock() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work() {
    // Signals are for the threads of the program that loaded us.
    let _blocked = signals::block_all();
    let mut threads = lock();
    loop {
        if let Some(job) = threads.jobs.pop_front() {
            drop(threads);
            // A job that panics costs its own answer, not the thread that others wait for.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
            threads = lock();
        } else {
            threads.idle += 1;
            threads = WORK.wait(threads).unwrap_or_else(PoisonError::into_inner);
            threads.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_gives_the_jobs_answer_from_a_thread_that_stays() {
        let first = thread::spawn(|| run(nix::unistd::gettid).unwrap()).join().unwrap();
        assert!(std::path::Path::new(&format!("/proc/self/task/{first}")).exists());
        assert_eq!(run(|| 6 * 7), Ok(42));
    }

    #[test]
    fn a_job_that_panics_leaves_the_thread_to_the_next() {
        for _ in 0..2 * MOST_THREADS {
            submit(|| std::panic::resume_unwind(Box::new("expected"))).unwrap();
        }
        assert_eq!(thread::spawn(|| run(|| 1)).join().unwrap(), Ok(1));
    }
}
