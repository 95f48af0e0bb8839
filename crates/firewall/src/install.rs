//! Putting our rules and sets into the administrator's table, and taking them out.

use std::{collections::HashMap, rc::Rc};

use crate::{
    batch::{Mark, Origin},
    change::Change,
    element::{self, Element, encode_add, runs, settle},
    error::{Error, Step},
    firewall::Firewall,
    layout::JumpSets,
    message::kind,
    rule::{self, RuleSpec, SetName},
    ruleset::{Hook, Protocol},
    set::{self, FoundSet, Version},
    socket::Refusal,
    sys::Scratch,
};

/// What [`Firewall::install`] found on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Rules found in our chains that were not ours and are gone now: one readable line each.
    pub foreign: Vec<String>,
    /// Jump resources that could not be put in, and why.
    pub out_of_service: Vec<(u32, Error)>,
    /// `letmein-…` sets that are no longer wanted but that a foreign rule uses: emptied, not deleted.
    pub kept: Vec<Error>,
}

/// What is done with a set that is no longer wanted and could not be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// A foreign rule uses it: empty it.
    Flush,
    /// Not even that.
    Leave,
}

/// What an attempt has learnt for the next one.
#[derive(Debug, Default)]
struct Plan {
    /// Our chains that exist.
    chains: Vec<String>,
    /// The table's sets.
    found: Vec<FoundSet>,
    out_of_service: Vec<(u32, Error)>,
    /// Sets whose deletion was refused.
    removal: HashMap<String, Removal>,
    /// The refusals.
    kept: Vec<Error>,
}

impl Firewall {
    /// Writes our rules and sets; open is afterwards exactly what the changes say (Release and Close mean
    /// nothing here, and what a table of this family or a resource out of service cannot hold is left out).
    ///
    /// One transaction, so that no packet ever sees a state between: neither the control port nor an adopted lease
    /// is closed for a moment. What the kernel refuses on behalf of one jump resource takes that resource out of
    /// service, and the rest is tried again without it. Idempotent.
    ///
    /// # Errors
    /// No table ([`Step::FindTable`]), no `chain-input` ([`Step::AddRule`], ENOENT), or a refusal that concerns
    /// the core: control port, port rules, ledger. Nothing has changed then.
    pub fn install(&mut self, changes: &[Change]) -> Result<Installed, Error> {
        self.find_table()?;
        let mut plan = Plan {
            chains: self.find_our_chains()?,
            ..Plan::default()
        };
        plan.out_of_service = self.jumps_without_chain()?;
        let foreign = self.foreign_rules(&plan.chains)?;
        let mut scratch = Scratch::new();
        loop {
            plan.found = self.list_sets()?;
            self.layout.set_out_of_service(&plan.out_of_service);
            self.encode_install(&plan, changes, &mut scratch)?;
            let refusals = self.commit()?;
            if refusals.is_empty() {
                break;
            }
            self.learn(&refusals, &mut plan)?;
        }
        Ok(Installed {
            foreign,
            out_of_service: plan.out_of_service,
            kept: plan.kept,
        })
    }

    /// Takes our rules and every `letmein-…` set out, in one transaction. Our chains stay, with whatever others
    /// have put there; no table is no error.
    ///
    /// # Errors
    /// [`Step::DeleteSet`] with EBUSY when a foreign rule uses one of our sets: then it is empty, and all else is
    /// gone.
    pub fn remove(&mut self) -> Result<(), Error> {
        match self.find_table() {
            Err(error) if error.errno == libc::ENOENT => return Ok(()),
            found => found?,
        }
        let mut plan = Plan::default();
        loop {
            plan.found = self.list_sets()?;
            let rules = self.our_rules()?;
            self.batch.start(self.socket.take_sequences(0));
            self.encode_rule_removal(&rules);
            self.encode_set_removal(&plan, |_| false);
            if self.batch.is_empty() {
                break;
            }
            let refusals = self.commit()?;
            if refusals.is_empty() {
                break;
            }
            self.learn(&refusals, &mut plan)?;
        }
        plan.kept.into_iter().next().map_or(Ok(()), Err)
    }

