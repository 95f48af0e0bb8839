//! Set elements: keys, timeouts and comments, written and read back.

use crate::{
    batch::Batch,
    error::Step,
    key::{Key, MAX_KEY_LEN},
    ledger::{BOOT_ID_LEN, Clock},
    message::{Attributes, Buffer, Received, flag, kind},
    set::{KeyKind, Set},
    table::Table,
};

/// NFTA_SET_ELEM_LIST_*, NFTA_LIST_ELEM, NFTA_SET_ELEM_* and NFTA_DATA_VALUE of linux/netfilter/nf_tables.h.
mod attribute {
    pub const TABLE: u16 = 1;
    pub const SET: u16 = 2;
    pub const ELEMENTS: u16 = 3;
    pub const LIST_ELEMENT: u16 = 1;
    pub const KEY: u16 = 1;
    pub const TIMEOUT: u16 = 4;
    pub const EXPIRATION: u16 = 5;
    pub const USERDATA: u16 = 6;
    pub const VALUE: u16 = 1;
}

/// libnftnl's NFTNL_UDATA_SET_ELEM_COMMENT: type, length with NUL, text, NUL.
const UDATA_COMMENT: u8 = 0;
/// The kernel refuses longer timeouts than about 2⁶⁴ ns; a configuration's are at most 2³² s.
const MAX_TIMEOUT_MS: u64 = u32::MAX as u64 * 1000;
/// nftables takes 0 as "for ever".
const MIN_TIMEOUT_MS: u64 = 1;

/// Elements in one message.
const MAX_PER_MESSAGE: usize = 500;
/// Nest 4, timeout 12, key 8 + 24, userdata 4 + 2 + boot id + blank + 20 digits + NUL, padding.
const MAX_ELEMENT_LEN: usize = 4 + 12 + 8 + MAX_KEY_LEN + 4 + 2 + BOOT_ID_LEN + 1 + 20 + 1 + 3;
/// The list is one attribute, and its length has 16 bits.
const _: () = assert!(MAX_PER_MESSAGE * MAX_ELEMENT_LEN + 4 <= u16::MAX as usize);

/// What one key of one set is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element {
    /// Place of the set in the layout.
    pub set: usize,
    pub key: Key,
    /// `None`: not there.
    pub timeout_ms: Option<u64>,
}

/// Leaves one element per key, the last: within a transaction the later change wins.
pub(crate) fn settle(elements: &mut Vec<Element>) {
    elements.sort_by(|a, b| (a.set, &a.key).cmp(&(b.set, &b.key)));
    elements.dedup_by(|later, kept| {
        let same = (later.set, &later.key) == (kept.set, &kept.key);
        if same {
            *kept = *later;
        }
        same
    });
}

/// The runs of settled elements that go into one message: one set, at most [`MAX_PER_MESSAGE`].
pub(crate) fn runs(elements: &[Element]) -> impl Iterator<Item = &[Element]> {
    elements
        .chunk_by(|a, b| a.set == b.set)
        .flat_map(|run| run.chunks(MAX_PER_MESSAGE))
}

/// Writes add + delete + add for one run: right whether an element is there, has just expired, or never was.
/// (delete alone fails on a missing one; add alone does not extend on old kernels. design.md §2)
pub(crate) fn encode_refresh(
    table: &Table,
    set: &Set,
    run: &[Element],
    clock: &Clock,
    now_ms: u64,
    batch: &mut Batch,
) {
    encode_add(table, set, run, clock, now_ms, batch);
    encode_delete(table, set, run, batch);
    if run.iter().any(|element| element.timeout_ms.is_some()) {
        let wanted = run.iter().filter(|element| element.timeout_ms.is_some());
        encode_add(table, set, wanted, clock, now_ms, batch);
    }
}

/// Writes "these elements are there". Those to be deleted are added for a moment inside the transaction.
pub(crate) fn encode_add<'a>(
    table: &Table,
    set: &Set,
    elements: impl IntoIterator<Item = &'a Element>,
    clock: &Clock,
    now_ms: u64,
    batch: &mut Batch,
) {
    let start = batch.begin(
        kind::NEW_ELEMENT,
        flag::CREATE,
        Step::AddElement,
        &set.label,
        set.owner,
    );
    let buffer = batch.buffer();
    encode_head(table, &set.name, buffer);
    let list = buffer.open_nested(attribute::ELEMENTS);
    for element in elements {
        let timeout = element.timeout_ms.unwrap_or(MIN_TIMEOUT_MS);
        let timeout = timeout.clamp(MIN_TIMEOUT_MS, MAX_TIMEOUT_MS);
        let nest = buffer.open_nested(attribute::LIST_ELEMENT);
        buffer.be64(attribute::TIMEOUT, timeout);
        encode_key(set, element, buffer);
        if set.kind == KeyKind::Ledger {
            encode_comment(clock, now_ms.saturating_add(timeout), buffer);
        }
        buffer.close(nest);
    }
    buffer.close(list);
    batch.end(start);
}

