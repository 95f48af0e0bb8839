//! What a proof is good for, and for how long, on an injected clock.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use letmein_wire::{Keyring, Operation, PROOFS_PER_USER_AND_WINDOW, Peer, Transport, Verdict};
use support::{PEER, RESOURCE, WINDOW_MS, first, gate, keyring, prove, respond};

/// The end, in ms, of the window after the one of `at_ms`.
fn end_of_next_window(at_ms: u64) -> u64 {
    (at_ms / WINDOW_MS + 2) * WINDOW_MS
}

/// Where in its window a challenge is sent, in ms; windows 0 (which has none before it) and 5.
const CHALLENGED_AT_MS: [u64; 6] = [0, 15_000, 29_999, 150_000, 165_000, 179_999];
/// Offsets of a replay: every second of three windows, and the last millisecond before each.
fn offsets_ms() -> impl Iterator<Item = u64> {
    (1..=3 * WINDOW_MS / 1000).flat_map(|second| [second * 1000 - 1, second * 1000])
}

#[test]
fn a_replay_is_recognised_as_long_as_it_would_be_valid() {
    for operation in [Operation::Knock, Operation::Revoke] {
        for asked_ms in CHALLENGED_AT_MS {
            let mut gate = gate(1);
            let response = respond(&mut gate, asked_ms, &PEER, operation, 1, 0);
            let (proven, proof) = prove(&mut gate, asked_ms, &PEER, &response);
            assert_eq!(proven, operation);
            gate.settle(proof, true);
            for now_ms in offsets_ms().map(|offset| asked_ms + offset) {
                let expected = if now_ms < end_of_next_window(asked_ms) {
                    Verdict::Again {
                        operation,
                        user: 1,
                        resource: RESOURCE,
                    }
                } else {
                    Verdict::WrongResponse {
                        user: 1,
                        resource: RESOURCE,
                    }
                };
                assert_eq!(
                    gate.check(now_ms, &PEER, &response.encode()),
                    expected,
                    "{asked_ms} {now_ms}"
                );
            }
        }
    }
}

#[test]
fn a_first_delivery_is_proven_until_the_next_window_ends() {
    for asked_ms in CHALLENGED_AT_MS {
        for now_ms in offsets_ms().map(|offset| asked_ms + offset) {
            let mut gate = gate(1);
            let response = respond(&mut gate, asked_ms, &PEER, Operation::Knock, 1, 0);
            let verdict = gate.check(now_ms, &PEER, &response.encode());
            let in_time = now_ms < end_of_next_window(asked_ms);
            assert_eq!(
                matches!(verdict, Verdict::Proven { .. }),
                in_time,
                "{asked_ms} {now_ms} {verdict:?}"
            );
            assert_eq!(matches!(verdict, Verdict::WrongResponse { .. }), !in_time);
        }
    }
}

#[test]
fn accepted_late_it_is_forgotten_with_its_challenge_not_after() {
    let mut gate = gate(1);
    let response = respond(&mut gate, 1_000, &PEER, Operation::Knock, 1, 0);
    let (_, proof) = prove(&mut gate, 59_999, &PEER, &response);
    gate.settle(proof, true);
    assert!(matches!(
        gate.check(59_999, &PEER, &response.encode()),
        Verdict::Again { .. }
    ));
    for now_ms in (60_000..=120_000).step_by(1000) {
        assert!(matches!(
            gate.check(now_ms, &PEER, &response.encode()),
            Verdict::WrongResponse { .. }
        ));
    }
}

#[test]
fn a_clock_that_goes_back_revives_nothing() {
    let mut gate = gate(1);
    let response = respond(&mut gate, 1_000, &PEER, Operation::Knock, 1, 0);
    let (_, proof) = prove(&mut gate, 1_000, &PEER, &response);
    gate.settle(proof, true);
    for now_ms in [70_000, 1_000, 0, u64::MAX, 1_000] {
        assert!(
            matches!(
                gate.check(now_ms, &PEER, &response.encode()),
                Verdict::WrongResponse { .. }
            ),
            "{now_ms}"
        );
    }
}

#[test]
fn a_knock_replayed_after_a_revoke_opens_nothing() {
    let mut gate = gate(1);
    let knock = respond(&mut gate, 0, &PEER, Operation::Knock, 1, 0);
    let (_, proof) = prove(&mut gate, 10, &PEER, &knock);
    gate.settle(proof, true);
    let revoke = respond(&mut gate, 20, &PEER, Operation::Revoke, 1, 0);
    let (_, proof) = prove(&mut gate, 30, &PEER, &revoke);
    gate.settle(proof, true);
    let again = Verdict::Again {
        operation: Operation::Knock,
        user: 1,
        resource: RESOURCE,
    };
    assert_eq!(gate.check(40, &PEER, &knock.encode()), again);
}

#[test]
fn knock_revoke_knock_from_one_port_in_one_window_are_three_proofs() {
    let mut gate = gate(1);
    let steps = [
        (Operation::Knock, 1),
        (Operation::Revoke, 1),
        (Operation::Knock, 2),
        (Operation::Revoke, 2),
    ];
    for (at, (operation, salt)) in steps.into_iter().enumerate() {
        let now_ms = at as u64 * 100;
        let response = respond(&mut gate, now_ms, &PEER, operation, 1, salt);
        let (proven, proof) = prove(&mut gate, now_ms, &PEER, &response);
        assert_eq!(proven, operation);
        gate.settle(proof, true);
    }
}

