//! Real packets over `lo`, behind a chain that drops: do the rules match what they should?

use std::{
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use letmein_firewall::{Change, Family, Firewall, Hook, Jump, Opening, Protocol, Ruleset, Target};

use crate::{
    namespace::{self, nft},
    ruleset::{MINUTE_MS, address, jump, open, port},
};

const SERVICE: u16 = 4022;
const CONTROL: u16 = 5800;
/// Dropped packets are never answered; on `lo` an answer takes microseconds.
const PATIENCE: Duration = Duration::from_millis(60);

/// Drops everything but what the service answers.
fn closed_table(family: Family) -> String {
    format!(
        "table {} filter {{
            chain LETMEIN-INPUT {{ }}
            chain LETMEIN-OUTPUT {{ }}
            chain LETIN {{ tcp dport {SERVICE} accept; }}
            chain BLOCK {{ tcp dport {SERVICE} drop; }}
            chain INPUT {{ type filter hook input priority 0; policy drop;
                tcp sport {{ {SERVICE}, {CONTROL} }} accept; meta l4proto ipv6-icmp accept; jump LETMEIN-INPUT; }}
            chain OUTPUT {{ type filter hook output priority 0; policy accept; jump LETMEIN-OUTPUT; }}
        }}",
        family.name()
    )
}

fn target(chain: &str, match_source: bool) -> Option<Target> {
    Some(Target {
        chain: chain.into(),
        match_source,
    })
}

fn firewall(family: Family) -> Firewall {
    nft(&closed_table(family));
    let jump = |resource, input, output| Jump {
        resource,
        input,
        forward: None,
        output,
    };
    let mut firewall = Firewall::open(Ruleset {
        family,
        table: "filter".into(),
        chain_input: "LETMEIN-INPUT".into(),
        chain_forward: None,
        chain_output: Some("LETMEIN-OUTPUT".into()),
        control_port: CONTROL,
        control_tcp: true,
        control_udp: true,
        jumps: vec![
            jump(0xa, target("LETIN", true), None),
            jump(0xb, target("LETIN", false), None),
            jump(0xc, None, target("BLOCK", false)),
        ],
    })
    .unwrap();
    assert!(firewall.install(&[]).unwrap().out_of_service.is_empty());
    firewall
}

fn connects(to: SocketAddr) -> bool {
    TcpStream::connect_timeout(&to, PATIENCE).is_ok()
}

/// From `from` to the service over UDP.
fn datagram_arrives(server: &UdpSocket, from: &str) -> bool {
    let client = UdpSocket::bind((from, 0)).unwrap();
    client.send_to(b"x", server.local_addr().unwrap()).unwrap();
    server.recv(&mut [0; 8]).is_ok()
}

fn udp(at: SocketAddr) -> UdpSocket {
    let server = UdpSocket::bind(at).unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    server
}

fn port_leases(family: Family, host: &str) {
    let mut firewall = firewall(family);
    let at: SocketAddr = SocketAddr::new(host.parse().unwrap(), SERVICE);
    let _service = TcpListener::bind(at).unwrap();
    let control = SocketAddr::new(at.ip(), CONTROL);
    let _control = TcpListener::bind(control).unwrap();
    let datagrams = udp(at);
    assert!(connects(control), "the control port is open over tcp");
    assert!(datagram_arrives(&udp(control), host), "and over udp");
    assert!(!connects(at));

    firewall
        .apply(&[open(port(address(host), SERVICE), MINUTE_MS)])
        .unwrap();
    assert!(connects(at), "open for this address, protocol and port");
    assert!(!datagram_arrives(&datagrams, host), "not for udp");
    firewall
        .apply(&[Change::Close {
            opening: port(address(host), SERVICE),
        }])
        .unwrap();
    assert!(!connects(at));

    let opening = Opening::Port {
        address: address(host),
        protocol: Protocol::Udp,
        port: SERVICE,
    };
    firewall.apply(&[open(opening, MINUTE_MS)]).unwrap();
    assert!(datagram_arrives(&datagrams, host));
    assert!(!connects(at), "not for tcp");
    // Another port, another address.
    let others = [
        open(port(address(host), SERVICE + 1), MINUTE_MS),
        open(port(crate::ruleset::V4, SERVICE), MINUTE_MS),
    ];
    if family.has_ipv4() {
        firewall.apply(&others).unwrap();
        assert!(!connects(at));
    }
}

