//! The names of capabilities(7), in the order of their numbers.

/// Each without its `CAP_`.
const NAMES: &str = "\
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE \
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT \
    SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP \
    MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE";

/// Those in a mask, bit N for capability N, told as shortly as can be.
pub(super) fn told(mask: u64) -> String {
    let (held, others): (Vec<_>, Vec<_>) =
        NAMES.split(' ').enumerate().partition(|(number, _)| mask >> number & 1 == 1);
    let names =
        |some: &[(usize, &str)]| some.iter().map(|(_, name)| format!("CAP_{name}")).collect::<Vec<_>>().join(" ");
    match (held.len(), others.len()) {
        (0, _) => "none".into(),
        (_, 0) => "all".into(),
        (held, left) if left < held => format!("all but {}", names(&others)),
        _ => names(&held),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_told_by_the_fewer_names() {
        let all = (1 << 41) - 1;
        assert_eq!(told(1 | 1 << 21 | 1 << 40), "CAP_CHOWN CAP_SYS_ADMIN CAP_CHECKPOINT_RESTORE");
        assert_eq!(told(all & !(1 << 24)), "all but CAP_SYS_RESOURCE");
        assert_eq!((told(0), told(all)), ("none".into(), "all".into()));
    }
}
