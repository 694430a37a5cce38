//! The kernel's network configuration, rtnetlink(7), as far as devices are moved: requests and answers are a header and
//! attributes, each with its length.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// `NLMSG_ERROR` and `NLMSG_DONE`, netlink(7).
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// `NLM_F_…`, netlink(7).
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const REPLACE: u16 = 0x100;
const DUMP: u16 = 0x300;
const CREATE: u16 = 0x400;

/// Of a message, and of what a message is about.
const HEADER_BYTES: usize = 16;
const LINK_BYTES: usize = 16;
const ADDRESS_BYTES: usize = 8;

/// Larger than what the kernel answers with at once.
const ANSWER_BYTES: usize = 64 * 1024;

/// A socket, which keeps to the network namespace that it was opened in.
pub(super) struct Netlink(OwnedFd);

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub index: u32,
    pub name: String,
}

/// A lasting address of a device, that is meant for more than its own network: ready to be given to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    family: u8,
    prefix: u8,
    attributes: Vec<(u16, Vec<u8>)>,
}

impl Netlink {
    /// In the network namespace of the calling thread.
    pub(super) fn open() -> Result<Self, Errno> {
        let route = SockProtocol::NetlinkRoute;
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, route).map(Self)
    }

    /// All devices.
    pub(super) fn links(&self) -> Result<Vec<Link>, Errno> {
        let answers = self.dump(&Request::new(libc::RTM_GETLINK, &[0; LINK_BYTES]), libc::RTM_NEWLINK)?;
        Ok(answers.iter().filter_map(|answer| link(answer)).collect())
    }

    /// The lasting addresses of a device.
    pub(super) fn addresses(&self, index: u32) -> Result<Vec<Address>, Errno> {
        let answers = self.dump(&Request::new(libc::RTM_GETADDR, &[0; ADDRESS_BYTES]), libc::RTM_NEWADDR)?;
        Ok(answers.iter().filter_map(|answer| address(answer, index)).collect())
    }

    /// Moves a device to another namespace, and gives it a name there.
    pub(super) fn move_link(&self, index: u32, namespace: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
        let mut request = Request::new(libc::RTM_NEWLINK, &about_link(index, 0));
        request.attribute(libc::IFLA_NET_NS_FD, &namespace.as_raw_fd().to_ne_bytes());
        request.attribute(libc::IFLA_IFNAME, &[name.as_bytes(), &[0]].concat());
        self.change(request)
    }

    /// Has a device carry packets.
    pub(super) fn bring_up(&self, index: u32) -> Result<(), Errno> {
        self.change(Request::new(libc::RTM_NEWLINK, &about_link(index, libc::IFF_UP.unsigned_abs())))
    }

    /// Gives a device an address.
    pub(super) fn add_address(&self, index: u32, address: &Address) -> Result<(), Errno> {
        let mut about = [0; ADDRESS_BYTES];
        about[0] = address.family;
        about[1] = address.prefix;
        about[4..].copy_from_slice(&index.to_ne_bytes());
        let mut request = Request::new(libc::RTM_NEWADDR, &about);
        request.flags |= CREATE | REPLACE;
        for (kind, value) in &address.attributes {
            request.attribute(*kind, value);
        }
        self.change(request)
    }

    fn change(&self, mut request: Request) -> Result<(), Errno> {
        request.flags |= ACK;
        self.send(&request)?;
        let mut buffer = vec![0; ANSWER_BYTES];
        let length = receive(&self.0, &mut buffer)?;
        match messages(&buffer[..length]).find(|(kind, _)| *kind == ERROR) {
            Some((_, answer)) => result(answer),
            None => Err(Errno::EBADMSG),
        }
    }

    /// What there is of a kind: the answers, without their headers.
    fn dump(&self, request: &Request, wanted: u16) -> Result<Vec<Vec<u8>>, Errno> {
        let request = Request { flags: request.flags | DUMP, ..request.clone() };
        self.send(&request)?;
        let mut buffer = vec![0; ANSWER_BYTES];
        let mut answers = Vec::new();
        loop {
            let length = receive(&self.0, &mut buffer)?;
            if length == 0 {
                return Err(Errno::EBADMSG);
            }
            for (kind, body) in messages(&buffer[..length]) {
                match kind {
                    ERROR => result(body)?,
                    DONE => return Ok(answers),
                    kind if kind == wanted => answers.push(body.to_vec()),
                    _ => {}
                }
            }
        }
    }

    fn send(&self, request: &Request) -> Result<(), Errno> {
        send(self.0.as_raw_fd(), &request.bytes(), MsgFlags::empty()).map(drop)
    }
}

fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match recv(socket.as_raw_fd(), buffer, MsgFlags::empty()) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// A request that is being made.
#[derive(Clone)]
struct Request {
    kind: u16,
    flags: u16,
    body: Vec<u8>,
}

impl Request {
    fn new(kind: u16, about: &[u8]) -> Self {
        Self { kind, flags: REQUEST, body: about.to_vec() }
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.body.extend(length.to_ne_bytes());
        self.body.extend(kind.to_ne_bytes());
        self.body.extend(value);
        self.body.resize(self.body.len().next_multiple_of(4), 0);
    }

    fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(HEADER_BYTES + self.body.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.body.len());
        bytes.extend(length.to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        // A number and the sender's, which the kernel fills in.
        bytes.extend([0; 8]);
        bytes.extend(&self.body);
        bytes
    }
}

