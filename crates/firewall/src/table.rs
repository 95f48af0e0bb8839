//! The administrator's table, as netlink and as people name it.

use crate::ruleset::{Family, Ruleset};

/// Family and name of the table that everything of ours is in.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub family: Family,
    pub name: String,
}

impl Table {
    pub fn of(ruleset: &Ruleset) -> Self {
        Self {
            family: ruleset.family,
            name: ruleset.table.clone(),
        }
    }

    /// `nfgen_family` of every message (linux/netfilter.h, NFPROTO_*).
    pub fn protocol_family(&self) -> u8 {
        match self.family {
            Family::Inet => 1,
            Family::Ip => 2,
            Family::Ip6 => 10,
        }
    }

    /// `table inet filter`.
    pub fn label(&self) -> String {
        format!("table {} {}", self.family.name(), self.name)
    }

    /// `chain LETMEIN-INPUT of table inet filter`.
    pub fn chain_label(&self, chain: &str) -> String {
        format!("chain {chain} of {}", self.label())
    }

    /// `set letmein-port4 of table inet filter`.
    pub fn set_label(&self, set: &str) -> String {
        format!("set {set} of {}", self.label())
    }
}