    /// Takes what was refused first out of the next attempt; a refusal that concerns the core ends it.
    ///
    /// Only the first says something: once a jump has closed a loop, the kernel refuses whatever comes after it.
    fn learn(&self, refusals: &[Refusal], plan: &mut Plan) -> Result<(), Error> {
        let Some(first) = refusals.first() else {
            return Ok(());
        };
        let error = self.error_of(first);
        let mark = self.batch.mark(first.sequence);
        match mark.map(|mark| mark.origin) {
            Some(Origin::Jump(resource)) => plan.out_of_service.push((resource, error)),
            Some(Origin::Stale(place)) => keep_set(plan, place, mark, error),
            Some(Origin::Core) | None => return Err(error),
        }
        Ok(())
    }

    fn encode_install(
        &mut self,
        plan: &Plan,
        changes: &[Change],
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        self.batch.start(self.socket.take_sequences(0));
        for chain in &plan.chains {
            self.encode_chain_flush(chain);
        }
        let wanted: Vec<String> = self.wanted_sets().collect();
        self.encode_set_removal(plan, |name| wanted.iter().any(|set| set == name));
        self.encode_sets(&plan.found);
        self.encode_rules(scratch)?;
        self.encode_adoption(changes);
        Ok(())
    }

    fn wanted_sets(&self) -> impl Iterator<Item = String> {
        let sets = self.layout.sets.iter().filter(|set| set.in_service);
        sets.map(|set| set.name.clone())
    }

    fn encode_chain_flush(&mut self, chain: &str) {
        let label: Rc<str> = self.table.chain_label(chain).into();
        let start = self
            .batch
            .begin(kind::DEL_RULE, 0, Step::FlushChain, &label, Origin::Core);
        rule::encode_head(&self.table, chain, None, self.batch.buffer());
        self.batch.end(start);
    }

    /// Deletes our sets that are not wanted. Rules that use them are gone by then, unless they are foreign.
    fn encode_set_removal(&mut self, plan: &Plan, wanted: impl Fn(&str) -> bool) {
        let stale = plan.found.iter().enumerate();
        for (place, found) in stale.filter(|(_, set)| set.is_ours() && !wanted(&set.name)) {
            let label: Rc<str> = self.table.set_label(&found.name).into();
            let origin = Origin::Stale(place);
            match plan.removal.get(&found.name) {
                None => {
                    set::encode_delete(&self.table, &found.name, &label, origin, &mut self.batch);
                }
                Some(Removal::Flush) => self.encode_set_flush(&found.name, &label, origin),
                Some(Removal::Leave) => {}
            }
        }
    }

    fn encode_set_flush(&mut self, name: &str, label: &Rc<str>, origin: Origin) {
        let start = self
            .batch
            .begin(kind::DEL_ELEMENT, 0, Step::FlushSet, label, origin);
        element::encode_head(&self.table, name, self.batch.buffer());
        self.batch.end(start);
    }

    /// Creates our sets and empties them; one of another kind is replaced.
    fn encode_sets(&mut self, found: &[FoundSet]) {
        for place in 0..self.layout.sets.len() {
            let Some(set) = self.layout.in_service(place) else {
                continue;
            };
            let present = found.iter().find(|found| found.name == set.name);
            let replaced = present.is_some_and(|found| !set.is_same(found));
            if replaced {
                let (label, origin) = (&set.label, set.owner);
                set::encode_delete(&self.table, &set.name, label, origin, &mut self.batch);
            }
            set.encode_add(&self.table, set_id(place), &mut self.batch);
            if !replaced {
                let (name, label, origin) = (set.name.clone(), Rc::clone(&set.label), set.owner);
                self.encode_set_flush(&name, &label, origin);
            }
        }
    }

    fn encode_rules(&mut self, scratch: &mut Scratch) -> Result<(), Error> {
        let port = self.ruleset.control_port;
        let protocols = [
            (self.ruleset.control_tcp, Protocol::Tcp),
            (self.ruleset.control_udp, Protocol::Udp),
        ];
        for (_, protocol) in protocols.into_iter().filter(|(wanted, _)| *wanted) {
            let spec = RuleSpec::ControlPort { protocol, port };
            self.encode_rule(&spec, Hook::Input, Origin::Core, scratch)?;
        }
        let layout = &self.layout;
        let ports = [
            (layout.ports.v4, Version::V4),
            (layout.ports.v6, Version::V6),
        ];
        for (place, version) in ports {
            if let Some((name, id)) = self.set_name(place) {
                let set = SetName { name: &name, id };
                let spec = RuleSpec::OpenPorts { version, set };
                self.encode_rule(&spec, Hook::Input, Origin::Core, scratch)?;
            }
        }
        let jumps = self.ruleset.jumps.clone();
        for jump in &jumps {
            for hook in Hook::ALL {
                if let Some(target) = jump.target(hook) {
                    self.encode_jump(jump.resource, hook, &target.chain, scratch)?;
                }
            }
        }
        Ok(())
    }

