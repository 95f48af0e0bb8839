//! The proofs that were already used, so that none is used twice, in bounded memory.
//!
//! A proof is the MAC of a RESPONSE that has been verified. It is kept as long as its challenge can be answered:
//! to the end of the window after the challenge's. So a RESPONSE is either remembered or no longer valid.
//!
//! Memory: 48 bytes a proof, [`PROOFS_PER_USER_AND_WINDOW`] proofs a user and window, two windows: at most
//! 6 KiB (and a tree entry per window) for each user of the keyring, and only for users who knock that much.

use std::collections::BTreeMap;

use crate::mac::MAC_LEN;

/// How many proofs of one user and window are remembered or reserved at once; the next one is refused. At a window of
/// 30 s this is a lease every half second, far above honest use, and what one user can make the kernel do.
pub const PROOFS_PER_USER_AND_WINDOW: usize = 64;

/// A verified RESPONSE whose place among the used proofs is reserved. Hand it back to [`crate::Gate::settle`] when it is
/// known whether the request was carried out. Not `Clone`: it is settled once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "settle it, or the proof can be used again"]
pub struct Proof {
    window: u64,
    user: u32,
    batch: u64,
    mac: [u8; MAC_LEN],
}

/// What became of an attempt to use a proof.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// New: its place is reserved.
    Reserved(Proof),
    /// Accepted earlier.
    Accepted,
    /// Reserved in this batch and not settled yet.
    Pending,
    /// The user's share of this window is used up.
    ShareFull,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Good for one batch only; in a later one it counts for nothing.
    Reserved {
        batch: u64,
    },
    Accepted,
}

#[derive(Debug)]
struct Used {
    mac: [u8; MAC_LEN],
    state: State,
}

/// The proofs of one user and window: few enough to be searched one by one.
type Share = Vec<Used>;

/// The set of used proofs.
#[derive(Debug, Default)]
pub(crate) struct UsedProofs {
    /// By challenge's window, then user: old windows are one end of the tree.
    shares: BTreeMap<(u64, u32), Share>,
    /// The oldest window whose challenges can still be answered.
    oldest: u64,
    batch: u64,
}

impl UsedProofs {
    /// Forgets the proofs to challenges from before the window `oldest`. Never goes back.
    pub(crate) fn forget_before(&mut self, oldest: u64) {
        if oldest > self.oldest {
            self.oldest = oldest;
            self.shares = self.shares.split_off(&(oldest, 0));
        }
    }

    /// Claims the RESPONSE with this MAC, which must have been verified, to a challenge of `window`.
    pub(crate) fn claim(&mut self, window: u64, user: u32, mac: [u8; MAC_LEN]) -> Claim {
        let batch = self.batch;
        let share = self.shares.entry((window, user)).or_default();
        share.retain(|used| match used.state {
            State::Accepted => true,
            State::Reserved { batch: reserved_in } => reserved_in == batch,
        });
        match share.iter().find(|used| used.mac == mac) {
            Some(Used {
                state: State::Accepted,
                ..
            }) => Claim::Accepted,
            Some(_) => Claim::Pending,
            None if share.len() >= PROOFS_PER_USER_AND_WINDOW => Claim::ShareFull,
            None => {
                share.push(Used {
                    mac,
                    state: State::Reserved { batch },
                });
                Claim::Reserved(Proof {
                    window,
                    user,
                    batch,
                    mac,
                })
            }
        }
    }

    /// Remembers the proof, or gives its place back.
    pub(crate) fn settle(&mut self, proof: Proof, accepted: bool) {
        // Its challenge has run out meanwhile: there is nothing left to replay.
        if proof.window < self.oldest {
            return;
        }
        let share = self.shares.entry((proof.window, proof.user)).or_default();
        let reservation = State::Reserved { batch: proof.batch };
        match share.iter_mut().find(|used| used.mac == proof.mac) {
            Some(used) if accepted => used.state = State::Accepted,
            Some(_) => share.retain(|used| used.mac != proof.mac || used.state != reservation),
            // Abandoned, its place taken, and accepted all the same: one above the share, but never used twice.
            None if accepted => share.push(Used {
                mac: proof.mac,
                state: State::Accepted,
            }),
            None => {}
        }
    }

    /// Begins another batch: reservations that were not settled no longer count.
    pub(crate) fn abandon_pending(&mut self) {
        self.batch = self.batch.wrapping_add(1);
    }

    /// How many places are taken, reservations of past batches included.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.shares.values().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{HashMap, HashSet};

    fn numbered(number: usize) -> [u8; MAC_LEN] {
        let mut mac = [0; MAC_LEN];
        mac[..8].copy_from_slice(&number.to_be_bytes());
        mac
    }

