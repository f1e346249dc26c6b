/** Values and records as no program of ours writes them, for properties about what comes from outside. */
import fc from 'fast-check';

/** JSON texts that break a program that believes them: times beyond every calendar, other types, odd texts. */
export const oddJson: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    ...['9e15', '-9e15', '8640000000000001', '253402300800000', '-62135596800001', '1e999', '-1', '0.5', '4294967296'],
    ...['null', 'true', '[]', '{}', '""', '"0"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"__proto__"', '[[[]]]'],
    `"${'x'.repeat(5000)}"`,
    '['.repeat(3000) + ']'.repeat(3000),
  ),
  fc.json({ maxDepth: 2 }),
);

/** Values of a record that another text replaces, numbered by their order. */
export interface Change {
  readonly place: number;
  readonly text: string;
}

export const changes: fc.Arbitrary<readonly Change[]> = fc.array(fc.record({ place: fc.nat(200), text: oddJson }), {
  maxLength: 3,
});

/** Writes a record as JSON, with some of its values, or of the values inside, replaced. */
export function changedJson(record: unknown, those: readonly Change[]): string {
  const places = countPlaces(record);
  const texts = new Map(those.map(({ place, text }) => [place % places, text]));
  let at = 0;
  const write = (value: unknown): string => {
    const text = texts.get(at);
    at += 1;
    if (Array.isArray(value)) {
      const written = `[${value.map(write).join()}]`;
      return text ?? written;
    }
    if (typeof value !== 'object' || value === null) return text ?? JSON.stringify(value);
    const written = Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}:${write(one)}`);
    return text ?? `{${written.join()}}`;
  };
  return write(record);
}

function countPlaces(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, one) => sum + countPlaces(one), 1);
}
