//! How the program is scheduled, its limits, and what else it carries over exec.

use minicontainer_child::Step;
use nix::libc;

use super::Plan;
use crate::error::Error;
use crate::facts::Facts;
use crate::names::{cpu_list, memory_policy, rlimit, scheduler};
use crate::spec::{MemoryPolicy, Scheduler, Spec};

/// Limits, scheduling, personality, keyring.
pub(super) fn set(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    if spec.minicontainer.new_keyring {
        plan.steps.push(Step::NewKeyring);
    }
    limits(plan, spec, facts)?;
    if let Some(scheduler) = &spec.process.scheduler {
        let attributes = attributes(scheduler)?;
        let attributes = plan.blob(attributes);
        plan.steps.push(Step::SetScheduler { attributes });
    }
    if let Some(priority) = &spec.process.io_priority {
        let field = "process.ioPriority.class";
        let class = scheduler::parse_io_class(&priority.class)
            .ok_or_else(|| Error::spec(field, unknown("IOPRIO_CLASS_RT, _BE or _IDLE", &priority.class)))?;
        if !(0..=7).contains(&priority.priority) {
            let message = format!("must be 0 to 7; it is {}", priority.priority);
            return Err(Error::spec("process.ioPriority.priority", message));
        }
        let class = i32::try_from(class).unwrap_or(0);
        plan.steps.push(Step::SetIoPriority { priority: class << IOPRIO_CLASS_SHIFT | priority.priority });
    }
    if let Some(affinity) = &spec.process.exec_cpu_affinity {
        let (list, field) = if affinity.last.is_empty() {
            (&affinity.initial, "process.execCPUAffinity.initial")
        } else {
            (&affinity.last, "process.execCPUAffinity.final")
        };
        if !list.is_empty() {
            let words = cpu_list::parse(list, field)?.words;
            let set = plan.blob(words.iter().flat_map(|word| word.to_ne_bytes()).collect());
            plan.steps.push(Step::SetAffinity { set });
        }
    }
    if let Some(policy) = &spec.linux.memory_policy {
        let (mode, nodes) = memory(policy)?;
        let nodes = plan.blob(nodes);
        plan.steps.push(Step::SetMemoryPolicy { mode, nodes });
    }
    if let Some(personality) = &spec.linux.personality {
        if !personality.flags.is_empty() {
            return Err(Error::spec("linux.personality.flags", "must be empty: OCI defines none"));
        }
        let domain = scheduler::parse_personality(&personality.domain)
            .ok_or_else(|| Error::spec("linux.personality.domain", unknown("LINUX or LINUX32", &personality.domain)))?;
        plan.steps.push(Step::SetPersonality { domain });
    }
    Ok(())
}

/// A mode with its flags, and the set of nodes; which of them go together, the kernel knows.
fn memory(policy: &MemoryPolicy) -> Result<(i32, Vec<u8>), Error> {
    let field = "linux.memoryPolicy.mode";
    let mut mode = memory_policy::parse_mode(&policy.mode).ok_or_else(|| {
        Error::spec(field, unknown("MPOL_DEFAULT, MPOL_BIND or another of set_mempolicy(2)", &policy.mode))
    })?;
    for (index, name) in policy.flags.iter().enumerate() {
        let field = || format!("linux.memoryPolicy.flags[{index}]");
        mode |= memory_policy::parse_flag(name).ok_or_else(|| Error::spec(field(), unknown("an MPOL_F_…", name)))?;
    }
    let field = "linux.memoryPolicy.nodes";
    let takes_none = matches!(policy.mode.as_str(), "MPOL_DEFAULT" | "MPOL_LOCAL");
    match (policy.nodes.is_empty(), takes_none) {
        (true, true) => Ok((mode, Vec::new())),
        (true, false) if policy.mode == "MPOL_PREFERRED" => Ok((mode, Vec::new())),
        (true, false) => Err(Error::spec(field, format!("must name a node, for {}", policy.mode))),
        (false, true) => Err(Error::spec(field, format!("must be empty, for {} takes no node", policy.mode))),
        (false, false) => {
            let words = cpu_list::parse(&policy.nodes, field)?.words;
            Ok((mode, words.iter().flat_map(|word| word.to_ne_bytes()).collect()))
        }
    }
}

/// `IOPRIO_CLASS_SHIFT`, ioprio_set(2).
const IOPRIO_CLASS_SHIFT: i32 = 13;

fn unknown(known: &str, given: &str) -> String {
    format!("must be {known}; it is {given:?}")
}

fn limits(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let mut seen = Vec::new();
    for (index, limit) in spec.process.rlimits.iter().enumerate() {
        let field = |part: &str| format!("process.rlimits[{index}].{part}");
        let resource = rlimit::parse(&limit.kind).ok_or_else(|| {
            Error::spec(field("type"), unknown("RLIMIT_NOFILE or another of getrlimit(2)", &limit.kind))
        })?;
        if seen.contains(&resource) {
            return Err(Error::spec(field("type"), format!("{} stands there twice", limit.kind)));
        }
        if limit.soft > limit.hard {
            let message = format!("must not be above hard; it is {}, and hard {}", limit.soft, limit.hard);
            return Err(Error::spec(field("soft"), message));
        }
        seen.push(resource);
        plan.steps.push(Step::SetRlimit { resource, soft: limit.soft, hard: limit.hard });
    }
    match facts.nofile {
        Some((soft, hard)) if !seen.contains(&libc::RLIMIT_NOFILE) => {
            plan.steps.push(Step::SetRlimit { resource: libc::RLIMIT_NOFILE, soft, hard });
        }
        _ => {}
    }
    Ok(())
}

/// `struct sched_attr` in its first form, sched_setattr(2).
fn attributes(scheduler: &Scheduler) -> Result<Vec<u8>, Error> {
    const SIZE: u32 = 48;
    let policy = scheduler::parse_policy(&scheduler.policy).ok_or_else(|| {
        let known = "SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_ISO, SCHED_IDLE or SCHED_DEADLINE";
        Error::spec("process.scheduler.policy", unknown(known, &scheduler.policy))
    })?;
    let mut flags = 0;
    for (index, name) in scheduler.flags.iter().enumerate() {
        flags |= scheduler::parse_flag(name)
            .ok_or_else(|| Error::spec(format!("process.scheduler.flags[{index}]"), unknown("a SCHED_FLAG_…", name)))?;
    }
    if !(-20..=19).contains(&scheduler.nice) {
        return Err(Error::spec("process.scheduler.nice", format!("must be -20 to 19; it is {}", scheduler.nice)));
    }
    let mut bytes = Vec::with_capacity(48);
    bytes.extend(SIZE.to_ne_bytes());
    bytes.extend(policy.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(scheduler.nice.to_ne_bytes());
    bytes.extend(scheduler.priority.to_ne_bytes());
    for time in [scheduler.runtime, scheduler.deadline, scheduler.period] {
        bytes.extend(time.to_ne_bytes());
    }
    Ok(bytes)
}
