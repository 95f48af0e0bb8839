//! One transaction as bytes, and which message of it did what: so that a refusal can name step and object.

use std::rc::Rc;

use crate::{
    error::Step,
    message::{
        Buffer, flag,
        kind::{self, SUBSYSTEM},
    },
};

/// On whose behalf a message is in the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// Control port, port rules, ledger: a refusal is fatal.
    Core,
    /// A jump resource: a refusal takes it out of service.
    Jump(u32),
    /// A set that is no longer wanted, by its place in the listing: a refusal lets it stay.
    Stale(usize),
}

/// What one message does.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub step: Step,
    pub object: Rc<str>,
    pub origin: Origin,
}

/// A transaction being written. Its buffers are used again for the next one.
///
/// Only the last message asks for an acknowledgement: the kernel reports every refused message anyway
/// (nfnetlink_rcv_batch), and batch begin and end are acknowledged by some kernels and not by others.
/// Here is also the place for the generation a batch expects (NFNL_BATCH_GENID in the begin message).
#[derive(Debug)]
pub(crate) struct Batch {
    buffer: Buffer,
    marks: Vec<Mark>,
    family: u8,
    /// Sequence number of the batch's begin message; those of the marks follow.
    first: u32,
    last_start: usize,
    last_flags: u16,
}

impl Batch {
    /// An empty one for tables of this protocol family.
    pub fn new(family: u8) -> Self {
        Self {
            buffer: Buffer::default(),
            marks: Vec::new(),
            family,
            first: 0,
            last_start: 0,
            last_flags: 0,
        }
    }

    /// Forgets what was written and begins anew, with this sequence number.
    pub fn start(&mut self, first: u32) {
        self.buffer.clear();
        self.marks.clear();
        self.first = first;
        self.bracket(kind::BATCH_BEGIN, first);
    }

    /// Begins a message; returns where, for [`Batch::end`].
    pub fn begin(
        &mut self,
        kind: u16,
        flags: u16,
        step: Step,
        object: &Rc<str>,
        origin: Origin,
    ) -> usize {
        let flags = flags | flag::REQUEST;
        let sequence = self.next_sequence();
        let start = self.buffer.begin(kind, flags, sequence, self.family, 0);
        self.note(start, flags, step, object, origin);
        start
    }

    /// Ends the message that began at `start`.
    pub fn end(&mut self, start: usize) {
        self.buffer.end(start);
    }

    /// Appends a message that was encoded elsewhere, with [`Batch::next_sequence`] and these flags.
    pub fn append(
        &mut self,
        message: &[u8],
        flags: u16,
        step: Step,
        object: &Rc<str>,
        origin: Origin,
    ) {
        let start = self.buffer.append(message);
        self.buffer.set_flags(start, flags);
        self.note(start, flags, step, object, origin);
    }

    /// Asks for the acknowledgement and ends the batch.
    pub fn finish(&mut self) {
        if !self.is_empty() {
            self.buffer
                .set_flags(self.last_start, self.last_flags | flag::ACK);
        }
        self.bracket(kind::BATCH_END, self.next_sequence());
    }

    pub fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    pub fn bytes(&self) -> &[u8] {
        self.buffer.bytes()
    }

    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Sequence number of the first message.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// Sequence number of the message that is acknowledged.
    pub fn last(&self) -> u32 {
        self.first.wrapping_add(self.marks.len() as u32)
    }

    /// Sequence number of the message that would come next.
    pub fn next_sequence(&self) -> u32 {
        self.last().wrapping_add(1)
    }

    /// What the message with this sequence number does; `None` for batch begin and end.
    pub fn mark(&self, sequence: u32) -> Option<&Mark> {
        let place = sequence.wrapping_sub(self.first).checked_sub(1)?;
        self.marks.get(place as usize)
    }

    fn note(&mut self, start: usize, flags: u16, step: Step, object: &Rc<str>, origin: Origin) {
        self.last_start = start;
        self.last_flags = flags;
        let object = Rc::clone(object);
        self.marks.push(Mark {
            step,
            object,
            origin,
        });
    }

    fn bracket(&mut self, kind: u16, sequence: u32) {
        const UNSPECIFIED_FAMILY: u8 = 0;
        let start = self
            .buffer
            .begin(kind, flag::REQUEST, sequence, UNSPECIFIED_FAMILY, SUBSYSTEM);
        self.buffer.end(start);
    }
}
