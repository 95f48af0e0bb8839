//! Prints `tests/vectors/wire.json`, which Rust and TypeScript both run:
//! `cargo run -p letmein-wire --example vectors > tests/vectors/wire.json`
//!
//! Nothing here is random, so the same program prints the same file. `tests/vectors/README.md` explains it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a tool, not a library"
)]

use letmein_wire::{
    Gate, Key, Keyring, MESSAGE_LEN, Message, Operation, Peer, SHORTEST_WINDOW_MS, Transport,
    Verdict, ZERO_TOKEN,
};
use serde_json::{Value, json};

const KEY: [u8; 32] = *b"\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78\x87\x96\xa5\xb4\xc3\xd2\xe1\xf0\
    \x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
const OTHER_KEY: [u8; 32] = [0xA5; 32];
const SECRET: [u8; 32] = [0x5E; 32];
const USER: u32 = 0x0000_0001;
const RESOURCE: u32 = 0x0000_0016;
const OPERATIONS: [(Operation, &str); 6] = [
    (Operation::Knock, "knock"),
    (Operation::Challenge, "challenge"),
    (Operation::Response, "response"),
    (Operation::ComeIn, "come-in"),
    (Operation::GoAway, "go-away"),
    (Operation::Revoke, "revoke"),
];

#[allow(dead_code, reason = "the vectors test includes this file as a module")]
fn main() {
    print!("{}", text());
}

