//! What holds for any message, any bit and any bytes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use letmein_wire::{MESSAGE_LEN, Message, Operation, Peer, Transport, Verdict};
use proptest::prelude::*;
use support::{PEER, USERS, first, gate, prove, respond};

fn message() -> impl Strategy<Value = Message> {
    (
        0u32..6,
        any::<u32>(),
        any::<u32>(),
        any::<[u8; 8]>(),
        any::<[u8; 32]>(),
    )
        .prop_map(|(operation, user, resource, salt, auth)| Message {
            operation: Operation::from_wire(operation).unwrap(),
            user,
            resource,
            salt,
            auth,
        })
}

fn peer() -> impl Strategy<Value = Peer> {
    (any::<[u8; 16]>(), any::<u16>(), any::<bool>()).prop_map(|(address, port, udp)| Peer {
        address,
        port,
        transport: if udp { Transport::Udp } else { Transport::Tcp },
    })
}

fn user() -> impl Strategy<Value = u32> {
    prop::sample::select(USERS.as_slice())
}

fn provable() -> impl Strategy<Value = Operation> {
    prop::sample::select([Operation::Knock, Operation::Revoke].as_slice())
}

fn refused(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Malformed
        | Verdict::Misplaced { .. }
        | Verdict::WrongFirst { .. }
        | Verdict::WrongResponse { .. } => true,
        Verdict::Challenge { .. }
        | Verdict::Proven { .. }
        | Verdict::Again { .. }
        | Verdict::Pending { .. }
        | Verdict::ShareFull { .. } => false,
    }
}

fn flipped(message: &Message, bit: usize) -> [u8; MESSAGE_LEN] {
    let mut bytes = message.encode();
    bytes[bit / 8] ^= 0x80 >> (bit % 8);
    bytes
}

#[test]
fn each_flipped_bit_of_a_knock_a_revoke_and_a_response_is_refused() {
    let mut gate = gate(1);
    for operation in [Operation::Knock, Operation::Revoke] {
        let asked = first(operation, 1);
        let response = respond(&mut gate, 0, &PEER, operation, 1, 5);
        for bit in 0..MESSAGE_LEN * 8 {
            for message in [&asked, &response] {
                let verdict = gate.check(0, &PEER, &flipped(message, bit));
                assert!(refused(&verdict), "{message:?}, bit {bit}: {verdict:?}");
            }
        }
        let (_, proof) = prove(&mut gate, 0, &PEER, &response);
        gate.settle(proof, true);
        for bit in 0..MESSAGE_LEN * 8 {
            assert!(
                refused(&gate.check(0, &PEER, &flipped(&response, bit))),
                "remembered, bit {bit}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn decode_undoes_encode(message in message()) {
        prop_assert_eq!(Message::decode(&message.encode()), Ok(message));
    }

    #[test]
    fn encode_undoes_decode(mut bytes in prop::array::uniform32(any::<u8>()).prop_map(|tail| {
        let mut bytes = Message::new(Operation::Knock, 0, 0, [0; 8]).encode();
        bytes[24..].copy_from_slice(&tail);
        bytes
    }), operation in any::<u8>()) {
        bytes[7] = operation;
        match Message::decode(&bytes) {
            Ok(message) => prop_assert_eq!(message.encode(), bytes),
            Err(_) => prop_assert!(operation > 5),
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_anywhere(
        peer in peer(), operation in provable(), user in user(), salt in any::<u64>(),
        now_ms in 0..u64::MAX / 2, bit in 0..MESSAGE_LEN * 8,
    ) {
        let mut gate = gate(1);
        prop_assert!(refused(&gate.check(now_ms, &peer, &flipped(&first(operation, user), bit))));
        let response = respond(&mut gate, now_ms, &peer, operation, user, salt);
        prop_assert!(refused(&gate.check(now_ms, &peer, &flipped(&response, bit))));
        let (proven, _proof) = prove(&mut gate, now_ms, &peer, &response);
        prop_assert_eq!(proven, operation);
    }

    #[test]
    fn random_messages_are_refused_and_never_panic(message in message(), peer in peer(), now_ms in any::<u64>(), known in user()) {
        let mut gate = gate(1);
        prop_assert!(refused(&gate.check(now_ms, &peer, &message.encode())));
        let of_a_user = Message { user: known, ..message };
        prop_assert!(refused(&gate.check(now_ms, &peer, &of_a_user.encode())));
    }

    #[test]
    fn random_bytes_are_refused_and_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200), peer in peer(), times in prop::collection::vec(any::<u64>(), 1..8),
    ) {
        let mut gate = gate(1);
        for now_ms in times {
            prop_assert_eq!(gate.check(now_ms, &peer, &bytes), Verdict::Malformed);
        }
    }
}
