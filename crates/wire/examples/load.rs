//! The benchmark's load generator: knocks and revokes as many clients would, one thread each (`bench/generator.ts`
//! starts it in a client's namespace). In Rust because it shares the machine with the daemons it measures.
//!
//! A line of JSON on standard input asks for a load, a line on standard output says what came of it:
//!
//! ```text
//! {"transport":"udp","operation":"knock","clients":2,"errands":[
//!   {"from":"10.200.0.0:0","to":"10.77.0.1:5800","user":1,"resource":48,"key":"<64 hexadecimal digits>"},…]}
//! {"ms":[0.11,…],"totalMs":3.5}    or    {"error":"failed to …"}
//! ```
//!
//! Errand n is client n modulo `clients`' own, who waits for its COMEIN before the next. `ms` is the time from the
//! KNOCK's sending (TCP: from the connect) to the COMEIN, by errand; `totalMs` from the first start to the last end.

#![allow(missing_docs, reason = "a tool, not a library")]

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, BufRead, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use letmein_wire::{KEY_LEN, Key, MESSAGE_LEN, Message, Operation, SALT_LEN, ZERO_TOKEN};
use serde_json::{Value, json};

/// A lost or refused message is a failure of the benchmark, not a sample.
const PATIENCE: Duration = Duration::from_secs(10);
const HEX: u32 = 16;
/// Hexadecimal digits of a byte.
const DIGITS: usize = 2;

/// What went wrong, for people.
type Failure = String;

fn main() -> io::Result<()> {
    let mut clients = Clients::default();
    for line in io::stdin().lock().lines() {
        let answer = match load(&line?, &mut clients) {
            Ok(result) => result,
            Err(failure) => json!({ "error": failure }),
        };
        // One write and one flush: standard output is a pipe.
        let mut output = io::stdout().lock();
        output.write_all(format!("{answer}\n").as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

fn load(line: &str, clients: &mut Clients) -> Result<Value, Failure> {
    let request: Value = serde_json::from_str(line).map_err(failed("read a request"))?;
    let errands = errands(&request)?;
    let client_count = count(&request, "clients")?;
    let timings = match text(&request, "transport")? {
        "udp" => {
            clients.open(&errands)?;
            let clients: &Clients = clients;
            drive(&errands, client_count, |errand| clients.run(errand))?
        }
        "tcp" => drive(&errands, client_count, run_tcp)?,
        other => return Err(format!("failed to read a request: transport {other}")),
    };
    Ok(report(&timings, errands.len()))
}

/// An errand made ready, so that only what needs the server's CHALLENGE is left for the measured time.
struct Errand {
    /// A UDP client's address and port. TCP takes what the route says: the standard library cannot bind it.
    from: SocketAddr,
    to: SocketAddr,
    key: Key,
    first: [u8; MESSAGE_LEN],
    /// Not signed yet.
    response: Message,
}

impl Errand {
    /// The RESPONSE to a CHALLENGE.
    fn answer(&self, challenge: &[u8]) -> Result<[u8; MESSAGE_LEN], Failure> {
        let token = self.expect(Operation::Challenge, challenge)?.auth;
        Ok(self.response.signed(&self.key, &token).encode())
    }

    fn expect(&self, wanted: Operation, bytes: &[u8]) -> Result<Message, Failure> {
        let message = Message::decode(bytes).map_err(failed("read an answer"))?;
        let is_ours =
            message.user == self.response.user && message.resource == self.response.resource;
        if message.operation == wanted && is_ours {
            Ok(message)
        } else {
            Err(format!(
                "the server answered with {:?} instead of {wanted:?}",
                message.operation
            ))
        }
    }
}

fn errands(request: &Value) -> Result<Vec<Errand>, Failure> {
    let operation = match text(request, "operation")? {
        "knock" => Operation::Knock,
        "revoke" => Operation::Revoke,
        other => return Err(format!("failed to read a request: operation {other}")),
    };
    let list = request.get("errands").and_then(Value::as_array);
    list.ok_or_else(|| missing("errands"))?
        .iter()
        .zip(0_u64..)
        .map(|(errand, place)| prepare(errand, operation, place.to_be_bytes()))
        .collect()
}

fn prepare(errand: &Value, operation: Operation, salt: [u8; SALT_LEN]) -> Result<Errand, Failure> {
    let [user, resource] = [id(errand, "user")?, id(errand, "resource")?];
    let key = Key::new(&key_bytes(text(errand, "key")?).ok_or_else(|| missing("key"))?);
    let first = Message::new(operation, user, resource, salt).signed(&key, &ZERO_TOKEN);
    Ok(Errand {
        from: socket_address(errand, "from")?,
        to: socket_address(errand, "to")?,
        key,
        first: first.encode(),
        response: Message::new(Operation::Response, user, resource, salt),
    })
}

/// The UDP socket of each source, kept: a real client's is opened before its knock is timed.
#[derive(Default)]
struct Clients {
    sockets: HashMap<SocketAddr, UdpSocket>,
}

impl Clients {
    fn open(&mut self, errands: &[Errand]) -> Result<(), Failure> {
        for &Errand { from, to, .. } in errands {
            if let Entry::Vacant(place) = self.sockets.entry(from) {
                place.insert(connected(from, to).map_err(failed("open a UDP socket"))?);
            }
        }
        Ok(())
    }

    fn run(&self, errand: &Errand) -> Result<(), Failure> {
        let socket = self
            .sockets
            .get(&errand.from)
            .ok_or_else(|| missing("from"))?;
        // A byte more than a message: a longer datagram must not look like one.
        let mut answer = [0; MESSAGE_LEN + 1];
        let challenge = ask_udp(socket, &errand.first, &mut answer)?;
        let response = errand.answer(challenge)?;
        let come_in = ask_udp(socket, &response, &mut answer)?;
        errand.expect(Operation::ComeIn, come_in)?;
        Ok(())
    }
}

fn connected(from: SocketAddr, to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(from)?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

fn ask_udp<'a>(
    socket: &UdpSocket,
    message: &[u8],
    answer: &'a mut [u8],
) -> Result<&'a [u8], Failure> {
    socket.send(message).map_err(failed("send a message"))?;
    let length = socket.recv(answer).map_err(failed("receive an answer"))?;
    Ok(answer.get(..length).unwrap_or_default())
}

/// Runs an errand on a connection of its own.
fn run_tcp(errand: &Errand) -> Result<(), Failure> {
    let stream = TcpStream::connect_timeout(&errand.to, PATIENCE).map_err(failed("connect"))?;
    stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
        .map_err(failed("set up a connection"))?;
    let challenge = ask_tcp(&stream, &errand.first)?;
    let come_in = ask_tcp(&stream, &errand.answer(&challenge)?)?;
    errand.expect(Operation::ComeIn, &come_in)?;
    Ok(())
}

fn ask_tcp(mut stream: &TcpStream, message: &[u8]) -> Result<[u8; MESSAGE_LEN], Failure> {
    let mut answer = [0; MESSAGE_LEN];
    stream
        .write_all(message)
        .map_err(failed("send a message"))?;
    stream
        .read_exact(&mut answer)
        .map_err(failed("receive an answer"))?;
    Ok(answer)
}

/// When an errand began and ended.
type Timing = (Instant, Instant);

/// Runs the errands by `clients` threads, which begin together. Returns the timings of each client's errands.
fn drive<R>(errands: &[Errand], clients: usize, run: R) -> Result<Vec<Vec<Timing>>, Failure>
where
    R: Fn(&Errand) -> Result<(), Failure> + Sync,
{
    let start = Barrier::new(clients);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let own = errands.iter().skip(client).step_by(clients);
                let (start, run) = (&start, &run);
                scope.spawn(move || {
                    start.wait();
                    own.map(|errand| timed(|| run(errand))).collect()
                })
            })
            .collect();
        threads.into_iter().map(joined).collect()
    })
}

