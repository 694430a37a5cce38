//! Starts isolated processes: spec -> plan -> child.
//!
//! [`spec`] reads OCI's object, [`plan`] turns it and a few [`facts`] into a flat list of steps, [`launch`] clones a
//! child that walks over them, [`run`] and [`reactor`] wait for its end, [`check`] tells what works on this host, and
//! [`ffi`] is the door for Deno.

#![deny(unsafe_code)]

pub mod advice;
pub mod cgroup;
pub mod check;
mod console;
mod cpu_clock;
pub mod decimal;
pub mod error;
pub mod facts;
#[allow(unsafe_code, reason = "raw buffers of the caller")]
pub mod ffi;
mod foreground;
pub mod id_ranges;
mod in_root;
#[allow(unsafe_code, reason = "clone, signal handlers, raw system calls")]
pub mod launch;
mod layers;
mod life;
pub mod names;
pub mod network;
pub mod plan;
mod planned;
mod poll;
pub mod rdt;
pub mod reactor;
mod record;
pub mod resolve;
pub mod run;
pub mod seccomp;
pub mod signal;
pub mod spec;
pub mod status;
pub mod terminal;
pub mod users;
