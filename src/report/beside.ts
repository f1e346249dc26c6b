/** The looks of clients at a lost one beside them: the column `beside` of `visits`. */
import {
  array,
  type InferOutput,
  integer,
  maxBytes,
  maxLength,
  maxValue,
  minValue,
  number,
  object,
  optional,
  picklist,
  pipe,
  safeParse,
  string,
  tuple,
  union,
} from 'valibot';

/**
 * `reached`: an SSH server sent its banner. `no banner`: something accepted the connection, and sent none. `no answer`:
 * a timeout, or the machine is not found. `no route`: the client knows no way to the network. `unable`: the client
 * could not try.
 */
export const lookOutcomes = ['reached', 'no banner', 'refused', 'no answer', 'no route', 'unable'] as const;
export type LookOutcome = (typeof lookOutcomes)[number];

/**
 * The reasons why nobody was asked about a lost client. `address`: the dialled address is not known here; `shared`:
 * several clients have it; `many`: more are lost than a run, or the clients beside them, are asked about; `local`: the
 * address is another machine for everybody; `back`: the collector had an answer while they were asked.
 */
export const unaskedReasons = [
  'nobody',
  'restricted',
  'time',
  'isolated',
  'address',
  'shared',
  'many',
  'local',
  'back',
] as const;
export type UnaskedReason = (typeof unaskedReasons)[number];

const lookForm = object({
  /** The machine from which the visit dialled, and the port. */
  from: pipe(string(), maxLength(255)),
  port: pipe(number(), integer(), minValue(0), maxValue(65_535)),
  /** Names of clients have 128 bytes at most. */
  seen: pipe(array(tuple([pipe(string(), maxBytes(128)), picklist(lookOutcomes)])), maxLength(2)),
  /** The number of the first ones that are of the lost client's subnet. The others are of its group. Default: 0. */
  near: optional(pipe(number(), integer(), minValue(0), maxValue(2))),
});
const besideForm = union([lookForm, object({ unasked: picklist(unaskedReasons) })]);

/** The answers of the clients that were asked, by name. */
export type Look = InferOutput<typeof lookForm>;
export type Beside = InferOutput<typeof besideForm>;

const columnBytes = 512;

/**
 * Returns the text of the column. Leaves out the last answer if both do not fit, which takes names that JSON escapes or
 * a long name of the machine that dialled. Returns null if no answer fits: a site may send such a look.
 */
export function formatBeside(beside: Beside): string | null {
  const text = JSON.stringify(beside);
  if ('unasked' in beside || Buffer.byteLength(text) <= columnBytes) return text;
  return beside.seen.length > 1 ? formatBeside({ ...beside, seen: beside.seen.slice(0, -1) }) : null;
}

/** Returns a value of the form; null for another one. */
export function parseBeside(value: unknown): Beside | null {
  const { success, output } = safeParse(besideForm, value);
  return success ? output : null;
}
