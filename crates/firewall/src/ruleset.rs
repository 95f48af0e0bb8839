//! What the administrator configured: the part of `letmeind.conf` that the firewall needs.

/// Address family of the administrator's table (`[NFTABLES] family`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Both IPv4 and IPv6.
    Inet,
    /// IPv4 only.
    Ip,
    /// IPv6 only.
    Ip6,
}

impl Family {
    /// The name nftables uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Inet => "inet",
            Family::Ip => "ip",
            Family::Ip6 => "ip6",
        }
    }

    /// Whether IPv4 packets pass through a table of this family.
    #[must_use]
    pub fn has_ipv4(self) -> bool {
        self != Family::Ip6
    }

    /// Whether IPv6 packets pass through a table of this family.
    #[must_use]
    pub fn has_ipv6(self) -> bool {
        self != Family::Ip
    }
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The IANA protocol number, as `meta l4proto` gives it.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
        }
    }

    /// The protocol of an IANA number; `None` for anything but TCP and UDP.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Protocol::Tcp),
            17 => Some(Protocol::Udp),
            _ => None,
        }
    }
}

/// Which of our chains a jump resource puts its rule into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// `chain-input`.
    Input,
    /// `chain-forward`.
    Forward,
    /// `chain-output`.
    Output,
}

impl Hook {
    /// All hooks, in the order in which their rules are written.
    pub const ALL: [Hook; 3] = [Hook::Input, Hook::Forward, Hook::Output];

    /// The word used in set names and in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Hook::Input => "input",
            Hook::Forward => "forward",
            Hook::Output => "output",
        }
    }

    /// The option of `[NFTABLES]` that names this hook's chain.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Hook::Input => "chain-input",
            Hook::Forward => "chain-forward",
            Hook::Output => "chain-output",
        }
    }
}

/// The administrator's table, our chains in it, the control port and the jump resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Family of the table.
    pub family: Family,
    /// Name of the table.
    pub table: String,
    /// Our chain for incoming packets: flushed, required.
    pub chain_input: String,
    /// Our chain for forwarded packets, needed only by jump resources that use it.
    pub chain_forward: Option<String>,
    /// Our chain for outgoing packets, needed only by jump resources that use it.
    pub chain_output: Option<String>,
    /// The port that letmeind listens on.
    pub control_port: u16,
    /// Whether the control port is reachable over TCP.
    pub control_tcp: bool,
    /// Whether the control port is reachable over UDP.
    pub control_udp: bool,
    /// The jump resources. Port resources need no rule of their own.
    pub jumps: Vec<Jump>,
}

impl Ruleset {
    /// The configured chain of a hook.
    #[must_use]
    pub fn chain(&self, hook: Hook) -> Option<&str> {
        match hook {
            Hook::Input => Some(&self.chain_input),
            Hook::Forward => self.chain_forward.as_deref(),
            Hook::Output => self.chain_output.as_deref(),
        }
    }
}

/// One jump resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    /// The resource's id.
    pub resource: u32,
    /// Where to jump from `chain-input`.
    pub input: Option<Target>,
    /// Where to jump from `chain-forward`.
    pub forward: Option<Target>,
    /// Where to jump from `chain-output`.
    pub output: Option<Target>,
}

impl Jump {
    /// The target in a hook's chain.
    #[must_use]
    pub fn target(&self, hook: Hook) -> Option<&Target> {
        match hook {
            Hook::Input => self.input.as_ref(),
            Hook::Forward => self.forward.as_ref(),
            Hook::Output => self.output.as_ref(),
        }
    }
}

/// A chain of the administrator's that a jump resource leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name of the chain, in the same table.
    pub chain: String,
    /// Whether only the lease's address jumps (`*-match: saddr`); otherwise everybody does while a lease lives.
    pub match_source: bool,
}
