//! What the compiler calls to copy and compare memory, where there is no C library: mem*(3).
//!
//! Written with volatile accesses: a plain loop the compiler would turn into a call of the function that it stands in.

/// `void *memcpy(void *dest, const void *src, size_t n)`, memcpy(3).
///
/// # Safety
/// As memcpy(3) has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    for place in 0..count {
        // SAFETY: within what the caller vouches for.
        unsafe { to.add(place).write_volatile(from.add(place).read_volatile()) };
    }
    to
}

/// `void *memmove(void *dest, const void *src, size_t n)`, memmove(3).
///
/// # Safety
/// As memmove(3) has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if to.cast_const() <= from {
        // SAFETY: from the start, nothing is overwritten before it is read.
        return unsafe { memcpy(to, from, count) };
    }
    for place in (0..count).rev() {
        // SAFETY: within what the caller vouches for.
        unsafe { to.add(place).write_volatile(from.add(place).read_volatile()) };
    }
    to
}

/// `void *memset(void *s, int c, size_t n)`, memset(3).
///
/// # Safety
/// As memset(3) has it.
#[unsafe(no_mangle)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the low byte is what is meant")]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    for place in 0..count {
        // SAFETY: within what the caller vouches for.
        unsafe { to.add(place).write_volatile(byte as u8) };
    }
    to
}

/// `int bcmp(const void *s1, const void *s2, size_t n)`, bcmp(3).
///
/// # Safety
/// As bcmp(3) has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    // SAFETY: as the caller vouches.
    unsafe { memcmp(one, other, count) }
}

/// `int memcmp(const void *s1, const void *s2, size_t n)`, memcmp(3).
///
/// # Safety
/// As memcmp(3) has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, count: usize) -> i32 {
    for place in 0..count {
        // SAFETY: within what the caller vouches for.
        let (left, right) = unsafe { (one.add(place).read_volatile(), other.add(place).read_volatile()) };
        if left != right {
            return i32::from(left) - i32::from(right);
        }
    }
    0
}

/// `size_t strlen(const char *s)`, strlen(3).
///
/// # Safety
/// As strlen(3) has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut count = 0;
    // SAFETY: the caller vouches for a NUL.
    while unsafe { text.add(count).read_volatile() } != 0 {
        count += 1;
    }
    count
}
