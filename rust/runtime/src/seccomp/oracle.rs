//! OCI's semantics once more, for tests: as plainly as it can be said, and slow.

use nix::libc;

use super::abi::{Abi, X32_BIT, X32_OWN};
use super::machine::Call;
use super::multiplexer::multiplexer;
use super::spec::{Action, Arg, Operator, Seccomp, Syscall};
use super::table;

/// What becomes of `call` under `seccomp` on a machine whose own ABI is `native`.
pub(super) fn verdict(native: Abi, seccomp: &Seccomp, call: &Call) -> u32 {
    let default = value(seccomp.default_action, seccomp.default_errno_ret);
    let listed = seccomp.architectures.iter().filter_map(|listed| Abi::on(native, *listed));
    let abis: Vec<Abi> = std::iter::once(native).chain(listed).filter(|abi| abi.token() == call.token).collect();
    let is_x32 = call.token == Abi::X32.token() && call.number & X32_BIT != 0 && call.number != u32::MAX;
    if abis.is_empty() || is_x32 && !abis.contains(&Abi::X32) {
        return libc::SECCOMP_RET_KILL_PROCESS;
    }
    let own = Call { number: call.number & !X32_BIT, ..*call };
    let (abis, call) = if is_x32 && call.number < X32_OWN { (vec![native], &own) } else { (abis, call) };
    let rules = || {
        let differing = |rule: &&Syscall| value(rule.action, rule.errno_ret) != default;
        seccomp.syscalls.iter().filter(differing).filter_map(|rule| Some((rule, holds(&abis, rule, call)?)))
    };
    let unconditional = rules().find(|(_, holds)| *holds == Holds::Always);
    let matching = unconditional.or_else(|| rules().find(|(_, holds)| *holds == Holds::Now));
    matching.map_or(default, |(rule, _)| value(rule.action, rule.errno_ret))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holds {
    Now,
    Always,
}

/// Whether `rule` is about `call` and its conditions are true.
fn holds(abis: &[Abi], rule: &Syscall, call: &Call) -> Option<Holds> {
    let about = |abi: &Abi, name: &str| table::find(name).and_then(|row| abi.number(row)) == Some(call.number);
    let mut result = None;
    for abi in abis {
        if rule.names.iter().any(|name| about(abi, name)) {
            result = result.max(if rule.args.is_empty() {
                Some(Holds::Always)
            } else {
                satisfies(abi.is_wide(), &rule.args, call).then_some(Holds::Now)
            });
        }
        let lets_through = matches!(rule.action, Action::Allow | Action::Log);
        for part in rule.names.iter().filter_map(|name| multiplexer(name)) {
            let is_part = *abi == Abi::X86 && about(abi, part.name) && call.args[0] & part.mask == part.value;
            if is_part && (rule.args.is_empty() || !lets_through) {
                result = result.max(Some(Holds::Now));
            }
        }
    }
    result
}

fn satisfies(wide: bool, args: &[Arg], call: &Call) -> bool {
    let is_true = |arg: &Arg| {
        let width = if wide { u64::MAX } else { u64::from(u32::MAX) };
        let (it, value, two) =
            (call.args[arg.index as usize] & width, arg.value & width, arg.value_two & arg.value & width);
        match arg.op {
            Operator::NotEqual => it != value,
            Operator::Less => it < value,
            Operator::LessOrEqual => it <= value,
            Operator::Equal => it == value,
            Operator::GreaterOrEqual => it >= value,
            Operator::Greater => it > value,
            Operator::MaskedEqual => it & value == two,
        }
    };
    let repeats = (0..6).any(|index| args.iter().filter(|arg| arg.index == index).count() > 1);
    if repeats { args.iter().any(is_true) } else { args.iter().all(is_true) }
}

fn value(action: Action, errno: Option<u32>) -> u32 {
    match action {
        Action::KillThread => 0,
        Action::KillProcess => 0x8000_0000,
        Action::Trap => 0x0003_0000,
        Action::Errno => 0x0005_0000 | errno.unwrap_or(1),
        Action::Trace => 0x7ff0_0000 | errno.unwrap_or(1),
        Action::Notify => 0x7fc0_0000,
        Action::Log => 0x7ffc_0000,
        Action::Allow => 0x7fff_0000,
    }
}
