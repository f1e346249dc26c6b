import fc from 'fast-check';

const surrogates = { from: 0xd800, count: 0x800 };

/**
 * Any code point but the surrogates, as a unit of `fc.string`. The unit `binary` has the same values, but fast-check
 * lists all of them at its first use, which costs a test file 15 times what the start of Node does.
 */
export const codePoint = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map((at) => String.fromCodePoint(at < surrogates.from ? at : at + surrogates.count));
