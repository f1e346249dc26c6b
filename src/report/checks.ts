/**
 * The results of checks in a report, of people's own checks and of the agent's: their shape and their limits.
 * parse-checks.ts checks them.
 */

/** The most checks of people for one client. */
export const maxChecks = 50;
/** The most checks that the agent makes itself, besides people's own. */
export const maxBuiltInChecks = 100;
export const maxCheckNameChars = 128;
export const maxCheckOutputBytes = 4096;
/** The output of a folder of *.prom files, most of it samples that a line of a conf file requests; or of a device. */
export const maxLongOutputBytes = 32_768;
/** The most refused conf files, lines and commands in a report. */
export const maxRefusedChecks = 20;

/** The formats of people's own checks, and the formats of checks that the agents make themselves. */
export const ownFormats = ['nagios', 'checkmk', 'prom'] as const;
/** The kinds of checks that conf files and config.xml name, and that the agents make without a program of people. */
export const madeKinds = ['certificate', 'textfile', 'http', 'tcp', 'dns'] as const;
export type MadeKind = (typeof madeKinds)[number];
export const checkFormats = [...ownFormats, ...madeKinds, 'gpu', 'device'] as const;
export type CheckFormat = (typeof checkFormats)[number];

/** Returns the kind of checks that a word names; null if it names none. */
export function madeKindOf(word: string): MadeKind | null {
  return madeKinds.find((kind) => kind === word) ?? null;
}

/** Returns the most bytes of output that a result of this format keeps. */
export function outputLimit(format: CheckFormat): number {
  return format === 'textfile' || format === 'device' ? maxLongOutputBytes : maxCheckOutputBytes;
}

/** The reasons why a check has no exit status. */
export const checkWhys = [
  'timeout',
  'signal',
  'missing command',
  'cannot be started',
  'too long',
  'untrusted',
  'still hanging',
  'no time left',
  'nothing can be kept',
] as const;

/** The state: OK, WARNING, CRITICAL, UNKNOWN. */
export type CheckState = 0 | 1 | 2 | 3;

/** The result of one check. */
export interface CheckResult {
  readonly name: string;
  readonly format: CheckFormat;
  /** The exit status, 0 to 255; null if there is none, and `why` has the reason. */
  readonly exit: number | null;
  /** A member of `checkWhys`, or a reason of a newer agent; null if the check has ended by itself. */
  readonly why: string | null;
  /** The start of stdout, hostile text of several lines. */
  readonly output: string;
  /** The age of a result that is repeated; 0 if the check ran for this report. */
  readonly age_s: number;
}

/** A conf file, a line in it or a command that was refused. */
export interface RefusedCheck {
  readonly path: string;
  readonly why: string;
}

/** True if a text is a valid name of a check: 1 to 128 of `A-Za-z0-9_.:/ -`, without a blank at either end. */
export function isCheckName(text: string): boolean {
  return text.length <= maxCheckNameChars && /^[\w.:/-](?:[\w.:/ -]*[\w.:/-])?$/.test(text);
}
