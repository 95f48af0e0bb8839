//! Opening, refreshing, revoking and expiring.

use std::time::{Duration, Instant};

use letmein_firewall::{Change, Family, Firewall, Hook};

use crate::{
    namespace,
    ruleset::{MINUTE_MS, V4, V6, hold, holder, installed, jump, open, openings, port},
};

fn remaining(firewall: &mut Firewall) -> u64 {
    let leases = firewall.leases().unwrap();
    assert_eq!(leases.len(), 1);
    leases[0].remaining_ms.unwrap()
}

#[test]
fn refresh_sets_the_time() {
    namespace::run("leases::refresh_sets_the_time", || {
        let mut firewall = installed(Family::Inet);
        for timeout_ms in [MINUTE_MS, 10 * MINUTE_MS, MINUTE_MS / 2] {
            firewall.apply(&[open(port(V4, 22), timeout_ms)]).unwrap();
            let left = remaining(&mut firewall);
            assert!(left <= timeout_ms && left > timeout_ms - 1_000, "{left}");
        }
        // The longest of a configuration, and beyond.
        for timeout_ms in [u64::from(u32::MAX) * 1_000, u64::MAX] {
            firewall.apply(&[open(port(V4, 22), timeout_ms)]).unwrap();
            assert!(remaining(&mut firewall) > u64::from(u32::MAX) * 999);
        }
    });
}

#[test]
fn close_and_release_need_nothing_to_be_there() {
    namespace::run("leases::close_and_release_need_nothing_to_be_there", || {
        let mut firewall = installed(Family::Inet);
        let everything = |make: fn(_) -> Change| {
            [
                port(V4, 22),
                port(V6, 22),
                jump(0xa, Hook::Input, V4),
                jump(0xa, Hook::Input, V6),
                jump(0xa, Hook::Forward, V4),
                jump(0xb, Hook::Output, V6),
            ]
            .map(make)
        };
        let close = |opening| Change::Close { opening };
        let release = Change::Release {
            holder: holder(V4, 3),
        };
        firewall.apply(&everything(close)).unwrap();
        firewall.apply(&[release]).unwrap();
        firewall.apply(&everything(|o| open(o, MINUTE_MS))).unwrap();
        firewall.apply(&[hold(holder(V4, 3), MINUTE_MS)]).unwrap();
        assert_eq!(openings(&mut firewall).len(), 6);
        assert_eq!(firewall.ledger().unwrap().len(), 1);
        firewall.apply(&everything(close)).unwrap();
        firewall.apply(&[release]).unwrap();
        assert_eq!(openings(&mut firewall), []);
        assert_eq!(firewall.ledger().unwrap(), []);
        firewall.apply(&[]).unwrap();
    });
}

#[test]
fn the_last_change_to_a_key_counts() {
    namespace::run("leases::the_last_change_to_a_key_counts", || {
        let mut firewall = installed(Family::Inet);
        let close = Change::Close {
            opening: port(V4, 22),
        };
        let opened = open(port(V4, 22), MINUTE_MS);
        firewall.apply(&[opened, close, opened, close]).unwrap();
        assert_eq!(openings(&mut firewall), []);
        firewall
            .apply(&[close, opened, open(port(V4, 22), 5 * MINUTE_MS)])
            .unwrap();
        assert!(remaining(&mut firewall) > 4 * MINUTE_MS);
    });
}

#[test]
fn the_kernel_ends_leases_by_itself() {
    namespace::run("leases::the_kernel_ends_leases_by_itself", || {
        let mut firewall = installed(Family::Inet);
        firewall
            .apply(&[
                open(port(V4, 22), 50),
                open(jump(0xb, Hook::Output, V4), 50),
                hold(holder(V4, 3), 50),
                // 0 counts as the shortest time, not as "for ever".
                open(port(V6, 22), 0),
            ])
            .unwrap();
        let start = Instant::now();
        while !openings(&mut firewall).is_empty() || !firewall.ledger().unwrap().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(2));
            std::thread::yield_now();
        }
    });
}

#[test]
fn refreshing_what_is_just_expiring_never_fails() {
    namespace::run(
        "leases::refreshing_what_is_just_expiring_never_fails",
        || {
            let mut firewall = installed(Family::Inet);
            let changes = [
                open(port(V4, 22), 1),
                open(jump(0xa, Hook::Input, V4), 1),
                hold(holder(V4, 3), 1),
            ];
            let closing = [
                Change::Close {
                    opening: port(V4, 22),
                },
                Change::Release {
                    holder: holder(V4, 3),
                },
            ];
            for round in 0..2_000u32 {
                firewall.apply(&changes).unwrap();
                if round % 7 == 0 {
                    firewall.apply(&closing).unwrap();
                }
                let pause = Duration::from_micros(u64::from(round % 23) * 100);
                let start = Instant::now();
                while start.elapsed() < pause {
                    std::hint::spin_loop();
                }
            }
        },
    );
}

#[test]
fn all_or_nothing() {
    namespace::run("leases::all_or_nothing", || {
        let mut firewall = installed(Family::Ip);
        let both = [open(port(V4, 22), MINUTE_MS), open(port(V6, 22), MINUTE_MS)];
        let error = firewall.apply(&both).unwrap_err();
        assert_eq!(error.code, "EAFNOSUPPORT");
        assert_eq!(openings(&mut firewall), []);
        // Closing what cannot be open is no error.
        let opening = port(V6, 22);
        firewall.apply(&[Change::Close { opening }]).unwrap();

        namespace::nft(
            "flush chain ip filter LETMEIN-OUTPUT; delete set ip filter letmein-0000000b-output",
        );
        let both = [
            open(port(V4, 22), MINUTE_MS),
            open(jump(0xb, Hook::Output, V4), MINUTE_MS),
        ];
        let error = firewall.apply(&both).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to add element to set letmein-0000000b-output of table ip filter: ENOENT: was the ruleset reloaded?"
        );
        assert_eq!(openings(&mut firewall), []);
        // The socket is as good as before.
        firewall.apply(&both[..1]).unwrap();
        assert_eq!(openings(&mut firewall), [port(V4, 22)]);
    });
}
