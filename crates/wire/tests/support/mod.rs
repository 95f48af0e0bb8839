//! What the tests of the gate share: two users, a peer, and messages as a client builds them.

use letmein_wire::{
    Gate, Key, Keyring, Message, Operation, Peer, Proof, Transport, Verdict, ZERO_TOKEN,
};

/// The window of every gate here, in ms.
pub const WINDOW_MS: u64 = 30_000;
/// Users 1 and 2 have keys; nobody else has.
pub const USERS: [u32; 2] = [1, 2];
pub const RESOURCE: u32 = 22;
pub const PEER: Peer = Peer {
    address: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    port: 40_000,
    transport: Transport::Udp,
};

pub fn key(user: u32) -> Key {
    Key::new(&[user.to_be_bytes()[3] + 0x40; 32])
}

pub fn keyring() -> Keyring {
    let mut keys = Keyring::new();
    USERS
        .into_iter()
        .for_each(|user| keys.insert(user, key(user)));
    keys
}

/// A gate as after a start with this secret.
pub fn gate(secret: u8) -> Gate {
    let mut gate = Gate::with_secret(&[secret; 32], WINDOW_MS);
    gate.set_keys(keyring());
    gate
}

/// A KNOCK or REVOKE.
pub fn first(operation: Operation, user: u32) -> Message {
    Message::new(operation, user, RESOURCE, [0x77; 8]).signed(&key(user), &ZERO_TOKEN)
}

/// Asks for a challenge and answers it; `salt` makes the RESPONSE a different proof.
pub fn respond(
    gate: &mut Gate,
    now_ms: u64,
    peer: &Peer,
    operation: Operation,
    user: u32,
    salt: u64,
) -> Message {
    match gate.check(now_ms, peer, &first(operation, user).encode()) {
        Verdict::Challenge { reply, .. } => {
            let token = Message::decode(&reply).unwrap().auth;
            Message::new(Operation::Response, user, RESOURCE, salt.to_be_bytes())
                .signed(&key(user), &token)
        }
        other => panic!("no challenge: {other:?}"),
    }
}

/// The proof and what it proves, from a RESPONSE that must be right and new.
pub fn prove(gate: &mut Gate, now_ms: u64, peer: &Peer, response: &Message) -> (Operation, Proof) {
    match gate.check(now_ms, peer, &response.encode()) {
        Verdict::Proven {
            operation, proof, ..
        } => (operation, proof),
        other => panic!("not proven at {now_ms}: {other:?}"),
    }
}
