//! A terminal of the container's own.

use crate::place::Kind;
use crate::program::CStrRef;
use crate::run::Machine;
use crate::sys::{self, Errno};
use crate::table::Place;

impl Machine<'_> {
    /// Opens a new pair, sends one side to the parent and makes the other the terminal of the program's session, and
    /// those of its streams that `streams` has.
    ///
    /// The pair is the container's own: of the devpts that is mounted in its root, where there is one. The program's
    /// side is opened through the other (`TIOCGPTPEER`), not by a name that somebody could have put there.
    pub(crate) fn open_terminal(
        &self,
        socket: i32,
        (rows, columns): (u16, u16),
        console: Option<Place>,
        streams: [bool; 3],
    ) -> Result<(), Errno> {
        let flags = libc::O_RDWR | libc::O_NOCTTY;
        let ours = match &self.root {
            Some(root) => sys::open_in_root(root.number(), CStrRef::new(c"dev/pts/ptmx"), flags)?,
            None => sys::open(CStrRef::new(c"/dev/ptmx"), flags)?,
        };
        let programs = sys::terminal_peer(&ours)?;
        if rows > 0 && columns > 0 {
            sys::set_terminal_size(&programs, rows, columns)?;
        }
        if let Some(place) = console {
            let place = self.open_or_make(place, Kind::File, true)?;
            self.attach_copy(programs.number(), place.number(), false)?;
        }
        sys::send_descriptor(socket, ours.number())?;
        sys::make_controlling_terminal(&programs)?;
        for (stream, _) in (0..).zip(streams).filter(|(_, is_wanted)| *is_wanted) {
            sys::dup3(programs.number(), stream)?;
        }
        Ok(())
    }
}
