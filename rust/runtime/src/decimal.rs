//! Decimal numbers, read strictly: what `str::parse` lets through beside digits has made programs root.

/// The number that `text` is: digits and nothing else. `+1`, ` 1`, `-1`, the empty text and what doesn't fit are none;
/// leading zeros don't count and don't mean octal.
#[must_use]
pub fn parse(text: impl AsRef<[u8]>) -> Option<u32> {
    let digits = text.as_ref();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, digit| {
        let value = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(value)
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn digits_are_a_number() {
        for (text, number) in [("0", 0), ("1", 1), ("010", 10), ("4294967295", u32::MAX)] {
            assert_eq!(parse(text), Some(number), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        let texts = [
            "",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1\n",
            "1_0",
            "0x1",
            "1e3",
            "1.0",
            "\u{661}",
            "4294967296",
            "99999999999999999999",
        ];
        for text in texts {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
