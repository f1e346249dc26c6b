/** src/collector/neighbours: what clients beside a lost one see of it. */
import { randomBytes } from 'node:crypto';

import type { Client } from '../../config/config.ts';
import type { LookOutcome } from '../../report/beside.ts';
import { markerBytes, maxGreetingBytes } from '../../report/wire.ts';
import { lookCommand } from '../../transport/loader/loader.ts';
import type { Channel, Connection, Dialled, PolledConnection } from '../../transport/transport.ts';
import { readStart } from '../agent/stream-start.ts';
import { fullTimeouts } from '../visit/adaptive-timeouts.ts';
import type { VisitContext } from '../visit/context.ts';
import { raceSignal } from '../visit/visit-deadline.ts';

export interface AskOptions {
  readonly context: Pick<VisitContext, 'config' | 'transportFor'>;
  readonly client: Client;
  /** The addresses and ports to try. */
  readonly pairs: readonly Dialled[];
  readonly signal: AbortSignal;
  /** Called after the login. */
  readonly onLogin: () => void;
}

/** The time limit of each connection that a client tries. ARP gives up after 3 s. */
const seconds = 4;
/** The size of a greeting, and of the answers. */
const maxOutputBytes = maxGreetingBytes + 4096;

/** Asks a client which of these addresses it reaches, by a visit of its own. Returns `unable` for what is not known. */
export async function askNeighbour(options: AskOptions): Promise<readonly LookOutcome[]> {
  const { pairs, signal } = options;
  let outcomes: readonly LookOutcome[] = pairs.map(() => 'unable');
  let connection: Connection | PolledConnection | null = null;
  const look = async (): Promise<void> => {
    const { context, client, onLogin } = options;
    connection = await context.transportFor(client).connect({ ...fullTimeouts(context.config.collector), signal });
    onLogin();
    // The look may have been abandoned meanwhile.
    if (signal.aborted) connection.destroy();
    if (signal.aborted || 'poll' in connection) return;
    const marker = randomBytes(markerBytes).toString('base64url');
    const command = lookCommand({ client: client.name, marker, node: client.ssh.node, seconds, pairs });
    const { text, hasEnded } = await printedBy(await connection.exec(command), signal);
    outcomes = readOutcomes(text, marker, pairs.length);
    if (hasEnded) await connection.leave();
  };
  try {
    await raceSignal(look(), signal);
  } catch {
    // A fault of the look is no fault of the client.
  } finally {
    (connection as Connection | PolledConnection | null)?.destroy();
  }
  return outcomes;
}

/** Returns the output of a command until its end, the limit of its size, or the abort. */
async function printedBy({ stdin, stdout, stderr }: Channel, signal: AbortSignal): Promise<Printed> {
  stdin.on('error', () => undefined);
  stdin.end();
  return await new Promise<Printed>((resolve) => {
    const end = (hasEnded: boolean): void => resolve({ text: start.text().toString(), hasEnded });
    const onMore = (lengthBytes: number): void => {
      if (lengthBytes > maxOutputBytes) end(false);
    };
    const start = readStart(stdout, maxOutputBytes, onMore);
    readStart(stderr, 0, onMore);
    signal.addEventListener('abort', () => end(false), { once: true });
    if (signal.aborted) end(false);
    void start.ended.then(() => end(true));
  });
}

interface Printed {
  readonly text: string;
  readonly hasEnded: boolean;
}

/** The ends of an attempt in the words of look.cjs, bash and BusyBox, of glibc and musl. The first that fits counts. */
const endings: readonly (readonly [words: RegExp, outcome: LookOutcome])[] = [
  [/^reached$/, 'reached'],
  // BusyBox reads from a connection until its end.
  [/^open$|connection reset|ECONNRESET/i, 'no banner'],
  [/refused/i, 'refused'],
  [/timed out|ETIMEDOUT|no route to host|host is (?:down|unreachable)|EHOST(?:UNREACH|DOWN)/i, 'no answer'],
  [/network (?:is )?unreachable|ENETUNREACH/i, 'no route'],
];

/** Reads the lines of look.sh. The first line about a pair counts. */
export function readOutcomes(printed: string, marker: string, count: number): readonly LookOutcome[] {
  const outcomes = new Map<number, LookOutcome>();
  // The shell joins the parts of the sign, so a device that echoes the command line does not print it.
  for (const [, number, words = ''] of printed.matchAll(new RegExp(`fh-${marker}-look (\\d) ([^\\r\\n]*)`, 'g'))) {
    const [, outcome = 'unable' as const] = endings.find(([ending]) => ending.test(words)) ?? [];
    if (!outcomes.has(Number(number))) outcomes.set(Number(number), outcome);
  }
  return Array.from({ length: count }, (_, number) => outcomes.get(number) ?? 'unable');
}
