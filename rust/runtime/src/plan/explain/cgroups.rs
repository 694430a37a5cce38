//! What the parent does for a program's cgroup, as people read it.

use std::path::Path;

use super::{Line, Plan};

/// Its making.
pub(super) fn made(plan: &Plan) -> Vec<Line> {
    let Some(cgroup) = &plan.cgroup else { return Vec::new() };
    let mkdir = |path: &Path| {
        Line::parent("mkdir", [&quoted(path), "0755"], "a cgroup: what may be used is limited there", "cgroups(7)")
    };
    let mut lines: Vec<Line> = cgroup.folders.iter().map(|folder| mkdir(&folder.path)).collect();
    for (index, write) in &cgroup.writes {
        let (Some(folder), Some((file, text))) = (cgroup.folders.get(*index), write.files.first()) else { continue };
        let path = quoted(&folder.path.join(file));
        lines.push(Line::parent(
            "write",
            [&path, &format!("{text:?}")],
            &format!("{} asks for it", write.field),
            "cgroups(7)",
        ));
    }
    if let Some(policy) = &cgroup.devices {
        let count = policy.count();
        let arguments = ["BPF_PROG_ATTACH", &format!("{{BPF_CGROUP_DEVICE, [{count} rules]}}")];
        lines.push(Line::parent(
            "bpf",
            arguments,
            "the kernel asks it about each device that is opened or made",
            "bpf(2)",
        ));
    }
    lines
}

/// A path as text in quotes.
pub(super) fn quoted(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

/// Its removal.
pub(super) fn removed(plan: &Plan) -> Vec<Line> {
    let folders = plan.cgroup.iter().flat_map(|cgroup| cgroup.folders.iter().rev());
    let why = "learn what was used, end what is left there, and remove it";
    folders.map(|folder| Line::parent("rmdir", [&quoted(&folder.path)], why, "cgroups(7)")).collect()
}
