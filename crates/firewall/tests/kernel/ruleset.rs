//! The administrator's table that most tests use, and ours in it.

use std::net::IpAddr;

use letmein_firewall::{
    Change, Family, Firewall, Holder, Hook, Jump, Opening, Protocol, Ruleset, Target,
};

use crate::namespace::nft;

pub const V4: [u8; 16] = mapped([192, 0, 2, 7]);
pub const V6: [u8; 16] = [
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42,
];
pub const MINUTE_MS: u64 = 60_000;

const fn mapped([a, b, c, d]: [u8; 4]) -> [u8; 16] {
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

pub fn address(text: &str) -> [u8; 16] {
    match text.parse().unwrap() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// Chains of ours and one of the administrator's, in a table of this family.
pub fn admin_table(family: Family) -> String {
    let family = family.name();
    format!(
        "table {family} filter {{
            chain LETMEIN-INPUT {{ }}
            chain LETMEIN-FORWARD {{ }}
            chain LETMEIN-OUTPUT {{ }}
            chain SPECIAL {{ counter comment \"mine\"; }}
            chain INPUT {{ type filter hook input priority 0; policy accept; jump LETMEIN-INPUT; }}
            chain OUTPUT {{ type filter hook output priority 0; policy accept; jump LETMEIN-OUTPUT; }}
            chain FORWARD {{ type filter hook forward priority 0; policy accept; jump LETMEIN-FORWARD; }}
        }}"
    )
}

fn target(chain: &str, match_source: bool) -> Option<Target> {
    Some(Target {
        chain: chain.into(),
        match_source,
    })
}

/// Resource A jumps from input (matched) and forward (unmatched); B from output (unmatched): both to SPECIAL.
pub fn ruleset(family: Family) -> Ruleset {
    Ruleset {
        family,
        table: "filter".into(),
        chain_input: "LETMEIN-INPUT".into(),
        chain_forward: Some("LETMEIN-FORWARD".into()),
        chain_output: Some("LETMEIN-OUTPUT".into()),
        control_port: 5800,
        control_tcp: true,
        control_udp: true,
        jumps: vec![
            Jump {
                resource: 0xa,
                input: target("SPECIAL", true),
                forward: target("SPECIAL", false),
                output: None,
            },
            Jump {
                resource: 0xb,
                input: None,
                forward: None,
                output: target("SPECIAL", false),
            },
        ],
    }
}

/// The table, and ours installed in it.
pub fn installed(family: Family) -> Firewall {
    nft(&admin_table(family));
    let mut firewall = Firewall::open(ruleset(family)).unwrap();
    let report = firewall.install(&[]).unwrap();
    assert_eq!((report.foreign.len(), report.out_of_service.len()), (0, 0));
    firewall
}

pub fn port(address: [u8; 16], port: u16) -> Opening {
    Opening::Port {
        address,
        protocol: Protocol::Tcp,
        port,
    }
}

pub fn jump(resource: u32, hook: Hook, address: [u8; 16]) -> Opening {
    Opening::Jump {
        resource,
        hook,
        address,
    }
}

pub fn holder(address: [u8; 16], user: u32) -> Holder {
    Holder {
        address,
        resource: 1,
        user,
    }
}

pub fn open(opening: Opening, timeout_ms: u64) -> Change {
    Change::Open {
        opening,
        timeout_ms,
    }
}

pub fn hold(holder: Holder, timeout_ms: u64) -> Change {
    Change::Hold { holder, timeout_ms }
}

/// What is open, sorted by its debug text.
pub fn openings(firewall: &mut Firewall) -> Vec<Opening> {
    let mut all: Vec<_> = firewall.leases().unwrap();
    all.sort_by_key(|lease| format!("{lease:?}"));
    all.into_iter().map(|lease| lease.opening).collect()
}