fn jump_leases(family: Family, host: &str) {
    let mut firewall = firewall(family);
    let at: SocketAddr = SocketAddr::new(host.parse().unwrap(), SERVICE);
    let _service = TcpListener::bind(at).unwrap();
    let own = address(host);
    let close = |opening| Change::Close { opening };

    for opening in [jump(0xa, Hook::Input, own), jump(0xb, Hook::Input, [0; 16])] {
        assert!(!connects(at));
        firewall.apply(&[open(opening, MINUTE_MS)]).unwrap();
        assert!(connects(at), "{opening:?}");
        firewall.apply(&[close(opening)]).unwrap();
    }
    // In the output hook too the constant key is there to be matched.
    let block = jump(0xc, Hook::Output, [0; 16]);
    firewall
        .apply(&[open(port(own, SERVICE), MINUTE_MS)])
        .unwrap();
    assert!(connects(at));
    firewall.apply(&[open(block, MINUTE_MS)]).unwrap();
    assert!(!connects(at));
    firewall.apply(&[close(block)]).unwrap();
    assert!(connects(at));
    // The kernel closes by itself.
    firewall.apply(&[open(port(own, SERVICE), 20)]).unwrap();
    std::thread::sleep(PATIENCE);
    assert!(!connects(at));
}

#[test]
fn ports_inet_v4() {
    namespace::run("packets::ports_inet_v4", || {
        port_leases(Family::Inet, "127.0.0.1");
    });
}

#[test]
fn ports_inet_v6() {
    namespace::run("packets::ports_inet_v6", || {
        port_leases(Family::Inet, "::1");
    });
}

#[test]
fn ports_ip() {
    namespace::run("packets::ports_ip", || {
        port_leases(Family::Ip, "127.0.0.1");
    });
}

#[test]
fn ports_ip6() {
    namespace::run("packets::ports_ip6", || port_leases(Family::Ip6, "::1"));
}

#[test]
fn jumps_inet_v4() {
    namespace::run("packets::jumps_inet_v4", || {
        jump_leases(Family::Inet, "127.0.0.1");
    });
}

#[test]
fn jumps_inet_v6() {
    namespace::run("packets::jumps_inet_v6", || {
        jump_leases(Family::Inet, "::1");
    });
}

#[test]
fn jumps_ip() {
    namespace::run("packets::jumps_ip", || {
        jump_leases(Family::Ip, "127.0.0.1");
    });
}

#[test]
fn jumps_ip6() {
    namespace::run("packets::jumps_ip6", || jump_leases(Family::Ip6, "::1"));
}

/// An install over a running one never lets a packet see the control port or an adopted lease closed.
#[test]
fn installing_again_closes_nothing_for_a_moment() {
    namespace::run(
        "packets::installing_again_closes_nothing_for_a_moment",
        || {
            let mut firewall = firewall(Family::Ip);
            let own = address("127.0.0.1");
            let adopted = [
                open(port(own, SERVICE), MINUTE_MS),
                open(jump(0xa, Hook::Input, own), MINUTE_MS),
            ];
            firewall.install(&adopted).unwrap();
            let listeners =
                [SERVICE, CONTROL].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
            let done = AtomicBool::new(false);
            std::thread::scope(|scope| {
                // A dropped SYN would be sent again after a second only: the connection fails.
                let knocking = scope.spawn(|| {
                    let mut connections = 0;
                    while !done.load(Ordering::Relaxed) || connections < 100 {
                        for listener in &listeners {
                            let at = listener.local_addr().unwrap();
                            assert!(connects(at), "{at} after {connections}");
                            drop(listener.accept().unwrap());
                            connections += 1;
                        }
                    }
                    connections
                });
                for _ in 0..1_000 {
                    firewall.install(&adopted).unwrap();
                }
                done.store(true, Ordering::Relaxed);
                println!("{} connections", knocking.join().unwrap());
            });
        },
    );
}
