import type { Random } from './random.ts';

/** The most bytes of a mutated input. */
export const maxInputBytes = 64 * 1024;

/** Numbers at which lengths and counts go wrong. */
const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff] as const;

/** Makes one to eight changes to an input, with parts of `others` and with the parser's own `words`. */
export function mutate(
  input: Buffer,
  others: readonly [Buffer, ...Buffer[]],
  words: readonly [Buffer, ...Buffer[]],
  random: Random,
): Buffer {
  let mutated = input;
  for (let left = 1 + random.below(random.pick([2, 4, 8])); left > 0; left--) {
    mutated = change(mutated, others, words, random).subarray(0, maxInputBytes);
  }
  return mutated;
}

function change(
  input: Buffer,
  others: readonly [Buffer, ...Buffer[]],
  words: readonly [Buffer, ...Buffer[]],
  random: Random,
): Buffer {
  const at = random.below(input.length + 1);
  const end = Math.min(input.length, at + 1 + random.below(random.pick([4, 32, 1024])));
  const splice = (to: number, ...parts: readonly Uint8Array[]): Buffer =>
    Buffer.concat([input.subarray(0, at), ...parts, input.subarray(to)]);
  switch (random.below(9)) {
    case 0:
      return splice(end);
    case 1:
      return splice(at, input.subarray(at, end));
    case 2:
      return splice(at, random.pick(words));
    case 3:
      return splice(end, random.pick(words));
    case 4: {
      const other = random.pick(others);
      const from = random.below(other.length + 1);
      return splice(random.pick([at, end, input.length]), other.subarray(from, from + 1 + random.below(512)));
    }
    case 5:
      return splice(at, Buffer.alloc(1 + random.below(random.pick([4, 300, 5000])), random.below(256)));
    case 6:
      return splice(Math.min(input.length, at + 1), Buffer.of(random.below(256)));
    case 7:
      return splice(Math.min(input.length, at + 1), Buffer.of((input[at] ?? 0) ^ (1 << random.below(8))));
    default: {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(random.pick(edges));
      const bytes = number.subarray(random.pick([0, 2, 3]));
      return splice(Math.min(input.length, at + bytes.length), bytes);
    }
  }
}