fn encode_delete(table: &Table, set: &Set, run: &[Element], batch: &mut Batch) {
    let start = batch.begin(
        kind::DEL_ELEMENT,
        0,
        Step::DeleteElement,
        &set.label,
        set.owner,
    );
    let buffer = batch.buffer();
    encode_head(table, &set.name, buffer);
    let list = buffer.open_nested(attribute::ELEMENTS);
    for element in run {
        let nest = buffer.open_nested(attribute::LIST_ELEMENT);
        encode_key(set, element, buffer);
        buffer.close(nest);
    }
    buffer.close(list);
    batch.end(start);
}

/// The attributes of a message that empties a set, or asks for all of its elements: no list means all.
pub(crate) fn encode_head(table: &Table, set: &str, buffer: &mut Buffer) {
    buffer.string(attribute::TABLE, &table.name);
    buffer.string(attribute::SET, set);
}

fn encode_key(set: &Set, element: &Element, buffer: &mut Buffer) {
    let key = buffer.open_nested(attribute::KEY);
    let bytes = element.key.get(..set.kind.len()).unwrap_or_default();
    buffer.attribute(attribute::VALUE, bytes);
    buffer.close(key);
}

fn encode_comment(clock: &Clock, deadline_ms: u64, buffer: &mut Buffer) {
    let userdata = buffer.open(attribute::USERDATA);
    let bytes = buffer.raw();
    let start = bytes.len();
    bytes.extend_from_slice(&[UDATA_COMMENT, 0]);
    clock.write_comment(deadline_ms, bytes);
    bytes.push(0);
    let length = (bytes.len() - start - 2) as u8;
    if let Some(slot) = bytes.get_mut(start + 1) {
        *slot = length;
    }
    buffer.close(userdata);
}

/// An element as the kernel lists it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoundElement<'a> {
    pub key: &'a [u8],
    /// `None`: it has no timeout.
    pub remaining_ms: Option<u64>,
    pub comment: Option<&'a str>,
}

/// Reads the elements of one message of a listing.
pub(crate) fn decode<'a>(message: Received<'a>) -> impl Iterator<Item = FoundElement<'a>> {
    let list = message.attributes().nest(attribute::ELEMENTS);
    let list = list.unwrap_or(Attributes(&[]));
    list.filter_map(|(_, element)| decode_element(Attributes(element)))
}

fn decode_element<'a>(attributes: Attributes<'a>) -> Option<FoundElement<'a>> {
    let key = attributes.nest(attribute::KEY)?.find(attribute::VALUE)?;
    let timeout = attributes.find(attribute::TIMEOUT);
    let userdata = attributes.find(attribute::USERDATA);
    Some(FoundElement {
        key,
        remaining_ms: timeout.and_then(|_| attributes.be64(attribute::EXPIRATION)),
        comment: userdata.and_then(decode_comment),
    })
}

/// The comment in an element's or a rule's userdata: both are (type 0, length, text, NUL).
pub(crate) fn decode_comment(userdata: &[u8]) -> Option<&str> {
    let mut rest = userdata;
    while let [kind, length, tail @ ..] = rest {
        let data = tail.get(..usize::from(*length))?;
        if *kind == UDATA_COMMENT {
            return std::str::from_utf8(data.strip_suffix(&[0])?).ok();
        }
        rest = tail.get(usize::from(*length)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(set: usize, first: u8, timeout_ms: Option<u64>) -> Element {
        let mut key = [0; MAX_KEY_LEN];
        key[0] = first;
        Element {
            set,
            key,
            timeout_ms,
        }
    }

    #[test]
    fn the_last_change_of_a_key_wins() {
        let mut elements = vec![
            element(1, 7, Some(5)),
            element(0, 7, Some(1)),
            element(1, 7, None),
            element(0, 7, Some(2)),
            element(0, 3, Some(3)),
        ];
        settle(&mut elements);
        assert_eq!(
            elements,
            [
                element(0, 3, Some(3)),
                element(0, 7, Some(2)),
                element(1, 7, None)
            ]
        );
    }

    #[test]
    fn runs_keep_to_one_set_and_500() {
        let mut elements: Vec<_> = (0..1200).map(|_| element(0, 0, None)).collect();
        elements.push(element(1, 0, None));
        let lengths: Vec<_> = runs(&elements).map(<[Element]>::len).collect();
        assert_eq!(lengths, [500, 500, 200, 1]);
    }

    #[test]
    fn comments_are_found_among_other_userdata() {
        assert_eq!(decode_comment(&[1, 1, 9, 0, 3, b'h', b'i', 0]), Some("hi"));
        assert_eq!(decode_comment(&[0, 9, b'h']), None);
        assert_eq!(decode_comment(&[0, 0]), None);
        assert_eq!(decode_comment(&[]), None);
    }
}
