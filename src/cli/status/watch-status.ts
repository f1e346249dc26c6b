import { setTimeout as sleep } from 'node:timers/promises';

import type { Config } from '../../config/config.ts';
import { FleetError, usageError } from '../../platform/errors/errors.ts';
import type { FleetMember } from '../../look/data/fleet-member.ts';
import type { ClientState } from '../../look/page/page.ts';
import type { FleetStatus } from '../../look/data/fleet-status.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { wrap } from '../../text/text-columns.ts';
import { complaintText } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { openScreen } from '../terminal/screen.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { statusLines, statusTable } from './status-text.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** The pause between two queries of the database. */
const pollMs = 3000;

type ReadStatus = (storage: Storage | null, nowMs: number) => Promise<FleetStatus>;

/** Runs `status --watch`: shows the fleet anew after each run of the collector and the alerter, until a signal. */
export async function watchStatus({ output, signal }: Context, config: Config, read: ReadStatus): Promise<ExitStatus> {
  if (!output.terminal || output.json || process.env['TERM'] === 'dumb') {
    throw usageError('--watch needs a terminal', 'Without one: fleet-health status, or --json status for a program.');
  }
  const screen = openScreen(process.stdout);
  try {
    let last: Shown | null = null;
    for (;;) {
      try {
        await readStored(config.storage, signal, async (stored) => {
          for await (const status of statusAfterRuns(stored, read, signal)) {
            last = { status, atMs: Date.now() };
            const shown = last;
            screen.draw((size) => statusScreen({ ...output, ...size }, config, shown, size.rows));
          }
        });
      } catch (thrown) {
        if (!(thrown instanceof FleetError) || thrown.stage !== 'storage' || signal.aborted) throw thrown;
        screen.draw((size) => awayScreen({ ...output, ...size }, config, thrown, last, size.rows));
      }
      await sleep(pollMs, undefined, { signal });
    }
  } catch (thrown) {
    // People end the command by Ctrl-C.
    if (!signal.aborted) throw thrown;
  } finally {
    screen.close();
  }
  return 0;
}

/** Yields the status now and after each run that ends. Ends before the first run, when there is no schema yet. */
async function* statusAfterRuns(
  storage: Storage | null,
  read: ReadStatus,
  signal: AbortSignal,
): AsyncGenerator<FleetStatus> {
  let status = await read(storage, Date.now());
  yield status;
  for (let turn = 0; storage !== null; turn += 1) {
    await sleep(pollMs, undefined, { signal });
    // Each turn makes one small query.
    const program = turn % 2 === 0 ? 'collect' : 'alert';
    const known = program === 'collect' ? status.lastRun : status.lastPass;
    const run = await storage.history.lastRun(program);
    if (run === null || run.finishedAtMs === null || isSame(run, known)) continue;
    status = await read(storage, Date.now());
    yield status;
  }
}

function isSame(run: RunFact, known: RunFact | null): boolean {
  return run.id === known?.id && run.finishedAtMs === known.finishedAtMs;
}

interface Shown {
  readonly status: FleetStatus;
  readonly atMs: number;
}

/** Returns lines that fill at most the screen: the worst clients, counts of the rest, and the lines of `status`. */
export function statusScreen(output: Output, config: Config, { status, atMs }: Shown, rows: number): readonly string[] {
  const time = readerTime(config, atMs);
  const title = `${time.moment(atMs)} ${time.zone}; drawn anew after each run, Ctrl-C ends it.`;
  const below = statusLines(output, config, status, atMs).flatMap((line) => wrap(line, { columns: output.columns }));
  const left = Math.max(3, rows - 4);
  const footer = below.slice(0, Math.max(1, Math.min(below.length, Math.floor(left / 2))));
  const room = left - footer.length;
  const { members } = status;
  // A client takes more than one line if its visit failed.
  let shown = Math.min(members.length, room);
  const tableOf = (count: number): readonly string[] =>
    statusTable(output, members.slice(0, count), time, atMs).split('\n');
  let table = tableOf(shown);
  while (table.length > room && shown > 1) {
    shown = Math.max(1, Math.min(shown - 1, shown - Math.ceil((table.length - room) / 3)));
    table = tableOf(shown);
  }
  const rest = shown < members.length ? [output.colour('dim', restText(members.slice(shown)))] : [];
  return [output.colour('dim', title), ...table, ...rest, '', ...footer].slice(0, rows);
}

/** Returns the counts of the rest: `and 9960 more: 12 failing, 9948 ok`. */
function restText(members: readonly FleetMember[]): string {
  const counts = new Map<ClientState, number>();
  for (const { state } of members) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`);
  return `and ${members.length} more: ${states.join(', ')}`;
}

/** Returns the fault, and below it the last status that could be read. */
function awayScreen(
  output: Output,
  config: Config,
  fault: FleetError,
  last: Shown | null,
  rows: number,
): readonly string[] {
  const lines = wrap(complaintText(fault), { columns: output.columns }).map((line) => output.colour('red', line));
  return [...lines, ...(last === null ? [] : statusScreen(output, config, last, rows - lines.length))];
}