    fn encode_jump(
        &mut self,
        resource: u32,
        hook: Hook,
        to: &str,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let origin = Origin::Jump(resource);
        match self.layout.jump(resource, hook) {
            Some(JumpSets::Source(versions)) => {
                for (place, version) in [(versions.v4, Version::V4), (versions.v6, Version::V6)] {
                    if let Some((name, id)) = self.set_name(place) {
                        let set = SetName { name: &name, id };
                        let spec = RuleSpec::JumpSource { version, set, to };
                        self.encode_rule(&spec, hook, origin, scratch)?;
                    }
                }
            }
            Some(JumpSets::Anybody(place)) => {
                if let Some((name, id)) = self.set_name(Some(place)) {
                    let set = SetName { name: &name, id };
                    self.encode_rule(&RuleSpec::JumpAnybody { set, to }, hook, origin, scratch)?;
                }
            }
            None => {}
        }
        Ok(())
    }

    /// Name and id of the set in this place, if it is in service.
    fn set_name(&self, place: Option<usize>) -> Option<(String, u32)> {
        let place = place?;
        let set = self.layout.in_service(place)?;
        Some((set.name.clone(), set_id(place)))
    }

    fn encode_rule(
        &mut self,
        spec: &RuleSpec<'_>,
        hook: Hook,
        origin: Origin,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        // Without a chain the resource is out of service, and its sets are not found.
        let Some(chain) = self.ruleset.chain(hook) else {
            return Ok(());
        };
        let label: Rc<str> = self.table.chain_label(chain).into();
        let sequence = self.batch.next_sequence();
        let message = spec
            .encode(&self.table, chain, sequence, scratch)
            .map_err(|_| {
                Error::with_hint(Step::AddRule, &*label, libc::EINVAL, "a name contains NUL")
            })?;
        self.batch
            .append(message, rule::ADD_FLAGS, Step::AddRule, &label, origin);
        Ok(())
    }

    /// The sets are empty: adding is enough.
    fn encode_adoption(&mut self, changes: &[Change]) {
        let mut elements: Vec<Element> = Vec::with_capacity(changes.len());
        for change in changes {
            // What cannot be held is left out: a start must not fail for it.
            let _ = self.layout.resolve(change, &mut elements);
        }
        settle(&mut elements);
        elements.retain(|element| element.timeout_ms.is_some());
        let now_ms = self.clock.now_ms();
        for run in runs(&elements) {
            let place = run.first().map_or(usize::MAX, |element| element.set);
            if let Some(set) = self.layout.in_service(place) {
                encode_add(&self.table, set, run, &self.clock, now_ms, &mut self.batch);
            }
        }
    }

    /// Deletes rules by handle: what others have put into our chains since stays.
    fn encode_rule_removal(&mut self, rules: &[(String, u64)]) {
        for (chain, handle) in rules {
            let label: Rc<str> = self.table.chain_label(chain).into();
            let origin = Origin::Core;
            let start = self
                .batch
                .begin(kind::DEL_RULE, 0, Step::DeleteRule, &label, origin);
            rule::encode_head(&self.table, chain, Some(*handle), self.batch.buffer());
            self.batch.end(start);
        }
    }
}

/// A set could not be deleted: empty it next time; not even that: leave it.
fn keep_set(plan: &mut Plan, place: usize, mark: Option<&Mark>, error: Error) {
    let Some(found) = plan.found.get(place) else {
        return;
    };
    let deleting = mark.is_some_and(|mark| mark.step == Step::DeleteSet);
    let next = if deleting {
        Removal::Flush
    } else {
        Removal::Leave
    };
    plan.removal.insert(found.name.clone(), next);
    if deleting {
        plan.kept.push(error);
    }
}

/// Set ids are unique within a transaction and not 0.
fn set_id(place: usize) -> u32 {
    place as u32 + 1
}
