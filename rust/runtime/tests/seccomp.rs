//! The filter, installed in the real kernel: a forked child takes it and tells what its calls became.

use minicontainer::seccomp::spec::Seccomp;
use minicontainer::seccomp::{Filter, compile, compiled_default, default_profile};
use nix::libc::{self, c_long};

/// A call, and the error number that it must end with; 0: it must not fail.
type Expected<'a> = (c_long, [c_long; 3], i32);

/// How many of the calls went as expected before one didn't; `Err` with the signal where the child died of it.
fn outcome(filter: &Filter, calls: &[Expected<'_>]) -> Result<usize, i32> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.program.len()).unwrap(),
        filter: filter.program.as_ptr().cast_mut(),
    };
    // SAFETY: the child makes raw system calls only, allocates nothing and ends by _exit.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        // SAFETY: `program` and what it points to outlive the calls.
        let installed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, filter.flags, &raw const program)
                    == 0
        };
        let went = calls.iter().take_while(|(number, [one, two, three], errno)| {
            // SAFETY: none of the tests' calls is given memory that it could write to.
            let result = unsafe { libc::syscall(*number, *one, *two, *three) };
            // SAFETY: the thread's own errno.
            if result == -1 { unsafe { *libc::__errno_location() == *errno } } else { *errno == 0 }
        });
        let code = if installed { i32::try_from(went.count()).unwrap_or(254) } else { 255 };
        // SAFETY: the child of a fork.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is written to; the child is ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    if libc::WIFSIGNALED(status) {
        return Err(libc::WTERMSIG(status));
    }
    assert_ne!(libc::WEXITSTATUS(status), 255, "the filter was not installed");
    Ok(usize::try_from(libc::WEXITSTATUS(status)).unwrap())
}

fn check(filter: &Filter, calls: &[Expected<'_>]) {
    match outcome(filter, calls) {
        Ok(went) if went == calls.len() => {}
        Ok(went) => panic!("call {went} went wrong: {:?}", calls[went]),
        Err(signal) => panic!("killed by signal {signal}"),
    }
}

fn filter(json: &str) -> Filter {
    compile(&serde_json::from_str::<Seccomp>(json).unwrap()).unwrap()
}

const NEW_USER: c_long = libc::CLONE_NEWUSER as c_long;

#[test]
fn the_default_profile_holds_in_the_kernel() {
    let filter = compile(&default_profile(0)).unwrap();
    check(
        &filter,
        &[
            (libc::SYS_getpid, [0; 3], 0),
            (libc::SYS_personality, [0xffff_ffff, 0, 0], 0),
            (libc::SYS_personality, [0x4_0000, 0, 0], libc::EPERM),
            (libc::SYS_unshare, [NEW_USER, 0, 0], libc::EPERM),
            (libc::SYS_clone, [NEW_USER, 0, 0], libc::EPERM),
            (libc::SYS_clone3, [0; 3], libc::ENOSYS),
            (libc::SYS_io_uring_setup, [0; 3], libc::EPERM),
            (libc::SYS_io_uring_enter, [-1, 0, 0], libc::EPERM),
            (libc::SYS_keyctl, [0; 3], libc::EPERM),
            (libc::SYS_mount, [0; 3], libc::EPERM),
            (libc::SYS_socket, [38, 5, 0], libc::EPERM),
            (libc::SYS_socket, [1, 1, 0], 0),
            (9999, [0; 3], libc::EPERM),
            (libc::SYS_close, [-1, 0, 0], libc::EBADF),
        ],
    );
}

#[test]
fn the_default_profile_lets_through_what_a_capability_is_for() {
    let filter = compiled_default(1 << 21).unwrap();
    // The kernel itself answers now: a mount without a target, a clone3 without its argument.
    check(
        &filter,
        &[
            (libc::SYS_mount, [0; 3], libc::EFAULT),
            (libc::SYS_clone3, [0; 3], libc::EINVAL),
            (libc::SYS_unshare, [0; 3], 0),
            (libc::SYS_keyctl, [0; 3], libc::EPERM),
        ],
    );
}

#[test]
fn actions_and_conditions_hold_in_the_kernel() {
    let json = r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"], "syscalls": [
        {"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 71},
        {"names": ["getuid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0},
        {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "args": [
            {"index": 0, "value": 4294967296, "op": "SCMP_CMP_GE"}, {"index": 2, "value": 6, "op": "SCMP_CMP_NE"}]},
        {"names": ["getsid"], "action": "SCMP_ACT_KILL_PROCESS"}
    ]}"#;
    let filter = filter(json);
    check(
        &filter,
        &[
            (libc::SYS_getppid, [0; 3], 71),
            (libc::SYS_getuid, [0; 3], 0),
            (libc::SYS_dup, [4095, 0, 0], libc::EBADF),
            (libc::SYS_dup, [-1, 0, 6], libc::EBADF),
            (libc::SYS_dup, [-1, 0, 5], libc::EPERM),
        ],
    );
    assert_eq!(outcome(&filter, &[(libc::SYS_getsid, [0; 3], 0)]), Err(libc::SIGSYS));
}

/// `getpid` by the number that 32-bit PCs, and x32, have for it: without rights to, it must not come through.
#[cfg(target_arch = "x86_64")]
#[test]
fn x32_cannot_go_around_a_filter() {
    let getpid = 0x4000_0000 | libc::SYS_getpid;
    assert_eq!(outcome(&filter(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#), &[(getpid, [0; 3], 0)]), Err(libc::SIGSYS));
}
