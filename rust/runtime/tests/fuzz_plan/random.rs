//! Random numbers that a seed repeats.

/// xorshift64: Marsaglia 2003.
pub struct Random(u64);

impl Random {
    /// Neighbouring seeds give sequences that have nothing in common.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from((self.next() >> 8) % limit as u64).unwrap()
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    /// Small, or at an end of what 32 bits hold.
    pub fn id(&mut self) -> u32 {
        self.pick(&[0, 0, 1, 2, 1000, 100_000, 1 << 31, u32::MAX - 1, u32::MAX])
    }
}
