//! Runs `tests/vectors/wire.json`, which the TypeScript client runs too, and checks that it is what
//! `cargo run -p letmein-wire --example vectors` prints.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../examples/vectors.rs"]
mod generator;

use generator::{hex, name};
use letmein_wire::{
    Gate, Key, Keyring, MESSAGE_LEN, Malformed, Message, Operation, Peer, Transport, Verdict, mac,
    verify,
};
use serde_json::Value;

const FILE: &str = include_str!("../../../tests/vectors/wire.json");

fn document() -> Value {
    serde_json::from_str(FILE).unwrap()
}

fn rows<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn operation(value: &Value) -> Operation {
    Operation::from_wire(number(value)).unwrap()
}

#[test]
fn the_file_is_current() {
    assert!(
        FILE == generator::text(),
        "tests/vectors/wire.json is out of date: cargo run -p letmein-wire --example vectors > tests/vectors/wire.json"
    );
}

#[test]
fn messages_and_their_macs() {
    let document = document();
    let mut seen = std::collections::HashSet::new();
    for row in rows(&document, "messages") {
        let message = Message {
            operation: operation(&row["operation"]),
            user: number(&row["user"]),
            resource: number(&row["resource"]),
            salt: array(&row["salt"]),
            auth: array(&row["auth"]),
        };
        let (key, token) = (Key::new(&array(&row["key"])), array(&row["token"]));
        assert_eq!(hex(&message.encode()), row["bytes"], "{}", row["name"]);
        assert_eq!(
            Message::decode(&bytes(&row["bytes"])),
            Ok(message),
            "{}",
            row["name"]
        );
        assert_eq!(
            hex(&mac(&key, &message, &token)),
            row["mac"],
            "{}",
            row["name"]
        );
        assert_eq!(
            verify(&key, &message, &token),
            row["verifies"],
            "{}",
            row["name"]
        );
        assert_eq!(
            row["name"].as_str().unwrap().ends_with(", right"),
            row["verifies"] == true && message.user == 1
        );
        seen.insert((message.operation, row["verifies"] == true));
    }
    assert_eq!(seen.len(), 12, "each operation, right and wrong");
}

#[test]
fn malformed_messages() {
    let document = document();
    for row in rows(&document, "malformed") {
        let why = match row["why"].as_str().unwrap() {
            "magic" => Malformed::Magic,
            "operation" => Malformed::Operation,
            other => panic!("{other}"),
        };
        assert_eq!(
            Message::decode(&bytes(&row["bytes"])),
            Err(why),
            "{}",
            row["name"]
        );
    }
}

#[test]
fn lengths() {
    let lengths = &document()["lengths"];
    let stream = bytes(&lengths["sample"]).repeat(3);
    for length in lengths["from"].as_u64().unwrap()..=lengths["to"].as_u64().unwrap() {
        let excepted = lengths["except"]
            .as_array()
            .unwrap()
            .contains(&length.into());
        let length = usize::try_from(length).unwrap();
        let decoded = Message::decode(&stream[..length]);
        assert_eq!(excepted, length == MESSAGE_LEN);
        assert_eq!(
            decoded.err(),
            (!excepted).then_some(Malformed::Length),
            "{length}"
        );
    }
}

#[test]
fn exchanges() {
    let document = document();
    for row in rows(&document, "exchanges") {
        let (user, resource) = (number(&row["user"]), number(&row["resource"]));
        let key = Key::new(&array(&row["key"]));
        let first = Message::new(
            operation(&row["operation"]),
            user,
            resource,
            array(&row["firstSalt"]),
        );
        assert_eq!(hex(&first.signed(&key, &[0; 32]).encode()), row["first"]);
        let challenge = Message::decode(&bytes(&row["challenge"])).unwrap();
        assert_eq!(
            (challenge.operation, challenge.user, challenge.resource),
            (Operation::Challenge, user, resource)
        );
        let response = Message::new(
            Operation::Response,
            user,
            resource,
            array(&row["responseSalt"]),
        );
        assert_eq!(
            hex(&response.signed(&key, &challenge.auth).encode()),
            row["response"]
        );
    }
}

#[test]
fn a_gates_life() {
    let gate_vectors = &document()["gate"];
    let mut keys = Keyring::new();
    for row in rows(gate_vectors, "keys") {
        keys.insert(number(&row["user"]), Key::new(&array(&row["key"])));
    }
    let mut gate = Gate::with_secret(
        &array(&gate_vectors["secret"]),
        gate_vectors["windowMs"].as_u64().unwrap(),
    );
    gate.set_keys(keys);
    for (at, step) in rows(gate_vectors, "steps").iter().enumerate() {
        let peer = Peer {
            address: array(&step["address"]),
            port: number(&step["port"]).try_into().unwrap(),
            transport: if step["transport"] == "udp" {
                Transport::Udp
            } else {
                Transport::Tcp
            },
        };
        let verdict = gate.check(
            step["nowMs"].as_u64().unwrap(),
            &peer,
            &bytes(&step["bytes"]),
        );
        assert_eq!(name(&verdict), step["verdict"], "step {at}");
        match verdict {
            Verdict::Challenge { reply, .. } => assert_eq!(hex(&reply), step["reply"], "step {at}"),
            Verdict::Again { operation, .. } => {
                assert_eq!(operation.to_wire(), number(&step["of"]), "step {at}")
            }
            Verdict::Proven {
                operation, proof, ..
            } => {
                assert_eq!(operation.to_wire(), number(&step["of"]), "step {at}");
                gate.settle(proof, step["accepted"] == true);
            }
            _ => {}
        }
    }
}
