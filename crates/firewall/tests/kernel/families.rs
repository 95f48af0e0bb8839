//! In inet, ip and ip6: what nft lists, and that its listing loads again.

use letmein_firewall::{Change, Family, Firewall, Hook};

use crate::{
    namespace::{self, list, nft, set_handles},
    ruleset::{
        MINUTE_MS, V4, V6, admin_table, hold, holder, installed, jump, open, openings, port,
        ruleset,
    },
};

#[test]
fn inet() {
    namespace::run("families::inet", || {
        round_trip(Family::Inet, &[V4, V6]);
    });
}

#[test]
fn ip() {
    namespace::run("families::ip", || round_trip(Family::Ip, &[V4]));
}

#[test]
fn ip6() {
    namespace::run("families::ip6", || round_trip(Family::Ip6, &[V6]));
}

fn changes(addresses: &[[u8; 16]]) -> Vec<Change> {
    let mut changes = vec![open(jump(0xb, Hook::Output, V4), MINUTE_MS)];
    changes.push(open(jump(0xa, Hook::Forward, V6), MINUTE_MS));
    for address in addresses {
        changes.push(open(port(*address, 22), MINUTE_MS));
        changes.push(open(jump(0xa, Hook::Input, *address), MINUTE_MS));
        changes.push(hold(holder(*address, 3), MINUTE_MS));
    }
    changes
}

fn round_trip(family: Family, addresses: &[[u8; 16]]) {
    let mut firewall = installed(family);
    firewall.apply(&changes(addresses)).unwrap();
    let before = openings(&mut firewall);
    assert_eq!(before.len(), 2 + 2 * addresses.len());

    let saved = list();
    println!("{saved}");
    assert_lists(&saved, family);
    nft(&format!("flush ruleset\n{saved}"));
    // The listing has what nft would have listed had it made all of this itself. (Times have gone on.)
    assert_eq!(without_times(&list()), without_times(&saved));
    assert_eq!(openings(&mut firewall), before);
    firewall.apply(&changes(addresses)).unwrap();

    // Over the loaded ruleset: again, twice, then with nothing open. Its sets stay the same ones.
    let handles = set_handles();
    assert!(handles.iter().all(|line| line.contains("# handle")));
    for _ in 0..2 {
        let report = firewall.install(&changes(addresses)).unwrap();
        assert_eq!(report.foreign, Vec::<String>::new());
        assert!(report.out_of_service.is_empty());
        assert_eq!(openings(&mut firewall), before);
        assert_eq!(without_times(&list()), without_times(&saved));
    }
    firewall.install(&[]).unwrap();
    assert_eq!(openings(&mut firewall), []);
    assert_eq!(firewall.ledger().unwrap(), []);
    assert_eq!(set_handles(), handles);

    firewall.remove().unwrap();
    assert_eq!(list(), fresh_listing(family));
    firewall.remove().unwrap();
}

/// How the administrator's table lists without us.
fn fresh_listing(family: Family) -> String {
    nft(&format!("flush ruleset\n{}", admin_table(family)));
    list()
}

fn assert_lists(text: &str, family: Family) {
    let has = |wanted: &str| assert!(text.contains(wanted), "{wanted} not in\n{text}");
    has("tcp dport 5800 accept comment \"letmein\"");
    has("udp dport 5800 accept comment \"letmein\"");
    has("meta protocol @letmein-0000000b-output jump SPECIAL comment \"letmein\"");
    has("type ipv6_addr . mark . mark");
    if family.has_ipv4() {
        has("type ipv4_addr . inet_proto . inet_service");
        has("ip saddr . meta l4proto . th dport @letmein-port4 counter packets 0 bytes 0 accept");
        has("192.0.2.7 . tcp . 22 timeout 1m");
        has("ip saddr @letmein-0000000a-input4 jump SPECIAL comment \"letmein\"");
        has("::ffff:192.0.2.7 . 0x00000001 . 0x00000003 timeout 1m");
    }
    if family.has_ipv6() {
        has("2001:db8::42 . tcp . 22 timeout 1m");
        has("ip6 saddr . meta l4proto . th dport @letmein-port6 counter packets 0 bytes 0 accept");
        has("ip6 saddr @letmein-0000000a-input6 jump SPECIAL comment \"letmein\"");
    }
}

/// Without what differs between two listings of the same.
fn without_times(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut skip = false;
    for word in text.split_whitespace() {
        // `expires 59s980ms`, and the comment's deadline.
        if skip
            || word.ends_with("\",")
            || word.ends_with('"')
                && word.len() > 1
                && words.last().is_some_and(|last| last.len() == 37)
        {
            skip = false;
            continue;
        }
        skip = word == "expires";
        words.push(word);
    }
    // Elements come in the order of a hash table whose seed is new.
    words.sort_unstable();
    words.join(" ")
}