/// `struct ifinfomsg` of a device, with the flags that are to be on.
fn about_link(index: u32, on: u32) -> [u8; LINK_BYTES] {
    let mut about = [0; LINK_BYTES];
    about[4..8].copy_from_slice(&index.to_ne_bytes());
    about[8..12].copy_from_slice(&on.to_ne_bytes());
    about[12..].copy_from_slice(&on.to_ne_bytes());
    about
}

/// Kind and body of each message.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let message = bytes.get(..length)?;
        let kind = u16_at(message, 4)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, message.get(HEADER_BYTES..)?))
    })
}

/// Kind and value of each attribute.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let (kind, value) = (u16_at(bytes, 2)?, bytes.get(4..length)?);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// What an `NLMSG_ERROR` says, which an acknowledgement is too.
fn result(body: &[u8]) -> Result<(), Errno> {
    let code = u32_at(body, 0).ok_or(Errno::EBADMSG)?;
    match i32::from_ne_bytes(code.to_ne_bytes()) {
        0 => Ok(()),
        code => Err(Errno::from_raw(code.saturating_neg())),
    }
}

fn link(body: &[u8]) -> Option<Link> {
    let index = u32_at(body, 4)?;
    let name = attributes(body.get(LINK_BYTES..)?).find(|(kind, _)| *kind == libc::IFLA_IFNAME)?.1;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Some(Link { index, name: String::from_utf8_lossy(name).into_owned() })
}

/// What is handed on of an address. Its label is not: it has the device's name in it.
const KEPT: [u16; 4] = [libc::IFA_ADDRESS, libc::IFA_LOCAL, libc::IFA_BROADCAST, IFA_RT_PRIORITY];
/// `IFA_RT_PRIORITY`, linux/if_addr.h.
const IFA_RT_PRIORITY: u16 = 9;
/// And of its flags: what the kernel finds out for itself is left to it.
const KEPT_FLAGS: u32 = libc::IFA_F_NODAD | libc::IFA_F_HOMEADDRESS | libc::IFA_F_NOPREFIXROUTE;

fn address(body: &[u8], wanted: u32) -> Option<Address> {
    let (family, prefix, scope) = (*body.first()?, *body.get(1)?, *body.get(3)?);
    let all: Vec<(u16, &[u8])> = attributes(body.get(ADDRESS_BYTES..)?).collect();
    let flags = all.iter().find(|(kind, _)| *kind == libc::IFA_FLAGS).and_then(|(_, value)| u32_at(value, 0));
    let flags = flags.unwrap_or_else(|| body[2].into());
    let is_wanted = u32_at(body, 4) == Some(wanted) && scope == libc::RT_SCOPE_UNIVERSE;
    if !is_wanted || flags & libc::IFA_F_PERMANENT == 0 {
        return None;
    }
    let kept = all.iter().filter(|(kind, _)| KEPT.contains(kind)).map(|(kind, value)| (*kind, value.to_vec()));
    let flags = (libc::IFA_FLAGS, (flags & KEPT_FLAGS).to_ne_bytes().to_vec());
    Some(Address { family, prefix, attributes: kept.chain([flags]).collect() })
}

fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    bytes.get(place..place + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place..place + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_back_as_it_was_made() {
        let mut request = Request::new(libc::RTM_NEWLINK, &about_link(7, 1));
        request.attribute(libc::IFLA_IFNAME, b"eth0\0");
        request.attribute(libc::IFLA_NET_NS_FD, &3_i32.to_ne_bytes());
        let bytes = request.bytes();
        assert_eq!(bytes.len(), 16 + 16 + 12 + 8);
        let (kind, body) = messages(&bytes).next().unwrap();
        assert_eq!((kind, link(body)), (libc::RTM_NEWLINK, Some(Link { index: 7, name: "eth0".into() })));
        assert_eq!(attributes(&body[LINK_BYTES..]).count(), 2);
    }

    #[test]
    fn only_lasting_addresses_of_the_device_for_more_than_its_network_are_kept() {
        let body = |index: u32, scope: u8, flags: u32| {
            let mut body = vec![2, 24, 0, scope];
            body.extend(index.to_ne_bytes());
            let mut request = Request::new(0, &body);
            request.attribute(libc::IFA_LOCAL, &[10, 0, 0, 1]);
            request.attribute(libc::IFA_LABEL, b"eth0\0");
            request.attribute(libc::IFA_FLAGS, &flags.to_ne_bytes());
            request.body
        };
        let lasting = libc::IFA_F_PERMANENT | libc::IFA_F_NODAD;
        let found = address(&body(7, 0, lasting), 7).unwrap();
        let flags = libc::IFA_F_NODAD.to_ne_bytes().to_vec();
        assert_eq!((found.family, found.prefix), (2, 24));
        assert_eq!(found.attributes, vec![(libc::IFA_LOCAL, vec![10, 0, 0, 1]), (libc::IFA_FLAGS, flags)]);
        for other in [body(8, 0, lasting), body(7, libc::RT_SCOPE_LINK, lasting), body(7, 0, 0)] {
            assert_eq!(address(&other, 7), None);
        }
    }

    #[test]
    fn what_is_cut_short_is_no_message() {
        assert_eq!(messages(&[20, 0, 0, 0, 2, 0]).count(), 0);
        assert_eq!(attributes(&[9, 0, 1, 0, 1]).count(), 0);
        assert_eq!(attributes(&[2, 0, 1, 0]).count(), 0);
        assert_eq!((result(&[]), result(&(-17_i32).to_ne_bytes())), (Err(Errno::EBADMSG), Err(Errno::EEXIST)));
    }
}
