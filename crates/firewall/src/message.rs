//! Netlink messages and attributes: written into a buffer that is used again and again, read from slices.
//!
//! Layouts: linux/netlink.h, linux/netfilter/nfnetlink.h. Integers of nf_tables attributes are big endian,
//! those of netlink headers are the machine's.

/// Bytes of `struct nlmsghdr`.
pub(crate) const HEADER_LEN: usize = 16;
/// Bytes of `struct nfgenmsg`.
const NFGEN_LEN: usize = 4;
/// Bytes of `struct nlattr`.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// Messages and attributes begin on multiples of this.
const ALIGN: usize = 4;
/// NLA_F_NESTED.
const NESTED: u16 = 0x8000;
/// Without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
const KIND_MASK: u16 = 0x3fff;

/// NLM_F_* flags of linux/netlink.h.
pub(crate) mod flag {
    pub const REQUEST: u16 = 0x1;
    pub const ACK: u16 = 0x4;
    /// The dump was disturbed by a change.
    pub const DUMP_INTERRUPTED: u16 = 0x10;
    pub const DUMP: u16 = 0x300;
    pub const CREATE: u16 = 0x400;
}

/// Message types: NLMSG_* of linux/netlink.h, NFNL_MSG_BATCH_* and (10 << 8 | NFT_MSG_*) of nf_tables.h.
pub(crate) mod kind {
    pub const ERROR: u16 = 2;
    pub const DONE: u16 = 3;
    pub const BATCH_BEGIN: u16 = 16;
    pub const BATCH_END: u16 = 17;
    /// NFNL_SUBSYS_NFTABLES, also the `res_id` of batch begin and end.
    pub const SUBSYSTEM: u16 = 10;
    const BASE: u16 = SUBSYSTEM << 8;
    pub const GET_TABLE: u16 = BASE + 1;
    pub const GET_CHAIN: u16 = BASE + 4;
    pub const GET_RULE: u16 = BASE + 7;
    pub const DEL_RULE: u16 = BASE + 8;
    pub const NEW_SET: u16 = BASE + 9;
    pub const GET_SET: u16 = BASE + 10;
    pub const DEL_SET: u16 = BASE + 11;
    pub const NEW_ELEMENT: u16 = BASE + 12;
    pub const GET_ELEMENT: u16 = BASE + 13;
    pub const DEL_ELEMENT: u16 = BASE + 14;
}

/// A growing run of netlink messages.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
}

impl Buffer {
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins a message; returns where, for [`Buffer::end`].
    pub fn begin(&mut self, kind: u16, flags: u16, sequence: u32, family: u8, id: u16) -> usize {
        let start = self.bytes.len();
        let mut head = [0u8; HEADER_LEN + NFGEN_LEN];
        let [
            _,
            _,
            _,
            _,
            k0,
            k1,
            f0,
            f1,
            s0,
            s1,
            s2,
            s3,
            _,
            _,
            _,
            _,
            fam,
            _,
            i0,
            i1,
        ] = &mut head;
        [*k0, *k1] = kind.to_ne_bytes();
        [*f0, *f1] = flags.to_ne_bytes();
        [*s0, *s1, *s2, *s3] = sequence.to_ne_bytes();
        *fam = family;
        [*i0, *i1] = id.to_be_bytes();
        self.bytes.extend_from_slice(&head);
        start
    }

    /// Ends the message that began at `start`: writes its length.
    pub fn end(&mut self, start: usize) {
        let length = (self.bytes.len() - start) as u32;
        self.patch(start, length.to_ne_bytes());
    }

    /// Appends a whole message that somebody else encoded.
    pub fn append(&mut self, message: &[u8]) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.align();
        start
    }

    /// Replaces the flags of the message that began at `start`.
    pub fn set_flags(&mut self, start: usize, flags: u16) {
        self.patch(start + 6, flags.to_ne_bytes());
    }

    /// One attribute.
    pub fn attribute(&mut self, kind: u16, data: &[u8]) {
        self.attribute_header(kind, data.len());
        self.bytes.extend_from_slice(data);
        self.align();
    }

    /// A NUL-terminated string.
    pub fn string(&mut self, kind: u16, text: &str) {
        self.attribute_header(kind, text.len() + 1);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        self.align();
    }

    pub fn be32(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    pub fn be64(&mut self, kind: u16, value: u64) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// Begins an attribute whose content is written next; returns where, for [`Buffer::close`].
    pub fn open(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.attribute_header(kind, 0);
        start
    }

    /// Begins an attribute that holds attributes.
    pub fn open_nested(&mut self, kind: u16) -> usize {
        self.open(kind | NESTED)
    }

    /// Ends the attribute that began at `start`. Callers keep it under 64 KiB: the length has 16 bits.
    pub fn close(&mut self, start: usize) {
        let length = self.bytes.len() - start;
        debug_assert!(length <= usize::from(u16::MAX));
        self.patch(start, (length as u16).to_ne_bytes());
        self.align();
    }

    /// Raw content of an attribute begun with [`Buffer::open`].
    pub fn raw(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn attribute_header(&mut self, kind: u16, data_len: usize) {
        let [l0, l1] = ((ATTRIBUTE_HEADER_LEN + data_len) as u16).to_ne_bytes();
        let [k0, k1] = kind.to_ne_bytes();
        self.bytes.extend_from_slice(&[l0, l1, k0, k1]);
    }

    fn align(&mut self) {
        let padded = self.bytes.len().next_multiple_of(ALIGN);
        self.bytes.resize(padded, 0);
    }

    fn patch<const N: usize>(&mut self, at: usize, value: [u8; N]) {
        if let Some(slot) = self.bytes.get_mut(at..at + N) {
            slot.copy_from_slice(&value);
        }
    }
}

/// A message as received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    /// What follows `struct nlmsghdr`.
    pub payload: &'a [u8],
}

