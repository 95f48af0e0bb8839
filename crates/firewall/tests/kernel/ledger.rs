//! Who holds what, across instances and boots.

use letmein_firewall::{Family, Firewall, Holder};

use crate::{
    namespace::{self, list, nft},
    ruleset::{MINUTE_MS, V4, V6, hold, holder, installed, ruleset},
};

#[test]
fn another_instance_reads_it() {
    namespace::run("ledger::another_instance_reads_it", || {
        let mut first = installed(Family::Ip6);
        assert_eq!(first.ledger().unwrap(), []);
        let holders = [
            holder(V4, 3),
            holder(V4, 0xffff_fffe),
            Holder {
                address: V6,
                resource: 0x0102_0304,
                user: 5,
            },
        ];
        first
            .apply(&holders.map(|holder| hold(holder, MINUTE_MS)))
            .unwrap();
        drop(first);

        let mut second = Firewall::open(ruleset(Family::Ip6)).unwrap();
        let mut entries = second.ledger().unwrap();
        entries.sort_by_key(|entry| (entry.holder.resource, entry.holder.user));
        assert_eq!(
            entries.iter().map(|e| e.holder).collect::<Vec<_>>(),
            holders
        );
        for entry in &entries {
            assert!(entry.remaining_ms <= MINUTE_MS && entry.remaining_ms > MINUTE_MS - 2_000);
        }
        let adopted: Vec<_> = entries
            .iter()
            .map(|entry| hold(entry.holder, entry.remaining_ms))
            .collect();
        second.install(&adopted).unwrap();
        assert_eq!(second.ledger().unwrap().len(), 3);
    });
}

#[test]
fn dead_entries_are_ignored() {
    namespace::run("ledger::dead_entries_are_ignored", || {
        let mut firewall = installed(Family::Inet);
        firewall.apply(&[hold(holder(V4, 3), MINUTE_MS)]).unwrap();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let boot = boot.trim();
        let add = |user: u32, rest: &str| {
            nft(&format!(
                "add element inet filter letmein-ledger {{ ::1 . 0x1 . {user:#x} {rest} }}"
            ));
        };
        add(
            1,
            "timeout 1m comment \"00000000-0000-0000-0000-000000000000 99999999999\"",
        );
        add(2, &format!("timeout 1m comment \"{boot} 1\""));
        add(3, &format!("comment \"{boot} 99999999999999\""));
        add(4, "timeout 1m");
        add(5, "timeout 1m comment \"nonsense\"");
        add(6, &format!("timeout 1m comment \"{boot} 99999999999999\""));
        let mut users: Vec<_> = firewall.ledger().unwrap();
        users.sort_by_key(|entry| entry.holder.user);
        let users: Vec<_> = users.iter().map(|entry| entry.holder.user).collect();
        assert_eq!(users, [3, 6]);
    });
}

#[test]
fn a_reloaded_ruleset_does_not_lengthen_a_lease() {
    namespace::run(
        "ledger::a_reloaded_ruleset_does_not_lengthen_a_lease",
        || {
            let mut firewall = installed(Family::Inet);
            firewall.apply(&[hold(holder(V4, 3), 5_000)]).unwrap();
            let saved = list();
            let start = saved.find("expires ").unwrap();
            let end = start + saved[start..].find(" comment").unwrap();
            let longer =
                format!("{}{}", &saved[..start], &saved[end..]).replace("timeout 5s", "timeout 1h");
            nft(&format!("flush ruleset\n{longer}"));
            let entries = firewall.ledger().unwrap();
            assert_eq!(entries.len(), 1);
            assert!(entries[0].remaining_ms <= 5_000);
        },
    );
}

#[test]
fn no_set_is_an_empty_ledger() {
    namespace::run("ledger::no_set_is_an_empty_ledger", || {
        let mut firewall = Firewall::open(ruleset(Family::Inet)).unwrap();
        assert_eq!(firewall.ledger().unwrap(), []);
        assert_eq!(firewall.leases().unwrap(), []);
        firewall.remove().unwrap();
    });
}
