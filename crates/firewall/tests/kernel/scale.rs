//! Many leases. Times are printed (`--nocapture`), and bounded only so loosely that a slow machine passes.

use std::time::{Duration, Instant};

use letmein_firewall::{Change, Family, Holder};

use crate::{
    namespace,
    ruleset::{MINUTE_MS, V4, hold, installed, open, port},
};

const LEASES: u32 = 10_000;

fn client(number: u32) -> [u8; 16] {
    std::net::Ipv4Addr::from(0x0a00_0000 + number)
        .to_ipv6_mapped()
        .octets()
}

fn lease(number: u32, timeout_ms: u64) -> [Change; 2] {
    let holder = Holder {
        address: client(number),
        resource: 1,
        user: 1,
    };
    [
        hold(holder, timeout_ms),
        open(port(client(number), 22), timeout_ms),
    ]
}

fn leases() -> Vec<Change> {
    (0..LEASES).flat_map(|n| lease(n, MINUTE_MS)).collect()
}

/// Time of each of `rounds` calls: median and 99th percentile.
fn percentiles(rounds: u32, mut call: impl FnMut(u32)) -> (Duration, Duration) {
    let mut times: Vec<_> = (0..rounds)
        .map(|round| {
            let start = Instant::now();
            call(round);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    (at(50), at(99))
}

#[test]
fn ten_thousand_leases_are_adopted() {
    namespace::run("scale::ten_thousand_leases_are_adopted", || {
        let mut firewall = installed(Family::Inet);
        for round in ["new", "again"] {
            let start = Instant::now();
            match firewall.install(&leases()) {
                // In a user namespace the send buffer cannot be made large enough.
                Err(error) if error.code == "EMSGSIZE" => return println!("{error}"),
                report => report.map(drop).unwrap(),
            }
            let took = start.elapsed();
            println!("{LEASES} leases adopted ({round}): {took:?}");
            assert!(took < Duration::from_secs(2));
        }
        let start = Instant::now();
        assert_eq!(firewall.ledger().unwrap().len(), LEASES as usize);
        println!("ledger of {LEASES} read: {:?}", start.elapsed());
        assert_eq!(firewall.leases().unwrap().len(), LEASES as usize);

        let start = Instant::now();
        firewall.apply(&leases()).unwrap();
        println!("{LEASES} leases refreshed at once: {:?}", start.elapsed());
        let (p50, p99) = percentiles(5_000, |n| {
            firewall.apply(&lease(n, MINUTE_MS)).unwrap();
        });
        println!("refresh beside {LEASES}: p50 {p50:?} p99 {p99:?}");
        let start = Instant::now();
        firewall.remove().unwrap();
        println!("removed: {:?}", start.elapsed());
    });
}

#[test]
fn one_and_a_hundred() {
    namespace::run("scale::one_and_a_hundred", || {
        let mut firewall = installed(Family::Inet);
        let (p50, p99) = percentiles(5_000, |n| {
            firewall.apply(&lease(n, MINUTE_MS)).unwrap();
        });
        println!("new lease (open + hold): p50 {p50:?} p99 {p99:?}");
        let (p50, p99) = percentiles(5_000, |n| {
            firewall.apply(&lease(n, MINUTE_MS)).unwrap();
        });
        println!("refresh (open + hold): p50 {p50:?} p99 {p99:?}");
        let (p50, p99) = percentiles(5_000, |_| {
            firewall.apply(&[open(port(V4, 22), MINUTE_MS)]).unwrap();
        });
        println!("refresh (open alone): p50 {p50:?} p99 {p99:?}");
        let mut changes = Vec::new();
        let (p50, p99) = percentiles(200, |n| {
            changes.clear();
            changes.extend((0..50).flat_map(|m| lease(n % 100 * 50 + m, MINUTE_MS)));
            firewall.apply(&changes).unwrap();
        });
        println!(
            "100 changes: p50 {p50:?} ({:?} each) p99 {p99:?}",
            p50 / 100
        );
        let (p50, p99) = percentiles(2_000, |n| {
            let [_, Change::Open { opening, .. }] = lease(n, MINUTE_MS) else {
                return;
            };
            firewall.apply(&[Change::Close { opening }]).unwrap();
        });
        println!("close: p50 {p50:?} p99 {p99:?}");
    });
}
