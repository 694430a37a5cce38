//! The kernel's part, for tests: runs a program over a call, and refuses what the kernel's checker refuses.

use nix::libc::sock_filter;

/// `seccomp_data`
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub token: u32,
    pub number: u32,
    pub args: [u64; 6],
}

impl Call {
    /// The word at `offset`; the instruction pointer is 0.
    fn word(&self, offset: u32) -> u32 {
        let place = usize::try_from(offset).unwrap();
        let mut bytes = [self.number.to_le_bytes(), self.token.to_le_bytes(), [0; 4], [0; 4]].concat();
        bytes.extend(self.args.iter().flat_map(|value| value.to_le_bytes()));
        assert!(offset % 4 == 0 && place < bytes.len(), "load of word {offset}");
        u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap())
    }
}

/// What a program returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub verdict: u32,
    /// The instructions that it took.
    pub steps: usize,
    /// Whether it looked at an argument: what doesn't, the kernel remembers and need not run again.
    pub saw_arguments: bool,
}

/// Runs `program` over `call`.
pub(super) fn run(program: &[sock_filter], call: &Call) -> Run {
    assert!(program.len() <= 4096);
    let (mut accumulator, mut index, mut place, mut steps, mut saw_arguments) = (0_u32, 0_u32, 0_usize, 0, false);
    loop {
        let sock_filter { code, jt, jf, k } = program[place];
        place += 1;
        steps += 1;
        let mut branch = |is_true: bool| place += usize::from(if is_true { jt } else { jf });
        match code {
            0x20 => {
                saw_arguments |= k >= 16;
                accumulator = call.word(k);
            }
            0x00 => accumulator = k,
            0x54 => accumulator &= k,
            0x74 => accumulator >>= k,
            0x7c => accumulator >>= index,
            0x07 => index = accumulator,
            0x05 => place += usize::try_from(k).unwrap(),
            0x15 => branch(accumulator == k),
            0x25 => branch(accumulator > k),
            0x35 => branch(accumulator >= k),
            0x06 => return Run { verdict: k, steps, saw_arguments },
            other => panic!("instruction {other:#x}"),
        }
    }
}

/// Checks what the kernel checks before it takes a program: every jump ends inside of it, and its end is a return.
pub(super) fn check(program: &[sock_filter]) {
    for (place, sock_filter { code, jt, jf, k }) in program.iter().enumerate() {
        let farthest = match code {
            0x05 => usize::try_from(*k).unwrap(),
            0x15 | 0x25 | 0x35 => usize::from(*jt.max(jf)),
            _ => 0,
        };
        assert!(place + 1 + farthest < program.len() || *code == 0x06, "jump at {place} leaves the program");
    }
    assert_eq!(program.last().map(|last| last.code), Some(0x06));
}
