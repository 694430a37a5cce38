//! What a created container waits in until it is started.
//!
//! It has taken the place of the process that set the container up, so that this keeps nothing of the memory of the one
//! that started it; once it is told to, it walks over the rest of the plan, whose last step puts the program in its
//! place. It is executed from sealed memory: what runs here no container can write to (CVE-2019-5736).

#![no_std]
#![no_main]

mod memory;
mod start;

/// A plan's mistake: nobody is there to hear of it but who waits for this process.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    minicontainer_child::end(125)
}
