import type { MadeKind } from '../../src/report/checks.ts';
import { within } from '../probes/within.ts';
import { errorCode } from '../probes/source.ts';
import { linesOfCertificates, linesOfServer } from './certificates.ts';
import { askServer } from './ask-server.ts';
import type { CheckOutcome } from './run-check.ts';
import { linesOfTextfiles } from './textfiles.ts';

/** Makes a check of a kind, within a time. Rejects if there is nothing to tell. */
type Maker = (command: readonly string[], timeoutMs: number) => Promise<CheckOutcome>;

/** The makers of the kinds of checks that are no programs. */
const makers: Readonly<Record<MadeKind, Maker>> = {
  certificate: ([kind, target = '', servername = '', warning, critical], timeoutMs) =>
    read(
      kind === 'file' ? linesOfCertificates(target) : linesOfServer(target, servername, timeoutMs),
      [`warning=${warning}`, `critical=${critical}`],
      timeoutMs,
    ),
  textfile: ([, dir = '', stale, metrics], timeoutMs) =>
    read(linesOfTextfiles(dir, metrics), [`stale=${stale}`], timeoutMs),
  http: askServer,
  tcp: askServer,
  dns: askServer,
};

/**
 * Returns the result of a check that is no program: `connect HOST:PORT SERVERNAME WARNING CRITICAL`, `file GLOB ''
 * WARNING CRITICAL`, `textfile DIR STALE METRICS`, or `http`, `tcp` or `dns` and their words. Never rejects.
 */
export async function readFacts(kind: MadeKind, command: readonly string[], timeoutMs: number): Promise<CheckOutcome> {
  try {
    return await makers[kind](command, timeoutMs);
  } catch (error) {
    return outcomeOf(3, `cannot read ${command[1]}: ${errorCode(error)}`);
  }
}

async function read(reading: Promise<string[]>, limits: readonly string[], timeoutMs: number): Promise<CheckOutcome> {
  const lines = await within(reading, timeoutMs);
  return lines === null ? outcomeOf(null, '') : outcomeOf(0, [...limits, ...lines].join('\n'));
}

function outcomeOf(exit: number | null, output: string): CheckOutcome {
  return { exit, why: exit === null ? 'timeout' : null, output: Buffer.from(output), hanging: null };
}
