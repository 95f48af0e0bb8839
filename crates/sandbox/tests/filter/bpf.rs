//! An interpreter for the classic BPF that seccomp(2) takes: what a filter says about a call, on any machine.

/// seccomp's return values (linux/seccomp.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Log,
    KillProcess,
    Errno(i32),
    Other(u32),
}

impl Verdict {
    fn of(value: u32) -> Self {
        match (value & 0xffff_0000, value & 0xffff) {
            (0x7fff_0000, _) => Self::Allow,
            (0x7ffc_0000, _) => Self::Log,
            (0x8000_0000, _) => Self::KillProcess,
            (0x0005_0000, errno) => Self::Errno(errno as i32),
            _ => Self::Other(value),
        }
    }
}

/// `struct seccomp_data` without the instruction pointer, which no filter of ours reads.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// AUDIT_ARCH_*.
    pub arch: u32,
    pub number: u32,
    pub args: [u64; 6],
}

impl Call {
    /// The 32 bits at `offset`, as on a little-endian machine.
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.arch,
            16..64 if offset.is_multiple_of(4) => {
                let arg = self.args[(offset as usize - 16) / 8];
                (arg >> (8 * (offset % 8))) as u32
            }
            _ => panic!("a load from offset {offset}"),
        }
    }
}

/// A filter's instructions.
pub struct Program(Vec<Instruction>);

#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

impl Program {
    /// Reads `struct sock_filter`s (linux/filter.h).
    pub fn parse(bytes: &[u8]) -> Self {
        let (instructions, rest) = bytes.as_chunks::<8>();
        assert!(rest.is_empty() && !instructions.is_empty());
        let read = |&[a, b, jt, jf, c, d, e, f]: &[u8; 8]| Instruction {
            code: u16::from_ne_bytes([a, b]),
            jt,
            jf,
            k: u32::from_ne_bytes([c, d, e, f]),
        };
        Self(instructions.iter().map(read).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What the filter says about `call`, and after how many instructions.
    pub fn run(&self, call: &Call) -> (Verdict, usize) {
        let mut accumulator = 0u32;
        let mut at = 0;
        for steps in 1.. {
            let Instruction { code, jt, jf, k } = self.0[at];
            at += 1;
            let mut branch = |taken: bool| at += usize::from(if taken { jt } else { jf });
            match code {
                0x20 => accumulator = call.word(k),   // BPF_LD | BPF_W | BPF_ABS
                0x54 => accumulator &= k,             // BPF_ALU | BPF_AND | BPF_K
                0x05 => at += k as usize,             // BPF_JMP | BPF_JA
                0x15 => branch(accumulator == k),     // BPF_JMP | BPF_JEQ | BPF_K
                0x25 => branch(accumulator > k),      // BPF_JMP | BPF_JGT | BPF_K
                0x35 => branch(accumulator >= k),     // BPF_JMP | BPF_JGE | BPF_K
                0x45 => branch(accumulator & k != 0), // BPF_JMP | BPF_JSET | BPF_K
                0x06 => return (Verdict::of(k), steps), // BPF_RET | BPF_K
                _ => panic!("instruction {code:#x}"),
            }
        }
        unreachable!()
    }
}
