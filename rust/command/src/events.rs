//! What the command waits for: calls that other threads make for it, and signals.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use signal_hook::iterator::{Handle, Signals};

/// What has happened.
#[derive(Clone, Copy)]
pub enum Event {
    /// A call by this number has ended, with this result.
    Called(i32, i32),
    /// This signal has come.
    Signal(i32),
}

/// A queue of events; its clones are the same queue.
#[derive(Clone)]
pub struct Events(Rc<Queue>);

struct Queue {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
    signals: RefCell<Option<Handle>>,
}

impl Events {
    /// An empty one.
    pub fn new() -> Self {
        let (sender, receiver) = channel();
        Self(Rc::new(Queue { sender, receiver, signals: RefCell::default() }))
    }

    /// The next event; `None` if there is none within that time, without which it waits for ever.
    pub fn next(&self, within: Option<Duration>) -> Option<Event> {
        match within {
            None => self.0.receiver.recv().ok(),
            Some(within) => self.0.receiver.recv_timeout(within).ok(),
        }
    }

    /// Makes a call on a thread of its own.
    pub fn call(&self, number: i32, call: impl FnOnce() -> i32 + Send + 'static) {
        let sender = self.0.sender.clone();
        thread::spawn(move || {
            // Nobody to tell: the process ends.
            let _ = sender.send(Event::Called(number, call()));
        });
    }

    /// Has a signal become an event, from now on.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn listen(&self, signal: i32) -> std::io::Result<()> {
        if let Some(handle) = &*self.0.signals.borrow() {
            return handle.add_signal(signal);
        }
        let mut signals = Signals::new([signal])?;
        *self.0.signals.borrow_mut() = Some(signals.handle());
        let sender = self.0.sender.clone();
        thread::spawn(move || signals.forever().all(|signal| sender.send(Event::Signal(signal)).is_ok()));
        Ok(())
    }
}