    fn reserve(proofs: &mut UsedProofs, window: u64, user: u32, number: usize) -> Proof {
        match proofs.claim(window, user, numbered(number)) {
            Claim::Reserved(proof) => proof,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn counts_reservations_into_the_share_and_serves_others() {
        let mut proofs = UsedProofs::default();
        let held: Vec<_> = (0..PROOFS_PER_USER_AND_WINDOW)
            .map(|n| reserve(&mut proofs, 3, 1, n))
            .collect();
        assert_eq!(proofs.claim(3, 1, numbered(99)), Claim::ShareFull);
        assert_eq!(proofs.claim(3, 1, numbered(0)), Claim::Pending);
        let _other_user = reserve(&mut proofs, 3, 2, 99);
        let _other_window = reserve(&mut proofs, 4, 1, 99);
        for (n, proof) in held.into_iter().enumerate() {
            proofs.settle(proof, n % 2 == 0);
        }
        assert_eq!(proofs.claim(3, 1, numbered(0)), Claim::Accepted);
        let _given_back = reserve(&mut proofs, 3, 1, 1);
    }

    #[test]
    fn frees_what_was_abandoned() {
        let mut proofs = UsedProofs::default();
        for n in 0..PROOFS_PER_USER_AND_WINDOW {
            let _abandoned = reserve(&mut proofs, 0, 1, n);
        }
        proofs.abandon_pending();
        let again = reserve(&mut proofs, 0, 1, 5);
        assert_eq!(proofs.len(), 1);
        proofs.settle(again, true);
        assert_eq!(proofs.claim(0, 1, numbered(5)), Claim::Accepted);
    }

    #[test]
    fn a_late_refusal_does_not_touch_the_next_batch() {
        let mut proofs = UsedProofs::default();
        let late = reserve(&mut proofs, 0, 1, 5);
        proofs.abandon_pending();
        let current = reserve(&mut proofs, 0, 1, 5);
        proofs.settle(late, false);
        assert_eq!(proofs.claim(0, 1, numbered(5)), Claim::Pending);
        proofs.settle(current, true);
        assert_eq!(proofs.claim(0, 1, numbered(5)), Claim::Accepted);
    }

    #[test]
    fn a_late_acceptance_counts_even_when_the_place_is_gone() {
        let mut proofs = UsedProofs::default();
        let late = reserve(&mut proofs, 0, 1, 5);
        proofs.abandon_pending();
        let other = reserve(&mut proofs, 0, 1, 6);
        proofs.settle(late, true);
        assert_eq!(proofs.claim(0, 1, numbered(5)), Claim::Accepted);
        proofs.settle(other, false);
        assert_eq!(proofs.len(), 1);
    }

    #[test]
    fn forgets_a_window_and_ignores_its_late_proofs() {
        let mut proofs = UsedProofs::default();
        let late = reserve(&mut proofs, 1, 1, 0);
        let kept = reserve(&mut proofs, 2, 1, 1);
        proofs.settle(kept, true);
        proofs.forget_before(2);
        proofs.settle(late, true);
        assert_eq!(proofs.len(), 1);
        proofs.forget_before(1); // time does not go back
        assert_eq!(proofs.claim(2, 1, numbered(1)), Claim::Accepted);
        proofs.forget_before(u64::MAX);
        assert_eq!(proofs.len(), 0);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Claim { user: u32, number: usize },
        Settle { accepted: bool },
        Abandon,
        Advance { windows: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            60 => (0u32..2, 0usize..80).prop_map(|(user, number)| Step::Claim { user, number }),
            30 => any::<bool>().prop_map(|accepted| Step::Settle { accepted }),
            1 => Just(Step::Abandon),
            1 => (0u64..3).prop_map(|windows| Step::Advance { windows }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against plain sets: accepted stays accepted, nothing is reserved twice in a batch, no share outgrows its bound.
        #[test]
        fn behaves_like_plain_sets(steps in prop::collection::vec(step(), 0..400)) {
            let mut proofs = UsedProofs::default();
            let (mut window, mut open) = (0, Vec::<(usize, Proof)>::new());
            let mut accepted = HashSet::new();
            let mut reserved: HashMap<u32, HashSet<usize>> = HashMap::new();
            for step in steps {
                match step {
                    Step::Claim { user, number } => {
                        let reserved = reserved.entry(user).or_default();
                        let taken = reserved.len() + accepted.iter().filter(|(u, _)| *u == user).count();
                        match proofs.claim(window, user, numbered(number)) {
                            Claim::Accepted => prop_assert!(accepted.contains(&(user, number))),
                            Claim::Pending => prop_assert!(reserved.contains(&number)),
                            Claim::ShareFull => prop_assert_eq!(taken, PROOFS_PER_USER_AND_WINDOW),
                            Claim::Reserved(proof) => {
                                prop_assert!(taken < PROOFS_PER_USER_AND_WINDOW);
                                prop_assert!(!accepted.contains(&(user, number)));
                                prop_assert!(reserved.insert(number));
                                open.push((number, proof));
                            }
                        }
                    }
                    Step::Settle { accepted: yes } => {
                        let Some((number, proof)) = open.pop() else { continue };
                        let user = proof.user;
                        reserved.entry(user).or_default().remove(&number);
                        proofs.settle(proof, yes);
                        if yes { accepted.insert((user, number)); }
                    }
                    Step::Abandon => {
                        proofs.abandon_pending();
                        open.clear();
                        reserved.clear();
                    }
                    Step::Advance { windows } => {
                        window += windows;
                        proofs.forget_before(window);
                        if windows > 0 { accepted.clear(); reserved.clear(); open.clear(); proofs.abandon_pending(); }
                    }
                }
                prop_assert!(proofs.len() <= 2 * PROOFS_PER_USER_AND_WINDOW);
            }
        }
    }
}
