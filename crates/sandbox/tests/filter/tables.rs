//! The tables themselves: complete, free of contradictions, right for each architecture.

use std::collections::BTreeSet;

use crate::calls::calls;
use letmein_sandbox::{Arch, CLIENT, DOOR, JUDGE, Profile, document};

const PROFILES: [&Profile; 3] = [&DOOR, &JUDGE, &CLIENT];

#[test]
fn a_row_is_for_just_the_architectures_that_have_its_call() {
    for arch in [Arch::X86_64, Arch::Aarch64] {
        let calls = calls(arch);
        for row in PROFILES.iter().flat_map(|profile| profile.rows()) {
            let exists = calls.contains_key(row.call);
            assert_eq!(row.only.includes(arch), exists, "{} on {arch:?}", row.call);
        }
    }
}

#[test]
fn every_row_has_a_reason_of_one_line() {
    for row in PROFILES.iter().flat_map(|profile| profile.rows()) {
        let reason = row.why;
        assert!(
            reason.len() > 3 && !reason.contains(['\n', '|']),
            "{}",
            row.call
        );
        assert!(!reason.ends_with('.'), "{}", row.call);
    }
}

#[test]
fn no_rule_stands_twice_or_makes_another_pointless() {
    for profile in PROFILES {
        let mut seen = BTreeSet::new();
        for row in profile.rows() {
            assert!(
                seen.insert(format!("{} {:?}", row.call, row.when)),
                "{}",
                row.call
            );
        }
        for always in profile.rows().filter(|row| row.when.is_empty()) {
            let count = profile.rows().filter(|row| row.call == always.call).count();
            assert_eq!(count, 1, "{} of {}", always.call, profile.program);
        }
    }
}

#[test]
fn a_rule_compares_an_argument_once() {
    for row in PROFILES.iter().flat_map(|profile| profile.rows()) {
        let args: BTreeSet<u32> = row.when.iter().map(|condition| condition.arg).collect();
        assert_eq!(args.len(), row.when.len(), "{}", row.call);
    }
}

#[test]
fn the_document_has_every_row() {
    let text = document::tables();
    for row in PROFILES.iter().flat_map(|profile| profile.rows()) {
        assert!(text.contains(&format!("`{}`", row.call)) && text.contains(row.why));
    }
    assert!(
        text.lines()
            .all(|line| !line.starts_with('|') || line.matches('|').count() == 5)
    );
}