/// The whole file.
pub fn text() -> String {
    let document = json!({
        "messages": messages(),
        "malformed": malformed(),
        "lengths": { "sample": hex(&sample()), "from": 0, "to": 120, "except": [MESSAGE_LEN] },
        "exchanges": exchanges(),
        "gate": gate_vectors(),
    });
    format!("{}\n", serde_json::to_string_pretty(&document).unwrap())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A salt or token of `N` bytes, different for each `seed`.
fn filler<const N: usize>(seed: u8) -> [u8; N] {
    let mut next = seed;
    std::array::from_fn(|_| {
        next = next.wrapping_mul(5).wrapping_add(97);
        next
    })
}

fn sample() -> [u8; MESSAGE_LEN] {
    Message::new(Operation::Knock, USER, RESOURCE, filler(1))
        .signed(&Key::new(&KEY), &ZERO_TOKEN)
        .encode()
}

/// Every operation with a right MAC, and KNOCK, RESPONSE and REVOKE wrong in every way.
fn messages() -> Vec<Value> {
    let mut rows = Vec::new();
    for (seed, (operation, name)) in OPERATIONS.into_iter().enumerate() {
        let seed = u8::try_from(seed).unwrap();
        let token = if matches!(operation, Operation::Knock | Operation::Revoke) {
            ZERO_TOKEN
        } else {
            filler(seed + 100)
        };
        let message =
            Message::new(operation, USER, RESOURCE, filler(seed)).signed(&Key::new(&KEY), &token);
        rows.push(row(&format!("{name}, right"), &message, &KEY, &token));
        rows.push(row(
            &format!("{name}, other key"),
            &message,
            &OTHER_KEY,
            &token,
        ));
        rows.push(row(
            &format!("{name}, other token"),
            &message,
            &KEY,
            &filler(seed + 200),
        ));
        for (what, altered) in alterations(&message) {
            rows.push(row(&format!("{name}, {what}"), &altered, &KEY, &token));
        }
    }
    let extremes = Message::new(Operation::Knock, u32::MAX, 0xFEDC_BA98, [0xFF; 8]);
    let extremes = extremes.signed(&Key::new(&KEY), &ZERO_TOKEN);
    rows.push(row(
        "knock, ids with their high bits set",
        &extremes,
        &KEY,
        &ZERO_TOKEN,
    ));
    rows
}

fn alterations(message: &Message) -> Vec<(&'static str, Message)> {
    let flip = |at: usize, mask: u8| {
        let mut auth = message.auth;
        *auth.get_mut(at).unwrap() ^= mask;
        Message { auth, ..*message }
    };
    let operation = match message.operation {
        Operation::Knock => Operation::Revoke,
        _ => Operation::Knock,
    };
    vec![
        ("first bit of the mac flipped", flip(0, 0x80)),
        ("last bit of the mac flipped", flip(31, 0x01)),
        (
            "mac of zeros",
            Message {
                auth: [0; 32],
                ..*message
            },
        ),
        (
            "other user",
            Message {
                user: USER + 1,
                ..*message
            },
        ),
        (
            "other resource",
            Message {
                resource: RESOURCE + 1,
                ..*message
            },
        ),
        (
            "other salt",
            Message {
                salt: filler(99),
                ..*message
            },
        ),
        (
            "other operation",
            Message {
                operation,
                ..*message
            },
        ),
    ]
}

fn row(name: &str, message: &Message, key: &[u8; 32], token: &[u8; 32]) -> Value {
    let key_state = Key::new(key);
    json!({
        "name": name,
        "operation": message.operation.to_wire(),
        "user": message.user,
        "resource": message.resource,
        "salt": hex(&message.salt),
        "auth": hex(&message.auth),
        "bytes": hex(&message.encode()),
        "key": hex(key),
        "token": hex(token),
        "mac": hex(&letmein_wire::mac(&key_state, message, token)),
        "verifies": letmein_wire::verify(&key_state, message, token),
    })
}

fn malformed() -> Vec<Value> {
    let altered = |at: usize, value: u8| {
        let mut bytes = sample();
        *bytes.get_mut(at).unwrap() = value;
        hex(&bytes)
    };
    vec![
        json!({ "name": "first byte of the magic", "bytes": altered(0, 0x3A), "why": "magic" }),
        json!({ "name": "last byte of the magic", "bytes": altered(3, 0x18), "why": "magic" }),
        json!({ "name": "zeros", "bytes": hex(&[0; MESSAGE_LEN]), "why": "magic" }),
        json!({ "name": "operation 6", "bytes": altered(7, 6), "why": "operation" }),
        json!({ "name": "operation 255", "bytes": altered(7, 0xFF), "why": "operation" }),
        json!({ "name": "operation in little endian", "bytes": altered(4, 5), "why": "operation" }),
        json!({ "name": "operation 256", "bytes": altered(6, 1), "why": "operation" }),
    ]
}

/// A client's whole knock and revoke: what it sends, byte by byte, to a given challenge.
fn exchanges() -> Vec<Value> {
    let mut gate = gate();
    [
        (Operation::Knock, "knock", 10),
        (Operation::Revoke, "revoke", 20),
    ]
    .into_iter()
    .map(|(operation, name, seed)| {
        let first = Message::new(operation, USER, RESOURCE, filler(seed))
            .signed(&Key::new(&KEY), &ZERO_TOKEN);
        let challenge = challenge(gate.check(0, &peer(), &first.encode()));
        let response = Message::new(Operation::Response, USER, RESOURCE, filler(seed + 1))
            .signed(&Key::new(&KEY), &challenge.auth);
        json!({
            "name": name,
            "operation": operation.to_wire(),
            "user": USER,
            "resource": RESOURCE,
            "key": hex(&KEY),
            "firstSalt": hex(&first.salt),
            "first": hex(&first.encode()),
            "challenge": hex(&challenge.encode()),
            "responseSalt": hex(&response.salt),
            "response": hex(&response.encode()),
        })
    })
    .collect()
}

fn peer() -> Peer {
    let mut address = [0; 16];
    address.copy_from_slice(b"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01");
    Peer {
        address,
        port: 40_000,
        transport: Transport::Udp,
    }
}

fn gate() -> Gate {
    let mut keys = Keyring::new();
    keys.insert(USER, Key::new(&KEY));
    let mut gate = Gate::with_secret(&SECRET, SHORTEST_WINDOW_MS);
    gate.set_keys(keys);
    gate
}

fn challenge(verdict: Verdict) -> Message {
    match verdict {
        Verdict::Challenge { reply, .. } => Message::decode(&reply).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// One gate's life as a list of steps. A proof is accepted, except where the step says `refuse`.
fn gate_vectors() -> Value {
    let mut script = Script {
        gate: gate(),
        steps: Vec::new(),
    };
    let here = peer();
    let key = Key::new(&KEY);
    let knock =
        Message::new(Operation::Knock, USER, RESOURCE, filler(30)).signed(&key, &ZERO_TOKEN);
    let revoke =
        Message::new(Operation::Revoke, USER, RESOURCE, filler(31)).signed(&key, &ZERO_TOKEN);
    let wrong = Message {
        auth: [0; 32],
        ..knock
    };
    let unknown = Message::new(Operation::Knock, 2, RESOURCE, filler(32)).signed(&key, &ZERO_TOKEN);
    let answer = |challenge: &Message, seed: u8| {
        Message::new(Operation::Response, USER, RESOURCE, filler(seed))
            .signed(&key, &challenge.auth)
    };
    script.step(0, &here, &wrong);
    script.step(0, &here, &unknown);
    for operation in [Operation::Challenge, Operation::ComeIn, Operation::GoAway] {
        script.step(
            0,
            &here,
            &Message::new(operation, USER, RESOURCE, filler(33)),
        );
    }
    let opened = challenge(script.step(1_000, &here, &knock));
    let other_peers = [
        Peer {
            port: 40_001,
            ..here
        },
        Peer {
            transport: Transport::Tcp,
            ..here
        },
        Peer {
            address: [0x20; 16],
            ..here
        },
    ];
    for peer in &other_peers {
        script.step(1_500, peer, &answer(&opened, 34));
    }
    script.refuse(1_600, &here, &answer(&opened, 34));
    script.step(1_700, &here, &answer(&opened, 34));
    script.step(1_800, &here, &answer(&opened, 34));
    script.step(1_900, &here, &answer(&opened, 35));
    let closed = challenge(script.step(2_000, &here, &revoke));
    script.step(2_100, &here, &answer(&closed, 36));
    script.step(2_200, &here, &answer(&opened, 34));
    script.step(59_999, &here, &answer(&opened, 34));
    script.step(60_000, &here, &answer(&opened, 34));
    script.step(60_000, &here, &answer(&opened, 37));
    let keys = json!([{ "user": USER, "key": hex(&KEY) }]);
    json!({ "secret": hex(&SECRET), "windowMs": SHORTEST_WINDOW_MS, "keys": keys, "steps": script.steps })
}

struct Script {
    gate: Gate,
    steps: Vec<Value>,
}

impl Script {
    fn step(&mut self, now_ms: u64, peer: &Peer, message: &Message) -> Verdict {
        self.run(now_ms, peer, message, true)
    }

    fn refuse(&mut self, now_ms: u64, peer: &Peer, message: &Message) -> Verdict {
        self.run(now_ms, peer, message, false)
    }

    fn run(&mut self, now_ms: u64, peer: &Peer, message: &Message, accepted: bool) -> Verdict {
        let verdict = self.gate.check(now_ms, peer, &message.encode());
        let mut step = json!({
            "nowMs": now_ms,
            "address": hex(&peer.address),
            "port": peer.port,
            "transport": if peer.transport == Transport::Udp { "udp" } else { "tcp" },
            "bytes": hex(&message.encode()),
            "verdict": name(&verdict),
        });
        let fields = step.as_object_mut().unwrap();
        match verdict {
            Verdict::Proven {
                proof, operation, ..
            } => {
                fields.insert("of".into(), operation.to_wire().into());
                fields.insert("accepted".into(), accepted.into());
                self.gate.settle(proof, accepted);
                self.steps.push(step);
                return Verdict::Malformed; // taken apart; no script looks at it
            }
            Verdict::Again { operation, .. } => {
                fields.insert("of".into(), operation.to_wire().into());
            }
            Verdict::Challenge { reply, .. } => {
                fields.insert("reply".into(), hex(&reply).into());
            }
            _ => {}
        }
        self.steps.push(step);
        verdict
    }
}

/// A verdict's name in the file.
pub fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Malformed => "malformed",
        Verdict::Misplaced { .. } => "misplaced",
        Verdict::WrongFirst { .. } => "wrong-first",
        Verdict::Challenge { .. } => "challenge",
        Verdict::WrongResponse { .. } => "wrong-response",
        Verdict::Proven { .. } => "proven",
        Verdict::Again { .. } => "again",
        Verdict::Pending { .. } => "pending",
        Verdict::ShareFull { .. } => "share-full",
    }
}
