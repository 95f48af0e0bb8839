//! `Gate`: messages in, verdicts out, a batch a call.

use letmein_wire::{
    KEY_LEN, Key, Keyring, MAC_LEN, MESSAGE_LEN, Message, Operation, Peer, Proof, SALT_LEN,
    Transport, Verdict,
};
use napi::bindgen_prelude::{Buffer, Uint8Array, Uint32Array};
use napi_derive::napi;

use crate::bytes::{Fields, records};
use crate::errors::{Result, coded, malformed};

/// A query is a REQUEST frame as the door wrote it (`ts/ipc/frames.ts`): kind (1), transport (1: 0 TCP,
/// 1 UDP), port (2), id (4), time (8), address (16, IPv4 mapped), standing (12), message (56). So a
/// turn's frames need no copy on their way here.
const QUERY_LEN: usize = 44 + MESSAGE_LEN;
/// A verdict: kind (1), operation (1), zero (2), user (4), resource (4), the message to send if the
/// answer is yes (56; zero where there is none), and the GOAWAY to send if it is no (56).
const VERDICT_LEN: usize = 12 + 2 * MESSAGE_LEN;

/// The keyring, the challenge secret and the remembered proofs. Keys never leave it.
#[napi]
pub struct Gate {
    gate: letmein_wire::Gate,
    /// What the last `check` reserved, by place in its batch.
    reserved: Vec<Option<Proof>>,
}

#[napi]
impl Gate {
    /// Draws a fresh challenge secret. Windows are `windowMs` long for as long as this lives.
    /// Throws `RANDOM_UNAVAILABLE` when the kernel has no random bytes.
    #[napi(constructor)]
    pub fn new(window_ms: u32) -> Result<Self> {
        let gate = letmein_wire::Gate::new(u64::from(window_ms))
            .map_err(|error| coded("RANDOM_UNAVAILABLE", error.to_string()))?;
        Ok(Self {
            gate,
            reserved: Vec::new(),
        })
    }

    /// Replaces the keyring: `keys` holds 32 bytes for each of `users`, in the same order.
    #[napi]
    pub fn set_keys(&mut self, users: Uint32Array, keys: Uint8Array) -> Result<()> {
        let users = users.as_ref();
        let keys = keys.as_ref().chunks_exact(KEY_LEN);
        if keys.len() != users.len() || !keys.remainder().is_empty() {
            return Err(malformed());
        }
        let mut keyring = Keyring::new();
        for (&user, key) in users.iter().zip(keys) {
            keyring.insert(user, Key::from_slice(key).ok_or_else(malformed)?);
        }
        self.gate.set_keys(keyring);
        Ok(())
    }

    /// Judges a batch of queries (100 bytes each) at `nowMs` of CLOCK_MONOTONIC; returns as many
    /// verdicts (124 bytes each). Proofs it finds stay reserved until `settle` or the next `check`.
    #[napi]
    pub fn check(&mut self, queries: Uint8Array, now_ms: f64) -> Result<Buffer> {
        self.gate.abandon_pending();
        self.reserved.clear();
        let queries = queries.as_ref();
        let mut verdicts = Vec::with_capacity(queries.len() / QUERY_LEN * VERDICT_LEN);
        for query in records(queries, QUERY_LEN)? {
            let (peer, message) = read_query(query)?;
            let verdict = self.gate.check(now_ms as u64, &peer, &message);
            self.reserved.push(write_verdict(verdict, &mut verdicts));
        }
        Ok(verdicts.into())
    }

    /// Says what came of the last batch, a byte per query: 1 where the lease was acknowledged by the
    /// kernel, so that its proof is remembered; anything else forgets the reservation.
    #[napi]
    pub fn settle(&mut self, outcomes: Uint8Array) {
        for (proof, &outcome) in self.reserved.drain(..).zip(outcomes.as_ref()) {
            if let Some(proof) = proof {
                self.gate.settle(proof, outcome == 1);
            }
        }
        self.gate.abandon_pending();
    }
}

fn read_query(mut query: Fields<'_>) -> Result<(Peer, [u8; MESSAGE_LEN])> {
    let _kind = query.byte()?;
    let transport = match query.byte()? {
        0 => Transport::Tcp,
        1 => Transport::Udp,
        _ => return Err(malformed()),
    };
    let port = query.port()?;
    let _id_and_time = query.take::<12>()?;
    let address = query.take()?;
    let _standing = query.take::<12>()?;
    Ok((
        Peer {
            address,
            port,
            transport,
        },
        query.take()?,
    ))
}

/// Appends the record of `verdict`; returns the proof that it reserved, if any.
fn write_verdict(verdict: Verdict, out: &mut Vec<u8>) -> Option<Proof> {
    let (kind, operation, user, resource) = match &verdict {
        Verdict::Malformed => (0, Operation::Knock, 0, 0),
        Verdict::Misplaced { user, resource } => (1, Operation::Knock, *user, *resource),
        Verdict::WrongFirst {
            operation,
            user,
            resource,
        } => (2, *operation, *user, *resource),
        Verdict::Challenge {
            operation,
            user,
            resource,
            ..
        } => (3, *operation, *user, *resource),
        Verdict::WrongResponse { user, resource } => (4, Operation::Response, *user, *resource),
        Verdict::Proven {
            operation,
            user,
            resource,
            ..
        } => (5, *operation, *user, *resource),
        Verdict::Again {
            operation,
            user,
            resource,
        } => (6, *operation, *user, *resource),
        Verdict::Pending { user, resource } => (7, Operation::Response, *user, *resource),
        Verdict::ShareFull { user, resource } => (8, Operation::Response, *user, *resource),
    };
    let come_in = || plain(Operation::ComeIn, user, resource);
    let yes = match &verdict {
        Verdict::Challenge { reply, .. } => *reply,
        Verdict::Proven { .. } | Verdict::Again { .. } => come_in(),
        _ => [0; MESSAGE_LEN],
    };
    out.extend_from_slice(&[kind, operation.to_wire() as u8, 0, 0]);
    out.extend_from_slice(&user.to_be_bytes());
    out.extend_from_slice(&resource.to_be_bytes());
    out.extend_from_slice(&yes);
    out.extend_from_slice(&plain(Operation::GoAway, user, resource));
    match verdict {
        Verdict::Proven { proof, .. } => Some(proof),
        _ => None,
    }
}

/// A message that nobody authenticates; receivers ignore its SALT and AUTH (docs/protocol.md).
fn plain(operation: Operation, user: u32, resource: u32) -> [u8; MESSAGE_LEN] {
    let mut message = Message::new(operation, user, resource, [0; SALT_LEN]);
    message.auth = [0; MAC_LEN];
    message.encode()
}
