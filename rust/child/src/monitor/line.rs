//! Text that is put together in a buffer.

use super::number;

/// Bytes with room for `N`; what does not fit is left out.
pub(crate) struct Line<const N: usize> {
    buffer: [u8; N],
    length: usize,
}

impl<const N: usize> Line<N> {
    pub(crate) const fn new() -> Self {
        Self { buffer: [0; N], length: 0 }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        let room = self.buffer.get_mut(self.length..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.length = self.length.saturating_add(bytes.len()).min(N);
        self
    }

    pub(crate) fn put_number(&mut self, number: u64) -> &mut Self {
        let mut buffer = [0; 20];
        self.put(number::digits(number, &mut buffer))
    }

    /// A number with zeroes in front, of so many digits.
    pub(crate) fn put_padded(&mut self, number: u64, width: usize) -> &mut Self {
        let mut buffer = [0; 20];
        let digits = number::digits(number, &mut buffer);
        for _ in digits.len()..width {
            self.put(b"0");
        }
        self.put(digits)
    }
}
