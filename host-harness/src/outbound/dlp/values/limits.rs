//! Limits of data loss prevention: minimum lengths of values, and maximum amounts of answers.

/// Minimum characters of a text that counts.
pub const TEXT_MIN: usize = 6;
/// Minimum digits of a number that counts.
pub const DIGITS_MIN: u32 = 4;
/// Minimum characters of a text that is searched for in pieces.
pub const LONG_MIN: usize = 32;
/// Characters of a piece.
pub const PIECE: usize = 24;
/// Minimum letters and digits of a text that is found anywhere in a row of them; a shorter one is
/// found between whole words only.
pub const JOINED_MIN: usize = 10;
/// Maximum number of answers kept of a service; beyond it, nothing may go from it to another.
pub const ANSWERS_MAX: usize = 256;
/// Maximum number of bytes kept of a service's answers; beyond it, nothing may go from it to
/// another.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
