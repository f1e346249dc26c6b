/**
 * Removes the files of agents on a client (src/transport/loader/cleanup.sh; agent/start/places.ts lists the places):
 * builds the command line and parses its answer.
 */
import { randomBytes } from 'node:crypto';

import { FleetError, type ErrorCode, type Stage } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { maxGreetingBytes, markerBytes } from '../../report/wire.ts';
import { findLauncherWords } from '../../transport/loader/launcher.ts';
import { shellCommand } from '../../transport/loader/loader.ts';
import { cleanupScript } from '../../report/client-scripts.ts';
import type { Channel, Connection } from '../../transport/transport.ts';
import { printable } from './agent-faults.ts';
import { readStart, type StreamStart } from './stream-start.ts';

export interface CleanupOptions {
  /** The marker: 16 bytes in base64url. Each line of the answer begins with it. */
  readonly marker: string;
  /** The collector whose reports count as `own`, and whose folders are removed. */
  readonly collectorId: string;
  /** True to remove the folders of all other collectors too. */
  readonly all: boolean;
  /** True to remove folders even if reports wait in them. */
  readonly force: boolean;
}

/** A folder that was removed. */
export interface RemovedFolder {
  readonly path: string;
  readonly sizeBytes: number;
}

export interface CleanupAnswer {
  /** The number of sealed reports in these folders, of this collector and of others. */
  readonly waiting: { readonly own: number; readonly others: number };
  readonly removed: readonly RemovedFolder[];
  /** Folders that could not be removed completely. */
  readonly left: readonly string[];
  /** Traces of `fleet-health spool`: lines of the account's crontab, and the scripts that such lines start. */
  readonly spool: { readonly lines: number; readonly scripts: number };
}

/** Returns the command line. */
export function cleanupCommand({ marker, collectorId, all, force }: CleanupOptions): string {
  return shellCommand(cleanupScript, [marker, collectorId, all ? 'all' : 'one', force ? 'force' : 'ask']);
}

/** Returns the answer, or null if it is incomplete. */
export function parseCleanupAnswer(output: string, marker: string): CleanupAnswer | null {
  const start = `fh-${marker}-cleanup `;
  let waiting: CleanupAnswer['waiting'] | null = null;
  let spool = { lines: 0, scripts: 0 };
  const removed: RemovedFolder[] = [];
  const left: string[] = [];
  for (const line of output.split('\n')) {
    const at = line.indexOf(start);
    if (at === -1) continue;
    const [, word = '', rest = ''] = /^(\w+) ?(.*)$/.exec(line.slice(at + start.length)) ?? [];
    const [, first = '', second = ''] = /^(\d{1,9}) (.*)$/.exec(rest) ?? [];
    if (word === 'waiting') waiting = { own: Number(first), others: Number(second) };
    else if (word === 'spool') spool = { lines: Number(first), scripts: Number(second) || 0 };
    else if (word === 'removed') removed.push({ path: second, sizeBytes: Number(first) * 1024 });
    else if (word === 'left') left.push(rest);
    else if (word === 'end') return waiting === null ? null : { waiting, removed, left, spool };
  }
  return null;
}

export interface CleanupClientOptions extends Omit<CleanupOptions, 'marker'> {
  readonly connection: Connection;
  readonly client: string;
  /** The time limit until the command has ended. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The size of a greeting, and of more folders than there can be collectors. */
const maxOutputBytes = maxGreetingBytes + 256 * 1024;
const maxComplaintBytes = 4096;

/**
 * Removes the files of agents on a client, in one exec. Throws FleetError `no-shell`, `restricted-key`, `agent-output`,
 * `channel-timeout` or the connection's error.
 */
export async function cleanupClient(options: CleanupClientOptions): Promise<CleanupAnswer> {
  const { connection, client } = options;
  const marker = randomBytes(markerBytes).toString('base64url');
  const channel = await connection.exec(cleanupCommand({ ...options, marker }));
  const { printed, complained } = await outputOf(channel, options);
  const answer = parseCleanupAnswer(printed, marker);
  if (answer !== null) {
    const removed = answer.removed.map(({ path, sizeBytes }) => ({ path: printable(path), sizeBytes }));
    return { ...answer, removed, left: answer.left.map(printable) };
  }
  const words = findLauncherWords(complained);
  if (words !== null) {
    throw new FleetError({
      code: 'restricted-key',
      stage: 'agent',
      client,
      message: 'the restricted key runs nothing but its agent, so it removes nothing',
      advice: 'Remove it as the account itself; docs/installation.md, section 7, names the folders.',
    });
  }
  const complaint = printable(complained) || printable(printed);
  const message = `/bin/sh did not do what it was asked${complaint === '' ? '' : `: ${JSON.stringify(complaint)}`}`;
  throw new FleetError({ code: 'no-shell', stage: 'agent', client, message });
}

async function outputOf(
  { stdin, stdout, stderr }: Channel,
  { client, timeoutMs, signal }: CleanupClientOptions,
): Promise<{ readonly printed: string; readonly complained: string }> {
  const fault = (code: ErrorCode, stage: Stage, message: string): FleetError =>
    new FleetError({ code, stage, client, message: `${client}: ${message}` });
  const late = (): FleetError => fault('channel-timeout', 'channel', `the command did not end within ${timeoutMs} ms`);
  stdin.on('error', () => undefined);
  stdin.end();
  return await withDeadline({ timeoutMs, signal, late }, async () => {
    const complained = readStart(stderr, maxComplaintBytes);
    const printed = await new Promise<StreamStart>((resolve, reject) => {
      const start = readStart(stdout, maxOutputBytes, (lengthBytes) => {
        const message = `more than ${maxOutputBytes} bytes came`;
        if (lengthBytes > maxOutputBytes) reject(fault('agent-output', 'agent', message));
      });
      void start.ended.then(() => resolve(start));
    });
    await complained.ended;
    return { printed: printed.text().toString(), complained: complained.text().toString() };
  });
}
