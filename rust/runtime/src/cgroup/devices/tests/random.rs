//! Random rules: the program and version 1's list do what their plain reading says.

use super::*;

/// xorshift64: Marsaglia 2003.
struct Random(u64);

impl Random {
    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        list[usize::try_from(self.0 % list.len() as u64).unwrap()].clone()
    }
}

/// Few enough that rules often meet.
const MAJORS: [i64; 4] = [1, 5, 8, 4095];
const MINORS: [i64; 4] = [0, 3, 5, 1_048_575];

fn rule(random: &mut Random) -> DeviceRule {
    let number = |random: &mut Random, numbers: &[i64]| {
        let number = random.pick(numbers);
        random.pick(&[None, Some(-1), Some(number), Some(number)])
    };
    DeviceRule {
        allow: random.pick(&[true, false]),
        kind: random.pick(&[None, Some("a"), Some("b"), Some("c"), Some("c")]).map(String::from),
        major: number(random, &MAJORS),
        minor: number(random, &MINORS),
        access: random.pick(&[None, Some("rwm"), Some("rw"), Some("r"), Some("w"), Some("m")]).map(String::from),
    }
}

fn every_access() -> impl Iterator<Item = Asked> {
    let kinds = [Kind::Block, Kind::Character];
    let accesses = (0..8).map(|bits| {
        let all = [Access::MAKE, Access::READ, Access::WRITE].into_iter().enumerate();
        all.filter(|(bit, _)| bits >> bit & 1 == 1).fold(Access::default(), |all, (_, access)| all | access)
    });
    let numbers = |numbers: [i64; 4]| numbers.into_iter().chain([7]).map(|number| u32::try_from(number).unwrap());
    accesses.flat_map(move |access| {
        kinds.into_iter().flat_map(move |kind| {
            numbers(MAJORS).flat_map(move |major| numbers(MINORS).map(move |minor| asked(kind, major, minor, access)))
        })
    })
}

#[test]
fn programs_and_lists_do_what_random_rules_say() {
    let (mut allowed, mut refused, mut without_list) = (0, 0, 0);
    for seed in 1..=1000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let count = random.pick(&[0, 1, 2, 3, 4, 6, 9]);
        let rules: Vec<_> = (0..count).map(|_| rule(&mut random)).collect();
        let policy = Policy::parse(&rules, "").unwrap();
        let program = program(&policy);
        machine::check(&program);
        let list = writes(&policy, "").ok();
        without_list += usize::from(list.is_none());
        for asked in every_access() {
            let verdict = oracle(&rules, &asked);
            assert_eq!(run(&program, &asked), verdict, "{seed} {asked:?} {rules:#?}");
            // The kernel asks version 1's list for making a device file alone.
            let is_asked_of_lists = asked.access == Access::MAKE || (asked.access & Access::MAKE).is_empty();
            if let Some(list) = list.as_ref().filter(|_| is_asked_of_lists) {
                assert_eq!(machine::allows(list, &asked), verdict, "{seed} {asked:?} {rules:#?} {list:#?}");
            }
            *(if verdict { &mut allowed } else { &mut refused }) += 1;
        }
    }
    assert!(
        allowed > 100_000 && refused > 50_000 && (1..600).contains(&without_list),
        "{allowed} {refused} {without_list}"
    );
}
