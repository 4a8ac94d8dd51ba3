//! Dates without a zone, which the documents mean in Moscow time.
//!
//! Moscow has kept UTC+3 since 2014 and orders are younger, so the offset is fixed and no zone database is needed.

/// `yyyy-MM-ddTHH:mm:ss`, in epoch milliseconds.
pub(super) fn from_iso(text: &str) -> Option<i64> {
    from(text, "%Y-%m-%dT%H:%M:%S", "2014-09-08T14:14:14".len())
}

/// `yyyyMMddHHmmss`, in epoch milliseconds.
pub(super) fn from_digits(text: &str) -> Option<i64> {
    from(text, "%Y%m%d%H%M%S", "20140908141414".len())
}

fn from(text: &str, format: &str, length: usize) -> Option<i64> {
    if text.len() != length {
        return None;
    }
    let civil = jiff::civil::DateTime::strptime(format, text).ok()?;
    let moment = jiff::tz::offset(3).to_timestamp(civil).ok()?;
    Some(moment.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_moscow_time() {
        assert_eq!(from_iso("2033-05-18T06:33:20"), Some(2_000_000_000_000));
        assert_eq!(from_digits("20330518063320"), Some(2_000_000_000_000));
        for bad in ["", "2033-05-18", "2033-13-18T06:33:20", "2033-05-18T06:33:20Z", "20330518066320", "2033051806332"]
        {
            assert_eq!((from_iso(bad), from_digits(bad)), (None, None), "{bad}");
        }
    }
}
