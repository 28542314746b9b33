//! Names with `*` for any letters and `?` for one.

/// Whether a name is meant by a pattern. Takes no longer than the product of their lengths.
pub fn is_meant(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut letter) = (0, 0);
    // Where to go on if what follows the last star does not fit: the star takes one letter more.
    let mut again: Option<(usize, usize)> = None;
    while letter < name.len() {
        match pattern.get(at) {
            Some('*') => {
                again = Some((at + 1, letter));
                at += 1;
            }
            Some(expected) if *expected == '?' || *expected == name[letter] => {
                at += 1;
                letter += 1;
            }
            _ => {
                let Some((after_star, from)) = again else { return false };
                again = Some((after_star, from + 1));
                (at, letter) = (after_star, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_take_any_letters_and_question_marks_one() {
        for (pattern, name, meant) in [
            ("*", "", true),
            ("host-*", "host-00017", true),
            ("host-*", "ghost-1", false),
            ("*-db-?", "eu-db-3", true),
            ("*-db-?", "eu-db-33", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("", "a", false),
        ] {
            assert_eq!(is_meant(pattern, name), meant, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_means_itself_and_any_part_of_it_may_be_a_star(name in "[a-c]{0,8}", from in 0..9_usize, to in 0..9_usize) {
            let (from, to) = (from.min(to).min(name.len()), from.max(to).min(name.len()));
            let starred = format!("{}*{}", &name[..from], &name[to..]);
            prop_assert!(is_meant(&name, &name));
            prop_assert!(is_meant(&starred, &name));
        }

        #[test]
        fn without_stars_only_as_many_letters_are_meant(pattern in "[ab?]{0,6}", name in "[ab]{0,6}") {
            let fits = pattern.len() == name.len()
                && pattern.chars().zip(name.chars()).all(|(a, b)| a == '?' || a == b);
            prop_assert_eq!(is_meant(&pattern, &name), fits);
        }
    }
}
