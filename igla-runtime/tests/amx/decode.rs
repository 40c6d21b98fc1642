//! Instructions of AMX from their bytes: all are VEX-encoded with three bytes of prefix, 128 bits, map 0F38.
//!
//! ```text
//!   C4 │ R̅ X̅ B̅ 00010 │ W v̅v̅v̅v̅ L pp │ opcode │ mod reg r/m │ [scale index base] │ [displacement]
//! ```

/// Where memory operands are.
#[derive(Clone, Copy)]
pub struct Operand {
    /// The number of a general register; `None`: what follows the instruction.
    base: Option<u8>,
    index: Option<u8>,
    scale: u32,
    displacement: i32,
}

/// What to do; tiles by number.
#[derive(Clone, Copy)]
pub enum Operation {
    Configure(Operand),
    Release,
    Zero(usize),
    Load(usize, Operand),
    Store(Operand, usize),
    /// What words are, the sums, the rows of A, the rows of B.
    Multiply(Words, usize, usize, usize),
}

/// What the words of A and B are.
#[derive(Clone, Copy, PartialEq)]
pub enum Words {
    /// Two `bf16`: TDPBF16PS.
    Pairs,
    /// Four signed bytes: TDPBSSD.
    Fours,
}

/// Where registers are in a signal's context, by number.
const REGISTERS: [i32; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

impl Operand {
    /// The address, and for tiles the distance between rows: the index register's share, which is not part of the
    /// first row's address.
    pub fn address(self, registers: &[i64; 23], at: *const u8, length: usize) -> (usize, usize) {
        let value = |register: u8| registers[REGISTERS[usize::from(register)] as usize] as usize;
        let base = self.base.map_or(at.addr() + length, value);
        let index = self.index.map_or(0, |index| value(index) << self.scale);
        (base.wrapping_add_signed(self.displacement as isize), index)
    }
}

/// The instruction at an address, and its length; `None` if it is none of AMX that is known here.
///
/// # Safety
/// As many bytes are readable as the instruction has, or as tell that it is none.
pub unsafe fn decode(at: *const u8) -> Option<(Operation, usize)> {
    let mut length = 0;
    let mut next = || {
        // SAFETY: by the contract; what is asked for depends on the bytes before.
        let byte = unsafe { at.add(length).read() };
        length += 1;
        byte
    };
    if next() != 0xc4 {
        return None;
    }
    let first = next();
    let second = next();
    let extended = |bit: u8| if first >> bit & 1 == 0 { 8 } else { 0 };
    let (r, x, b) = (extended(7), extended(6), extended(5));
    let (wide, register, long, prefix) = (second >> 7, !(second >> 3) & 15, second >> 2 & 1, second & 3);
    if first & 31 != 2 || wide != 0 || long != 0 {
        return None;
    }
    let opcode = next();
    let modrm = next();
    let (mode, reg, rm) = (modrm >> 6, modrm >> 3 & 7, modrm & 7);
    let tile = |number: u8| (number < 8).then_some(usize::from(number));
    let words = match (opcode, prefix) {
        (0x5c, 2) => Some(Words::Pairs),
        (0x5e, 3) => Some(Words::Fours),
        _ => None,
    };
    if let Some(words) = words {
        let operation = Operation::Multiply(words, tile(reg + r)?, tile(rm + b)?, tile(register)?);
        return (mode == 3).then_some((operation, length));
    }
    if register != 0 {
        return None;
    }
    if mode == 3 {
        let operation = match (opcode, prefix, reg, rm) {
            (0x49, 0, 0, 0) => Operation::Release,
            (0x49, 3, reg, 0) => Operation::Zero(tile(reg + r)?),
            _ => return None,
        };
        return Some((operation, length));
    }
    let mut operand = Operand { base: Some(rm + b), index: None, scale: 0, displacement: 0 };
    let mut no_base = mode == 0 && rm == 5;
    if rm == 4 {
        let sib = next();
        let (index, base) = ((sib >> 3 & 7) + x, sib & 7);
        operand.scale = u32::from(sib >> 6);
        operand.index = (index != 4).then_some(index);
        operand.base = Some(base + b);
        if mode == 0 && base == 5 {
            // An absolute address: nothing here has one.
            return None;
        }
        no_base = false;
    }
    match mode {
        1 => operand.displacement = i32::from(next().cast_signed()),
        2 => operand.displacement = i32::from_le_bytes([next(), next(), next(), next()]),
        _ if no_base => {
            operand.base = None;
            operand.displacement = i32::from_le_bytes([next(), next(), next(), next()]);
        }
        _ => (),
    }
    let operation = match (opcode, prefix) {
        (0x49, 0) if reg == 0 => Operation::Configure(operand),
        // Tiles are loaded with an index byte or not at all; the second is a hint that memory is not used again.
        (0x4b, 3 | 1) if rm == 4 => Operation::Load(tile(reg + r)?, operand),
        (0x4b, 2) if rm == 4 => Operation::Store(operand, tile(reg + r)?),
        _ => return None,
    };
    Some((operation, length))
}
