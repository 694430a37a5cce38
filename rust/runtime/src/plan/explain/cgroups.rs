//! What the parent does for a program's cgroup, as people read it.

use std::path::Path;

use super::{Line, Plan};

/// Its making.
pub(super) fn made(plan: &Plan) -> Vec<Line> {
    let Some(cgroup) = &plan.cgroup else { return Vec::new() };
    let mkdir = |path: &Path| {
        Line::parent("mkdir", [&quoted(path), "0755"], "a cgroup: what may be used is limited there", "cgroups(7)")
    };
    let scope = cgroup.scope.iter().map(|scope| {
        let properties = scope.properties.iter().map(|(name, value)| format!("{name}={value}"));
        let all = [format!("Slice={}", scope.unit.slice), "Delegate=yes".into()].into_iter().chain(properties);
        let properties = format!("{{{}}}", all.collect::<Vec<_>>().join(", "));
        let why = "systemd makes a scope for it, with a process that keeps it, and knows its limits";
        let name = format!("{:?}", scope.unit.name);
        let arguments = [name.as_str(), "\"fail\"", &properties];
        Line::parent("StartTransientUnit", arguments, why, "org.freedesktop.systemd1(5)")
    });
    let folders = cgroup.folders.iter().map(|folder| mkdir(&folder.path));
    let mut lines: Vec<Line> = scope.chain(folders).collect();
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
    let folders = folders.map(|folder| Line::parent("rmdir", [&quoted(&folder.path)], why, "cgroups(7)"));
    let scope = plan.cgroup.iter().flat_map(|cgroup| &cgroup.scope).map(|scope| {
        let name = format!("{:?}", scope.unit.name);
        let arguments = [name.as_str(), "\"replace\""];
        Line::parent("StopUnit", arguments, "have systemd remove the scope", "org.freedesktop.systemd1(5)")
    });
    folders.chain(scope).collect()
}