#[test]
fn a_restart_voids_every_challenge() {
    let mut before = gate(1);
    let accepted = respond(&mut before, 0, &PEER, Operation::Knock, 1, 0);
    let fresh = respond(&mut before, 0, &PEER, Operation::Knock, 1, 1);
    let (_, proof) = prove(&mut before, 0, &PEER, &accepted);
    before.settle(proof, true);
    let mut after = gate(2);
    for response in [accepted, fresh] {
        let verdict = after.check(10, &PEER, &response.encode());
        assert_eq!(
            verdict,
            Verdict::WrongResponse {
                user: 1,
                resource: RESOURCE
            }
        );
    }
}

#[test]
fn one_users_full_share_is_his_own() {
    let mut gate = gate(1);
    let share = PROOFS_PER_USER_AND_WINDOW as u64;
    for salt in 0..share {
        let response = respond(&mut gate, 0, &PEER, Operation::Knock, 1, salt);
        let (_, proof) = prove(&mut gate, 0, &PEER, &response);
        gate.settle(proof, true);
    }
    let one_more = respond(&mut gate, 0, &PEER, Operation::Knock, 1, share);
    let full = Verdict::ShareFull {
        user: 1,
        resource: RESOURCE,
    };
    assert_eq!(gate.check(0, &PEER, &one_more.encode()), full);
    assert_eq!(
        gate.check(WINDOW_MS, &PEER, &one_more.encode()),
        full,
        "the share is the challenge's window's"
    );
    let remembered = respond(&mut gate, 0, &PEER, Operation::Knock, 2, 0);
    let (_, proof) = prove(&mut gate, 0, &PEER, &remembered);
    gate.settle(proof, true);
    let next_window = respond(&mut gate, WINDOW_MS, &PEER, Operation::Knock, 1, share);
    let (_, proof) = prove(&mut gate, WINDOW_MS, &PEER, &next_window);
    gate.settle(proof, true);
}

#[test]
fn reservations_are_pending_then_free_again() {
    let mut gate = gate(1);
    let response = respond(&mut gate, 0, &PEER, Operation::Knock, 1, 0);
    let (_, refused) = prove(&mut gate, 0, &PEER, &response);
    let pending = Verdict::Pending {
        user: 1,
        resource: RESOURCE,
    };
    assert_eq!(gate.check(0, &PEER, &response.encode()), pending);
    gate.settle(refused, false);
    let (_, _abandoned) = prove(&mut gate, 0, &PEER, &response);
    assert_eq!(gate.check(0, &PEER, &response.encode()), pending);
    gate.abandon_pending();
    let (_, accepted) = prove(&mut gate, 0, &PEER, &response);
    gate.settle(accepted, true);
    gate.abandon_pending();
    assert!(matches!(
        gate.check(0, &PEER, &response.encode()),
        Verdict::Again { .. }
    ));
}

#[test]
fn abandoned_reservations_leave_the_share() {
    let mut gate = gate(1);
    for round in 0..3 {
        for salt in 0..PROOFS_PER_USER_AND_WINDOW as u64 {
            let response = respond(
                &mut gate,
                0,
                &PEER,
                Operation::Knock,
                1,
                round * 1000 + salt,
            );
            let _abandoned = prove(&mut gate, 0, &PEER, &response);
        }
        gate.abandon_pending();
    }
}

#[test]
fn a_response_counts_only_from_where_it_was_challenged() {
    let elsewhere = [
        Peer {
            address: [1; 16],
            ..PEER
        },
        Peer {
            port: PEER.port + 1,
            ..PEER
        },
        Peer {
            transport: Transport::Tcp,
            ..PEER
        },
    ];
    let mut gate = gate(1);
    let response = respond(&mut gate, 0, &PEER, Operation::Knock, 1, 0);
    let wrong = Verdict::WrongResponse {
        user: 1,
        resource: RESOURCE,
    };
    for peer in &elsewhere {
        assert_eq!(gate.check(0, peer, &response.encode()), wrong);
    }
    let (_, proof) = prove(&mut gate, 0, &PEER, &response);
    gate.settle(proof, true);
    for peer in &elsewhere {
        assert_eq!(
            gate.check(0, peer, &response.encode()),
            wrong,
            "a remembered MAC helps nobody else"
        );
    }
}

#[test]
fn a_user_taken_out_of_the_keys_is_unknown_and_a_reload_forgets_no_proof() {
    let mut gate = gate(1);
    let response = respond(&mut gate, 0, &PEER, Operation::Knock, 1, 0);
    let (_, proof) = prove(&mut gate, 0, &PEER, &response);
    gate.settle(proof, true);
    gate.set_keys(keyring());
    assert!(matches!(
        gate.check(0, &PEER, &response.encode()),
        Verdict::Again { .. }
    ));
    gate.set_keys(Keyring::new());
    assert!(matches!(
        gate.check(0, &PEER, &response.encode()),
        Verdict::WrongResponse { .. }
    ));
    let knock = first(Operation::Knock, 1);
    assert!(matches!(
        gate.check(0, &PEER, &knock.encode()),
        Verdict::WrongFirst { .. }
    ));
}