impl<'a> Received<'a> {
    /// Reads the header; `None` if there is none.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (head, payload) = message.split_first_chunk::<HEADER_LEN>()?;
        let [_, _, _, _, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *head;
        Some(Self {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            payload,
        })
    }

    /// The errno of an NLMSG_ERROR, 0 for an acknowledgement; `None` if the message is none.
    pub fn errno(&self) -> Option<i32> {
        let code = self.payload.first_chunk::<4>()?;
        (self.kind == kind::ERROR).then(|| i32::from_ne_bytes(*code).saturating_neg())
    }

    /// The attributes after `struct nfgenmsg`.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes(self.payload.get(NFGEN_LEN..).unwrap_or_default())
    }
}

/// The messages of one datagram; ends at the first malformed one.
///
/// (mnl's own iterator panics when the last message is not padded.)
pub(crate) fn messages(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*rest.first_chunk::<4>()?) as usize;
        let message = rest.get(..length).filter(|_| length >= HEADER_LEN)?;
        rest = rest
            .get(length.next_multiple_of(ALIGN)..)
            .unwrap_or_default();
        Some(message)
    })
}

/// The attributes of a message or of a nest: (kind, content). Ends at the first malformed one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(pub &'a [u8]);

impl<'a> Attributes<'a> {
    /// The content of the first attribute of a kind.
    pub fn find(self, kind: u16) -> Option<&'a [u8]> {
        let mut all = self;
        all.find_map(|(found, data)| (found == kind).then_some(data))
    }

    /// A nest's attributes.
    pub fn nest(self, kind: u16) -> Option<Attributes<'a>> {
        self.find(kind).map(Attributes)
    }

    /// A string, without its NUL.
    pub fn text(self, kind: u16) -> Option<&'a str> {
        let bytes = self.find(kind)?;
        std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).ok()
    }

    pub fn be32(self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.find(kind)?.try_into().ok()?))
    }

    pub fn be64(self, kind: u16) -> Option<u64> {
        Some(u64::from_be_bytes(self.find(kind)?.try_into().ok()?))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([l0, l1, k0, k1], _) = self.0.split_first_chunk::<ATTRIBUTE_HEADER_LEN>()?;
        let length = usize::from(u16::from_ne_bytes([*l0, *l1]));
        let data = self.0.get(ATTRIBUTE_HEADER_LEN..length)?;
        let kind = u16::from_ne_bytes([*k0, *k1]) & KIND_MASK;
        self.0 = self
            .0
            .get(length.next_multiple_of(ALIGN)..)
            .unwrap_or_default();
        Some((kind, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut buffer = Buffer::default();
        let start = buffer.begin(kind::NEW_SET, flag::REQUEST, 7, 1, 0);
        buffer.string(1, "filter");
        let nest = buffer.open_nested(2);
        buffer.be32(3, 0x0102_0304);
        buffer.be64(4, 9);
        buffer.close(nest);
        buffer.end(start);
        buffer.set_flags(start, flag::ACK);

        let message = Received::parse(buffer.bytes()).unwrap();
        assert_eq!(
            (message.kind, message.flags, message.sequence),
            (kind::NEW_SET, flag::ACK, 7)
        );
        assert_eq!(message.attributes().text(1), Some("filter"));
        let nest = message.attributes().nest(2).unwrap();
        assert_eq!((nest.be32(3), nest.be64(4)), (Some(0x0102_0304), Some(9)));
        assert_eq!(buffer.bytes().len() % ALIGN, 0);
        assert_eq!(
            buffer.bytes()[..4],
            (buffer.bytes().len() as u32).to_ne_bytes()
        );
    }

    #[test]
    fn a_truncated_attribute_ends_the_list() {
        assert_eq!(Attributes(&[9, 0, 1, 0, 5]).count(), 0);
        assert_eq!(Attributes(&[3, 0, 1, 0]).count(), 0);
        assert_eq!(Attributes(&[4, 0]).count(), 0);
        assert!(Received::parse(&[0; 15]).is_none());
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang() {
        let mut state = 0x9e37_79b9_u32;
        let mut bytes = [0u8; 64];
        for _ in 0..20_000 {
            for byte in &mut bytes {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Mostly small numbers, so that lengths are often plausible.
                *byte = (state >> 24) as u8 >> (state >> 20 & 7);
            }
            for message in messages(&bytes) {
                let message = Received::parse(message).unwrap();
                let _ = message.errno();
                for (_, data) in message.attributes() {
                    assert!(Attributes(data).count() <= data.len());
                    let _ = crate::element::decode_comment(data);
                }
                let _ = crate::element::decode(message).count();
            }
        }
    }
}
