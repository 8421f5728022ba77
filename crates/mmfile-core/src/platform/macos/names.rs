//! The file names for objects' names, in folders that may not distinguish `A` from `a`.

/// The file name for an object's name. Names keep their case, and macOS' file systems do not distinguish `A`
/// from `a`: a name with capitals is written in small letters, then a `+`, then one hexadecimal digit for
/// every four characters, which has a bit for each capital, the first the highest.
pub(super) fn encode(name: &str) -> String {
    let small = name.to_ascii_lowercase();
    if small == name {
        return small;
    }
    let digits = name.as_bytes().chunks(4).map(|four| {
        let bits = four.iter().enumerate();
        let capitals =
            bits.map(|(at, byte)| u32::from(byte.is_ascii_uppercase()) << (3 - at)).sum();
        char::from_digit(capitals, 16).unwrap_or('0')
    });
    format!("{small}+{}", digits.collect::<String>())
}

/// The object's name that a file name encodes; `None` for any other file.
pub(super) fn decode(file: &str) -> Option<String> {
    let Some((small, digits)) = file.split_once('+') else {
        return (encode(file) == file).then(|| file.to_owned());
    };
    let mut bits = digits.chars().map(|digit| digit.to_digit(16));
    let mut name = String::with_capacity(small.len());
    let mut four = 0;
    for (at, letter) in small.chars().enumerate() {
        if at % 4 == 0 {
            four = bits.next()??;
        }
        let capital = four >> (3 - at % 4) & 1 != 0;
        name.push(if capital { letter.to_ascii_uppercase() } else { letter });
    }
    (encode(&name) == file).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn every_name_has_a_file_of_its_own_and_is_told_from_it() {
        let names =
            ["mmfile-data-tasks", "mmfile-data-Tasks", "mmfile-data-TASKS", "A", "a", "x.Y"];
        let mut files: Vec<String> = names.iter().map(|name| encode(name)).collect();
        for (name, file) in names.iter().zip(&files) {
            assert_eq!(decode(file).as_deref(), Some(*name));
            assert_eq!(*file, file.to_ascii_lowercase());
        }
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        assert_eq!(encode("mmfile-data-Tasks"), "mmfile-data-tasks+00080");
        assert!(encode(&"A".repeat(128 + "~".len() + 16)).len() < 255);
    }

    #[test]
    fn other_file_names_are_left_alone() {
        for file in ["a+", "a+0", "a+x", "A+8", "ab+80", "+", "abcde+8", "A"] {
            assert_eq!(decode(file), None, "{file}");
        }
    }
}