#[test]
fn elements_without_timeout_go() {
    namespace::run("families::elements_without_timeout_go", || {
        let mut firewall = installed(Family::Inet);
        nft(
            "add element inet filter letmein-port4 { 192.0.2.9 . tcp . 23 }
             add element inet filter letmein-ledger { ::ffff:192.0.2.9 . 0x1 . 0x1 comment \"x\" }",
        );
        let lease = firewall.leases().unwrap();
        assert_eq!((lease.len(), lease[0].remaining_ms), (1, None));
        assert_eq!(firewall.ledger().unwrap(), []);
        firewall.install(&[open(port(V4, 22), MINUTE_MS)]).unwrap();
        assert_eq!(openings(&mut firewall), [port(V4, 22)]);
        assert!(!list().contains("192.0.2.9"));
    });
}

#[test]
fn sets_of_another_kind_are_replaced_and_stale_ones_go() {
    namespace::run(
        "families::sets_of_another_kind_are_replaced_and_stale_ones_go",
        || {
            nft(&admin_table(Family::Inet));
            nft("table inet filter {
                set letmein-port4 { type ipv4_addr; elements = { 192.0.2.1 }; }
                set letmein-port6 { type ipv6_addr . inet_proto . inet_service; flags timeout; timeout 1h; }
                set letmein-0000000a-input4 { type ipv4_addr; flags timeout; size 1; }
                set letmein-0000000c-input4 { type ipv4_addr; flags timeout; }
                set letmein-used { type ipv4_addr; elements = { 192.0.2.1 }; }
                set other { type ipv4_addr; elements = { 192.0.2.1 }; }
                chain LETMEIN-INPUT { ip saddr @letmein-port4 accept; ip saddr @letmein-0000000c-input4 drop; }
                chain MINE { ip saddr @letmein-used drop; }
            }");
            let mut firewall = Firewall::open(ruleset(Family::Inet)).unwrap();
            let report = firewall.install(&[open(port(V4, 22), MINUTE_MS)]).unwrap();
            assert_eq!(report.foreign.len(), 2, "{:?}", report.foreign);
            assert!(report.out_of_service.is_empty());
            assert_eq!(report.kept.len(), 1, "{:?}", report.kept);
            let text = list();
            assert!(!text.contains("letmein-0000000c"), "{text}");
            assert!(!text.contains("timeout 1h"), "{text}");
            assert!(!text.contains("size 1"), "{text}");
            // A foreign rule uses it: it stays, empty.
            assert!(text.contains("@letmein-used drop"), "{text}");
            assert_eq!(text.matches("192.0.2.1 ").count(), 1, "{text}");
            assert_eq!(openings(&mut firewall), [port(V4, 22)]);
            let error = firewall.remove().unwrap_err();
            assert_eq!(
                error.to_string(),
                "failed to delete set letmein-used of table inet filter: EBUSY: is it used by a rule outside letmein's chains?"
            );
            assert!(!list().contains("letmein-port4"));
        },
    );
}

#[test]
fn foreign_rules_are_reported_and_others_untouched() {
    namespace::run(
        "families::foreign_rules_are_reported_and_others_untouched",
        || {
            let mut firewall = installed(Family::Inet);
            nft(
                "add rule inet filter LETMEIN-INPUT tcp dport 80 accept comment \"web\"
                 add set inet filter other { type ipv4_addr; elements = { 192.0.2.1 }; }
                 add table ip6 letmein
                 add set ip6 letmein letmein-port4 { type ipv4_addr; }",
            );
            let report = firewall.install(&[]).unwrap();
            assert_eq!(report.foreign.len(), 1);
            println!("{}", report.foreign[0]);
            assert!(report.foreign[0].starts_with("chain LETMEIN-INPUT of table inet filter: "));
            assert!(report.foreign[0].contains("cmp eq reg 1"));
            assert!(!list().contains("web"));
            assert_eq!(firewall.install(&[]).unwrap().foreign, Vec::<String>::new());

            nft("add rule inet filter LETMEIN-INPUT tcp dport 80 accept comment \"web\"");
            firewall.remove().unwrap();
            let text = list();
            assert!(text.contains("comment \"web\""), "{text}");
            assert!(text.contains("set other"), "{text}");
            assert!(text.contains("comment \"mine\""), "{text}");
            assert!(!text.contains("comment \"letmein\""), "{text}");
            assert_eq!(text.matches("letmein-").count(), 1, "{text}");
        },
    );
}

#[test]
fn control_rules_follow_the_configuration() {
    namespace::run("families::control_rules_follow_the_configuration", || {
        nft(&admin_table(Family::Ip));
        for (tcp, udp) in [(true, false), (false, true), (true, true), (false, false)] {
            let mut configured = ruleset(Family::Ip);
            (configured.control_tcp, configured.control_udp) = (tcp, udp);
            let mut firewall = Firewall::open(configured).unwrap();
            firewall.install(&[]).unwrap();
            let text = list();
            assert_eq!(text.contains("tcp dport 5800 accept"), tcp, "{text}");
            assert_eq!(text.contains("udp dport 5800 accept"), udp, "{text}");
        }
    });
}