fn timed(run: impl FnOnce() -> Result<(), Failure>) -> Result<Timing, Failure> {
    let begin = Instant::now();
    run()?;
    Ok((begin, Instant::now()))
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    thread
        .join()
        .unwrap_or_else(|_| Err("a client's thread ended".to_owned()))
}

/// The answer to a load; puts the errands of all clients back into their order.
fn report(timings: &[Vec<Timing>], errands: usize) -> Value {
    let ms: Vec<f64> = (0..errands)
        .filter_map(|place| {
            let client = timings.get(place % timings.len())?;
            client.get(place / timings.len())
        })
        .map(|(begin, end)| milliseconds(*begin, *end))
        .collect();
    let all = || timings.iter().flatten();
    let first = all().map(|(begin, _)| *begin).min();
    let last = all().map(|(_, end)| *end).max();
    let total_ms = first
        .zip(last)
        .map(|(first, last)| milliseconds(first, last));
    json!({ "ms": ms, "totalMs": total_ms.unwrap_or_default() })
}

fn milliseconds(begin: Instant, end: Instant) -> f64 {
    end.duration_since(begin).as_secs_f64() * 1e3
}

fn failed<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Failure {
    move |error| format!("failed to {what}: {error}")
}

fn missing(field: &str) -> Failure {
    format!("failed to read a request: no valid {field}")
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Failure> {
    let found = value.get(field).and_then(Value::as_str);
    found.ok_or_else(|| missing(field))
}

fn id(value: &Value, field: &str) -> Result<u32, Failure> {
    let found = value.get(field).and_then(Value::as_u64);
    found
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| missing(field))
}

/// At least 1.
fn count(value: &Value, field: &str) -> Result<usize, Failure> {
    let found = usize::try_from(id(value, field)?).ok();
    found
        .filter(|&count| count > 0)
        .ok_or_else(|| missing(field))
}

fn socket_address(value: &Value, field: &str) -> Result<SocketAddr, Failure> {
    text(value, field)?.parse().map_err(|_| missing(field))
}

fn key_bytes(hex: &str) -> Option<[u8; KEY_LEN]> {
    let bytes = (0..KEY_LEN).map(|place| {
        let digits = hex.get(place * DIGITS..(place + 1) * DIGITS)?;
        u8::from_str_radix(digits, HEX).ok()
    });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
