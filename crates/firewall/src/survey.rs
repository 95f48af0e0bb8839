//! What is in the administrator's table before we write to it: chains, rules, sets.

use crate::{
    error::{Error, Step},
    firewall::Firewall,
    message::{Buffer, Received, flag, kind},
    rule,
    ruleset::Hook,
    set::{self, FoundSet},
    sys::Scratch,
};

/// NFTA_TABLE_NAME and NFTA_CHAIN_TABLE; NFTA_CHAIN_NAME.
const ATTRIBUTE_TABLE: u16 = 1;
const ATTRIBUTE_CHAIN_NAME: u16 = 3;

impl Firewall {
    /// The rules of ours in our chains: chain and handle.
    pub(crate) fn our_rules(&mut self) -> Result<Vec<(String, u64)>, Error> {
        let mut rules = Vec::new();
        for chain in self.our_chains() {
            let listing = self.list_rules(&chain)?;
            let messages = listing.iter().filter_map(|bytes| Received::parse(bytes));
            let handles = messages.filter_map(|message| rule::our_handle(&message, &chain));
            rules.extend(handles.map(|handle| (chain.clone(), handle)));
        }
        Ok(rules)
    }

    /// The configured chains, each once.
    fn our_chains(&self) -> Vec<String> {
        let mut chains: Vec<String> = Vec::new();
        for name in Hook::ALL
            .iter()
            .filter_map(|hook| self.ruleset.chain(*hook))
        {
            if !chains.iter().any(|known| known == name) {
                chains.push(name.to_owned());
            }
        }
        chains
    }

    pub(crate) fn find_table(&mut self) -> Result<(), Error> {
        let table = &self.table;
        let request = |sequence| {
            let mut buffer = Buffer::default();
            let (flags, family) = (flag::REQUEST | flag::ACK, table.protocol_family());
            let start = buffer.begin(kind::GET_TABLE, flags, sequence, family, 0);
            buffer.string(ATTRIBUTE_TABLE, &table.name);
            buffer.end(start);
            buffer.bytes().to_vec()
        };
        let found = self.socket.query(request);
        found
            .map(drop)
            .map_err(|errno| Error::new(Step::FindTable, table.label(), errno))
    }

    fn chain_exists(&mut self, chain: &str) -> Result<bool, Error> {
        let table = &self.table;
        let request = |sequence| {
            let mut buffer = Buffer::default();
            let (flags, family) = (flag::REQUEST | flag::ACK, table.protocol_family());
            let start = buffer.begin(kind::GET_CHAIN, flags, sequence, family, 0);
            buffer.string(ATTRIBUTE_TABLE, &table.name);
            buffer.string(ATTRIBUTE_CHAIN_NAME, chain);
            buffer.end(start);
            buffer.bytes().to_vec()
        };
        match self.socket.query(request) {
            Ok(_) => Ok(true),
            Err(libc::ENOENT) => Ok(false),
            Err(errno) => Err(Error::new(Step::FindChain, table.chain_label(chain), errno)),
        }
    }

    /// Our chains that exist; `chain-input` must.
    pub(crate) fn find_our_chains(&mut self) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for chain in self.our_chains() {
            if self.chain_exists(&chain)? {
                found.push(chain);
            } else if chain == self.ruleset.chain_input {
                let label = self.table.chain_label(&chain);
                return Err(Error::new(Step::AddRule, label, libc::ENOENT));
            }
        }
        Ok(found)
    }

    /// The jump resources whose rule cannot be: their chain, or the one they lead to, is not there.
    pub(crate) fn jumps_without_chain(&mut self) -> Result<Vec<(u32, Error)>, Error> {
        let mut missing = Vec::new();
        for jump in self.ruleset.jumps.clone() {
            for hook in Hook::ALL {
                let Some(target) = jump.target(hook) else {
                    continue;
                };
                if let Some(error) = self.missing_chain(hook, &target.chain)? {
                    missing.push((jump.resource, error));
                    break;
                }
            }
        }
        Ok(missing)
    }

    fn missing_chain(&mut self, hook: Hook, target: &str) -> Result<Option<Error>, Error> {
        let Some(chain) = self.ruleset.chain(hook).map(str::to_owned) else {
            let object = format!("{} of {}", hook.option(), self.table.label());
            let hint = format!("is {} configured?", hook.option());
            let error = Error::with_hint(Step::AddRule, object, libc::ENOENT, hint);
            return Ok(Some(error));
        };
        let label = self.table.chain_label(&chain);
        if !self.chain_exists(&chain)? {
            return Ok(Some(Error::new(Step::AddRule, label, libc::ENOENT)));
        }
        if !self.chain_exists(target)? {
            let hint = format!("does the chain {target} exist?");
            let error = Error::with_hint(Step::AddRule, label, libc::ENOENT, hint);
            return Ok(Some(error));
        }
        Ok(None)
    }

    pub(crate) fn foreign_rules(&mut self, chains: &[String]) -> Result<Vec<String>, Error> {
        let mut foreign = Vec::new();
        let mut scratch = Scratch::new();
        for chain in chains {
            for bytes in self.list_rules(chain)? {
                let Some(message) = Received::parse(&bytes) else {
                    continue;
                };
                if rule::is_in(&message, chain) && rule::our_handle(&message, chain).is_none() {
                    let label = self.table.chain_label(chain);
                    let text = scratch.describe_rule(&bytes).unwrap_or_default();
                    foreign.push(format!("{label}: {text}"));
                }
            }
        }
        Ok(foreign)
    }

    fn list_rules(&mut self, chain: &str) -> Result<Vec<Vec<u8>>, Error> {
        let table = &self.table;
        let request = |sequence| {
            let mut buffer = Buffer::default();
            rule::encode_list(table, chain, sequence, &mut buffer);
            buffer.bytes().to_vec()
        };
        let listing = self.socket.query(request);
        listing.map_err(|errno| Error::new(Step::Read, table.chain_label(chain), errno))
    }

    pub(crate) fn list_sets(&mut self) -> Result<Vec<FoundSet>, Error> {
        let table = &self.table;
        let request = |sequence| {
            let mut buffer = Buffer::default();
            set::encode_list(table, sequence, &mut buffer);
            buffer.bytes().to_vec()
        };
        let listing = self.socket.query(request);
        let listing = listing.map_err(|errno| Error::new(Step::Read, table.label(), errno))?;
        let messages = listing.iter().filter_map(|bytes| Received::parse(bytes));
        Ok(messages
            .filter_map(|message| FoundSet::decode(&message))
            .collect())
    }
}
