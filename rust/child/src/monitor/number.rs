//! Numbers and times as text.

/// The digits of a number, at the end of the buffer.
pub(super) fn digits(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut start = buffer.len();
    for (place, digit) in buffer.iter_mut().enumerate().rev() {
        *digit = b'0'.saturating_add(u8::try_from(number.checked_rem(10).unwrap_or(0)).unwrap_or(0));
        number = number.checked_div(10).unwrap_or(0);
        start = place;
        if number == 0 {
            break;
        }
    }
    buffer.get(start..).unwrap_or_default()
}

/// Year, month, day, hour, minute and second of seconds since 1970, all of UTC: days are counted from March of the
/// year 0, so that the leap day is the last of a year.
#[allow(clippy::arithmetic_side_effects, reason = "a clock's seconds are far from the ends of 64 bits")]
pub(super) fn civil(seconds: i64) -> [u64; 6] {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day, rest / 3600, rest / 60 % 60, rest % 60].map(|number| u64::try_from(number).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{civil, digits};

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(civil(0), [1970, 1, 1, 0, 0, 0]);
        assert_eq!(civil(951_782_399), [2000, 2, 28, 23, 59, 59]);
        assert_eq!(civil(951_782_400), [2000, 2, 29, 0, 0, 0]);
        assert_eq!(civil(4_107_542_400), [2100, 3, 1, 0, 0, 0]);
        assert_eq!(civil(1_795_693_076), [2026, 11, 26, 11, 37, 56]);
    }

    #[test]
    fn a_number_has_its_digits() {
        for (number, text) in [(0, "0"), (7, "7"), (1000, "1000"), (u64::MAX, "18446744073709551615")] {
            assert_eq!(digits(number, &mut [0; 20]), text.as_bytes());
        }
    }
}
