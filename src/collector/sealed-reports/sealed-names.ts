/**
 * The names and facts of sealed reports between their arrival and their row. A file's name holds all facts for storing
 * besides the sealed bytes, so that one rename makes them durable: `<report id>.<received at>.<clock
 * offset>.<monotonic zero>.<boot id or ->.fhs`, times in milliseconds.
 */
import path from 'node:path';

import { boundedTime } from '../../report/check-value.ts';
import type { ClockFacts } from './clock-facts.ts';

export interface SpoolScan {
  /** The reports, oldest first. */
  readonly reports: readonly SpooledReport[];
  /** The absolute paths of the existing quarantine folders. */
  readonly quarantines: readonly string[];
  /** The origins with folders that cannot be read, or with entries that are no files of them. */
  readonly passedOver: readonly PassedOver[];
}

export interface PassedOver {
  /** The folder of the site in the inbox; null for encrypted_stats/. */
  readonly origin: string | null;
  /** The line for people. */
  readonly line: string;
  /** The error of the path that the line names first. Default: none. */
  readonly cause?: unknown;
}

export interface ArrivedReport extends NamedFacts {
  /** The folder of the site in the inbox that forwards the report. Default: null. */
  readonly origin?: string | null;
  /** The visited client. */
  readonly client: string;
  readonly reportId: string;
  readonly sealed: Uint8Array;
}

export interface SpooledReport extends NamedFacts {
  /** The client of the folder; null if the folder's name is a hash. Then the header names the client. */
  readonly client: string | null;
  /** The absolute path. */
  readonly file: string;
  /** The folder of the site in the inbox that the report came from; null: the client brought it, or a visit did. */
  readonly origin: string | null;
  /** The bytes on the disk. */
  readonly bytes: number;
}

/** The facts of a report that the name of its file holds. */
export interface NamedFacts {
  readonly receivedAtMs: number;
  readonly clock: ClockFacts | null;
}

export interface Roots {
  readonly dir: string;
  readonly inbox: string | null;
}

/** Returns the folder of an origin, which holds a folder for each client. */
export function rootOf({ dir, inbox }: Roots, origin: string | null): string {
  return origin === null || inbox === null ? dir : path.join(inbox, origin);
}

/** Returns the name of a report's file, with all facts. */
export function fileName({ reportId, receivedAtMs, clock }: NamedFacts & Pick<ArrivedReport, 'reportId'>): string {
  const boot = /^[0-9A-Za-z-]{2,64}$/.exec(clock?.bootId ?? '')?.[0] ?? '-';
  const facts = clock === null ? ['-', '-', '-'] : [whole(clock.offsetMs), whole(clock.monotonicZeroMs), boot];
  return [reportId, whole(receivedAtMs), ...facts, 'fhs'].join('.');
}

/** Formats a number as digits without an exponent, whatever a client's clock shows. */
function whole(ms: number): string {
  return String(Math.round(Math.min(9e15, Math.max(-9e15, ms))));
}

/** Parses the name of a sealed file that another machine has given it. Returns null for another form. */
export function parseSealedName(name: string): (NamedFacts & { readonly reportId: string }) | null {
  const facts = factsOfName(name);
  return facts === null ? null : { ...facts, reportId: name.slice(0, 36) };
}

/** Returns the name of a sealed file with all facts, also of a file that is named by its report id alone. */
export function sealedName({ file, receivedAtMs, clock }: SpooledReport): string {
  return fileName({ reportId: path.basename(file).slice(0, 36), receivedAtMs, clock });
}

const namePattern = /^[0-9a-f-]{36}\.(\d{1,16})\.(-|-?\d{1,16})\.(-|-?\d{1,16})\.([0-9A-Za-z-]{1,64})\.fhs$/;

export function factsOfName(name: string): NamedFacts | null {
  const [, received, offset = '-', zero = '-', boot = '-'] = namePattern.exec(name) ?? [];
  if (received === undefined) return null;
  const clock =
    offset === '-' || zero === '-'
      ? null
      : { offsetMs: Number(offset), monotonicZeroMs: Number(zero), bootId: boot === '-' ? null : boot };
  return { receivedAtMs: boundedTime(Number(received)), clock };
}
