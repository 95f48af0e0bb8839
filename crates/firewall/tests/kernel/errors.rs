//! What is said when the administrator's side is not as configured.

use letmein_firewall::{Change, Family, Firewall, Hook, Step};

use crate::{
    namespace::{self, list, nft},
    ruleset::{MINUTE_MS, V4, admin_table, jump, open, openings, port, ruleset},
};

#[test]
fn no_table() {
    namespace::run("errors::no_table", || {
        let mut firewall = Firewall::open(ruleset(Family::Inet)).unwrap();
        let error = firewall.install(&[]).unwrap_err();
        assert_eq!(error.code, "ENOENT");
        assert_eq!(
            error.to_string(),
            "failed to find table inet filter: ENOENT: does the table exist?"
        );
    });
}

#[test]
fn no_input_chain() {
    namespace::run("errors::no_input_chain", || {
        nft("add table inet filter");
        let mut firewall = Firewall::open(ruleset(Family::Inet)).unwrap();
        let error = firewall.install(&[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to add rule to chain LETMEIN-INPUT of table inet filter: ENOENT: does the chain exist?"
        );
        assert!(!list().contains("letmein"));
    });
}

#[test]
fn no_permission() {
    namespace::run("errors::no_permission", || {
        nft(&admin_table(Family::Inet));
        let mut firewall = Firewall::open(ruleset(Family::Inet)).unwrap();
        drop_net_admin();
        let error = firewall.install(&[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to find table inet filter: EPERM: it needs CAP_NET_ADMIN"
        );
        let error = firewall
            .apply(&[open(port(V4, 22), MINUTE_MS)])
            .unwrap_err();
        assert_eq!(error.code, "EPERM");
    });
}

/// Takes every capability from this thread, which ends with its test.
fn drop_net_admin() {
    const VERSION_3: u32 = 0x2008_0522;
    let header: [u32; 2] = [VERSION_3, 0];
    let none = [0u32; 6];
    // SAFETY: header and data are whole structures of version 3, and only this thread changes.
    let failed = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    assert_eq!(failed, 0);
}

#[test]
fn a_missing_chain_costs_only_its_resource() {
    namespace::run("errors::a_missing_chain_costs_only_its_resource", || {
        nft(
            "table inet filter { chain LETMEIN-INPUT { }; chain LETMEIN-OUTPUT { }; chain SPECIAL { }; }",
        );
        let mut configured = ruleset(Family::Inet);
        let mut third = configured.jumps[1].clone();
        third.resource = 0xc;
        third.output.as_mut().unwrap().chain = "NOWHERE".into();
        configured.jumps.push(third);
        let mut firewall = Firewall::open(configured).unwrap();
        let report = firewall
            .install(&[
                open(port(V4, 22), MINUTE_MS),
                open(jump(0xa, Hook::Forward, V4), MINUTE_MS),
                open(jump(0xb, Hook::Output, V4), MINUTE_MS),
            ])
            .unwrap();
        let out: Vec<_> = report
            .out_of_service
            .iter()
            .map(|(id, error)| (*id, error.to_string()))
            .collect();
        assert_eq!(
            out,
            [
                (0xa, "failed to add rule to chain LETMEIN-FORWARD of table inet filter: ENOENT: does the chain exist?".to_owned()),
                (0xc, "failed to add rule to chain LETMEIN-OUTPUT of table inet filter: ENOENT: does the chain NOWHERE exist?".to_owned()),
            ]
        );
        let open_now = [jump(0xb, Hook::Output, [0; 16]), port(V4, 22)];
        assert_eq!(openings(&mut firewall), open_now);

        let opening = jump(0xa, Hook::Forward, V4);
        let error = firewall.apply(&[open(opening, MINUTE_MS)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to add element to jump resource 0000000A of table inet filter: ENOENT: the resource is out of service"
        );
        firewall.apply(&[Change::Close { opening }]).unwrap();

        // Once the chains are there, it serves.
        nft("add chain inet filter LETMEIN-FORWARD; add chain inet filter NOWHERE");
        assert!(firewall.install(&[]).unwrap().out_of_service.is_empty());
        firewall.apply(&[open(opening, MINUTE_MS)]).unwrap();
    });
}

#[test]
fn what_the_kernel_refuses_of_a_jump_costs_only_its_resource() {
    namespace::run(
        "errors::what_the_kernel_refuses_of_a_jump_costs_only_its_resource",
        || {
            nft(&admin_table(Family::Inet));
            // SPECIAL leads back to the chain that resource A jumps from: the kernel refuses the loop.
            nft("add rule inet filter SPECIAL jump LETMEIN-INPUT");
            let mut firewall = Firewall::open(ruleset(Family::Inet)).unwrap();
            let report = firewall.install(&[open(port(V4, 22), MINUTE_MS)]).unwrap();
            println!("{:?}", report.out_of_service);
            assert_eq!(report.out_of_service.len(), 1);
            let (resource, error) = &report.out_of_service[0];
            assert_eq!((*resource, error.step), (0xa, Step::AddRule));
            // Which of the two depends on the kernel.
            assert!(["ELOOP", "EMLINK"].contains(&error.code), "{error}");
            assert_eq!(openings(&mut firewall), [port(V4, 22)]);
            firewall
                .apply(&[open(jump(0xb, Hook::Output, V4), MINUTE_MS)])
                .unwrap();
        },
    );
}

#[test]
fn a_chain_that_a_jump_names_cannot_be_deleted() {
    namespace::run(
        "errors::a_chain_that_a_jump_names_cannot_be_deleted",
        || {
            let mut firewall = crate::ruleset::installed(Family::Inet);
            let error = namespace::nft_error("delete chain inet filter SPECIAL").unwrap();
            assert!(error.contains("busy"), "{error}");
            firewall.remove().unwrap();
            nft("flush chain inet filter SPECIAL; delete chain inet filter SPECIAL");
        },
    );
}
