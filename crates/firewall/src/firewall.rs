//! The firewall: changes in, one transaction each; what is there, out.

use std::{fmt, thread, time::Duration};

use crate::{
    batch::Batch,
    change::{Change, Entry, Lease},
    element::{self, Element, encode_refresh, runs, settle},
    error::{Error, Step},
    layout::Layout,
    ledger::Clock,
    message::{Buffer, Received, flag, kind},
    ruleset::Ruleset,
    socket::{Refusal, Socket},
    table::Table,
};

/// How often a transaction that met a passing state of the kernel is sent again, and after what pause: 10 ms in all.
const ATTEMPTS: u32 = 40;
const PAUSE: Duration = Duration::from_micros(250);

/// letmein's part of an nftables table. Every call is synchronous; none starts a program.
pub struct Firewall {
    pub(crate) ruleset: Ruleset,
    pub(crate) table: Table,
    pub(crate) layout: Layout,
    pub(crate) socket: Socket,
    pub(crate) batch: Batch,
    pub(crate) clock: Clock,
    elements: Vec<Element>,
}

impl fmt::Debug for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firewall")
            .field("ruleset", &self.ruleset)
            .finish_non_exhaustive()
    }
}

impl Firewall {
    /// Opens the netlink socket and reads the boot id; touches nothing.
    ///
    /// # Errors
    /// [`Step::OpenSocket`], [`Step::ReadBootId`].
    pub fn open(ruleset: Ruleset) -> Result<Self, Error> {
        let table = Table::of(&ruleset);
        Ok(Self {
            layout: Layout::of(&ruleset),
            batch: Batch::new(table.protocol_family()),
            socket: Socket::open()?,
            clock: Clock::read()?,
            elements: Vec::new(),
            ruleset,
            table,
        })
    }

    /// Does all of the changes, or none, in one transaction. Of several changes to one key the last counts.
    ///
    /// # Errors
    /// The first message that the kernel refused ([`Step::AddElement`] with ENOENT: the set is gone), or
    /// [`Step::Commit`] for the transaction as a whole. An opening of a resource that is out of service, or of an
    /// address that the table's family does not have, is refused before anything is sent.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), Error> {
        self.elements.clear();
        for change in changes {
            self.layout.resolve(change, &mut self.elements)?;
        }
        settle(&mut self.elements);
        if self.elements.is_empty() {
            return Ok(());
        }
        self.encode_elements();
        let refusals = self.commit()?;
        refusals
            .first()
            .map_or(Ok(()), |refusal| Err(self.error_of(refusal)))
    }

    /// The ledger's entries of this boot, before their deadline, that have a timeout. No set or table: none.
    ///
    /// # Errors
    /// [`Step::Read`].
    pub fn ledger(&mut self) -> Result<Vec<Entry>, Error> {
        let listing = self.list_elements(self.layout.ledger)?;
        let now_ms = self.clock.now_ms();
        let messages = listing.iter().filter_map(|bytes| Received::parse(bytes));
        let elements = messages.flat_map(element::decode);
        Ok(elements
            .filter_map(|element| self.clock.entry(&element, now_ms))
            .collect())
    }

    /// What is open, as the kernel has it. An unmatched jump is one lease, with the longer of its keys' times.
    ///
    /// # Errors
    /// [`Step::Read`].
    pub fn leases(&mut self) -> Result<Vec<Lease>, Error> {
        let mut leases: Vec<Lease> = Vec::new();
        for place in 0..self.layout.sets.len() {
            let before = leases.len();
            let listing = self.list_elements(place)?;
            let messages = listing.iter().filter_map(|bytes| Received::parse(bytes));
            let elements = messages.flat_map(element::decode);
            leases.extend(elements.filter_map(|element| self.layout.lease(place, &element)));
            merge_constant_keys(&mut leases, before);
        }
        Ok(leases)
    }

    fn encode_elements(&mut self) {
        let now_ms = self.clock.now_ms();
        self.batch.start(self.socket.take_sequences(0));
        for run in runs(&self.elements) {
            let place = run.first().map_or(usize::MAX, |element| element.set);
            if let Some(set) = self.layout.in_service(place) {
                encode_refresh(&self.table, set, run, &self.clock, now_ms, &mut self.batch);
            }
        }
    }

    /// Sends the batch. The refused messages; none: it happened.
    pub(crate) fn commit(&mut self) -> Result<Vec<Refusal>, Error> {
        self.batch.finish();
        let (first, last) = (self.batch.first(), self.batch.last());
        // Begin, the messages, end.
        self.socket.take_sequences(last.wrapping_sub(first) + 2);
        let mut attempts = ATTEMPTS;
        loop {
            let answer = self.socket.transact(self.batch.bytes(), first, last);
            let refusals =
                answer.map_err(|errno| Error::new(Step::Commit, self.table.label(), errno))?;
            attempts -= 1;
            if attempts == 0 || !self.will_pass(&refusals) {
                return Ok(refusals);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Whether the first refusal comes from a state of the kernel that ends by itself.
    ///
    /// - EBUSY on an add: more than 16 expired elements of one key wait for the kernel's clean-up (once a second),
    ///   and its hash table is already being rebuilt for it (rhashtable_insert_rehash): over in a millisecond.
    /// - ENOENT on a delete: on kernels that do not freeze the time during a transaction the element has expired
    ///   since its add, just before.
    fn will_pass(&self, refusals: &[Refusal]) -> bool {
        let Some(refusal) = refusals.first() else {
            return false;
        };
        let step = self.batch.mark(refusal.sequence).map(|mark| mark.step);
        matches!(
            (step, refusal.errno),
            (Some(Step::AddElement), libc::EBUSY) | (Some(Step::DeleteElement), libc::ENOENT)
        )
    }

    /// What a refusal of the last batch means.
    pub(crate) fn error_of(&self, refusal: &Refusal) -> Error {
        match self.batch.mark(refusal.sequence) {
            Some(mark) => Error::new(mark.step, &*mark.object, refusal.errno),
            None => Error::new(Step::Commit, self.table.label(), refusal.errno),
        }
    }

    /// The messages that list a set's elements; none if there is no such set.
    fn list_elements(&mut self, place: usize) -> Result<Vec<Vec<u8>>, Error> {
        let Some(set) = self.layout.sets.get(place) else {
            return Ok(Vec::new());
        };
        let table = &self.table;
        let request = |sequence| {
            let mut buffer = Buffer::default();
            let flags = flag::REQUEST | flag::DUMP;
            let family = table.protocol_family();
            let start = buffer.begin(kind::GET_ELEMENT, flags, sequence, family, 0);
            element::encode_head(table, &set.name, &mut buffer);
            buffer.end(start);
            buffer.bytes().to_vec()
        };
        match self.socket.query(request) {
            Err(libc::ENOENT) => Ok(Vec::new()),
            answer => answer.map_err(|errno| Error::new(Step::Read, &*set.label, errno)),
        }
    }
}

/// Leaves one lease per opening among those from `start` on: an unmatched jump has two keys in family inet.
fn merge_constant_keys(leases: &mut Vec<Lease>, start: usize) {
    let mut own = leases.split_off(start);
    own.dedup_by(|later, kept| {
        let same = later.opening == kept.opening;
        if same {
            // For ever outlasts any time.
            let times = later.remaining_ms.zip(kept.remaining_ms);
            kept.remaining_ms = times.map(|(a, b)| a.max(b));
        }
        same
    });
    leases.append(&mut own);
}
