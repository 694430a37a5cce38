//! OCI's names for the kernel's numbers. Tables; nothing here looks at the host.

pub mod capability;
pub mod cpu_list;
pub mod memory_policy;
pub mod mount_attributes;
pub mod mount_options;
pub mod rlimit;
pub mod scheduler;
