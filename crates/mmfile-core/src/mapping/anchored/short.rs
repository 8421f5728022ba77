//! The names of memory objects, which macOS allows 31 characters including the slash.

/// The longest name, without the slash in front.
const LONGEST: usize = 30;
/// How much of a longer name stays readable.
const KEPT: usize = 12;

/// The name under which the memory of an object is found, for ever: `/` and the name itself if that has
/// at most 30 characters; else its first 12, a `~`, which no name contains, and the 16 hexadecimal digits
/// of the name's 64-bit FNV-1a hash.
pub(super) fn short_name(name: &str) -> String {
    if name.len() <= LONGEST {
        return format!("/{name}");
    }
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let kept: String = name.chars().take(KEPT).collect();
    format!("/{kept}~{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::short_name;

    #[test]
    fn a_name_that_fits_stays() {
        assert_eq!(short_name("mmfile-data-tasks"), "/mmfile-data-tasks");
        let longest = "a".repeat(30);
        assert_eq!(short_name(&longest), format!("/{longest}"));
    }

    /// Other programs compute the same: these never change.
    #[test]
    fn a_longer_one_is_shortened_by_the_documented_rule() {
        let cases = [
            ("mmfile-data-0f8fad5b-d9cb-469f-a165-70867728950e", "/mmfile-data-~216fcdceaafe3b83"),
            ("mmfile-lock-0f8fad5b-d9cb-469f-a165-70867728950e", "/mmfile-lock-~5db49683c4df302a"),
        ];
        for (name, short) in cases {
            assert_eq!(short_name(name), short);
            assert!(short.len() <= 31);
        }
    }

    #[test]
    fn names_that_differ_only_at_the_end_do_not_meet() {
        let names = (0..10_000).map(|number| short_name(&format!("{:040}", number)));
        let all: std::collections::BTreeSet<String> = names.collect();
        assert_eq!(all.len(), 10_000);
    }
}
