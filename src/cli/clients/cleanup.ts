import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { cleanupClient, type CleanupAnswer } from '../../collector/agent/cleanup-client.ts';
import { collect } from '../../collector/collector.ts';
import type { Client, Config } from '../../config/config.ts';
import { asFleetError, FleetError, usageError } from '../../errors.ts';
import { loadCollectorId } from '../../state/collector-id.ts';
import { takeLock } from '../../state/lock.ts';
import { statePaths } from '../../state/paths.ts';
import { claimStateFolder } from '../../state/state-folder.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { transportFor } from '../../transport/transport-for.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import { printAnswer } from '../command/answer.ts';
import { concurrently } from '../command/concurrently.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { confirm } from '../command/question.ts';
import { chooseClients, loadSettings } from '../command/settings.ts';
import { cleanupJson, type CleanupResult, cleanupText } from './cleanup-text.ts';

export interface CleanupCommandOptions {
  /** Names; empty: all that are visited. */
  readonly clients: readonly string[];
  readonly group: string | null;
  readonly yes: boolean;
  /** Also what other collectors have left. */
  readonly all: boolean;
  /** Also reports that could not be brought home. */
  readonly force: boolean;
}

/** Clients that are cleaned up at a time. */
const clientLimit = 32;

/** `cleanup`: collects the reports that wait on the clients, then removes everything that agents have left there. */
export async function cleanupCommand(context: Context, options: CleanupCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const chosen = chooseClients(config, options);
  if (chosen.length > 0 && !options.yes && !(await agreed(context, chosen.length))) {
    output.print('Nothing was removed.');
    return 1;
  }
  const round: Round = { config, options, signal };
  const first = await cleanUp(round, chosen, options.force);
  const waiting = first.filter(({ answer }) => isWaiting(answer)).map(({ client }) => client);
  const again = waiting.length === 0 ? [] : await bringHomeAndCleanUp(round, waiting);
  const results = first.map((result) => again.find(({ client }) => client === result.client) ?? result);
  const exitStatus = results.every(({ answer }) => answer !== null && !isWaiting(answer) && answer.left.length === 0)
    ? 0
    : 1;
  printAnswer(
    output,
    () => ({ command: 'cleanup', exit_status: exitStatus, clients: results.map(cleanupJson) }),
    () => cleanupText(output, results),
  );
  return exitStatus;
}

async function agreed(context: Context, count: number): Promise<boolean> {
  const clients = count === 1 ? 'this client' : `these ${count} clients`;
  const are = count === 1 ? 'a client is' : `${count} clients are`;
  return await confirm(context, `Remove all that fleet-health keeps on ${clients}?`, () =>
    usageError(`${are} to be cleaned up, and no terminal to ask on`, 'Say --yes.'),
  );
}

function isWaiting(answer: CleanupAnswer | null): boolean {
  return answer !== null && answer.removed.length === 0 && answer.waiting.own + answer.waiting.others > 0;
}

interface Round {
  readonly config: Config;
  readonly options: CleanupCommandOptions;
  readonly signal: AbortSignal;
}

/** Runs one exec on each client, under the collector's lock. Throws FleetError `locked` if a run goes on. */
async function cleanUp(
  { config, options, signal }: Round,
  clients: readonly Client[],
  force: boolean,
): Promise<readonly CleanupResult[]> {
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, ['encryptedStats']);
  const collectorId = loadCollectorId(paths.collectorId);
  const lock = await takeLock({ file: paths.lock, nowMs: Date.now() });
  if (lock.kind === 'taken') {
    const who = lock.holder === null ? '' : ` (process ${lock.holder.pid})`;
    throw new FleetError({ code: 'locked', stage: 'lock', message: `a collect is running${who}` });
  }
  const shared = createTransportShared({ config });
  const { tcpTimeoutMs, connectTimeoutMs, clientDeadlineMs } = config.collector;
  try {
    return await concurrently(clients, clientLimit, async (client): Promise<CleanupResult> => {
      try {
        const connection = await transportFor(client, shared).connect({ tcpTimeoutMs, connectTimeoutMs, signal });
        try {
          const own = { connection, client: client.name, collectorId, all: options.all, force, signal };
          return { client, answer: await cleanupClient({ ...own, timeoutMs: clientDeadlineMs }), fault: null };
        } finally {
          connection.destroy();
        }
      } catch (thrown) {
        signal.throwIfAborted();
        return { client, answer: null, fault: asFleetError(thrown, { code: 'internal', stage: 'connect' }) };
      }
    });
  } finally {
    await shared.close();
    lock.release();
  }
}

/** The pause before another attempt: the last acknowledgements may still be on their way when a pass has ended. */
const pauseMs = 500;
const attempts = 4;

async function bringHomeAndCleanUp(round: Round, clients: readonly Client[]): Promise<readonly CleanupResult[]> {
  await bringHome(round, clients);
  let results = await cleanUp(round, clients, false);
  for (let attempt = 2; attempt <= attempts && results.some(({ answer }) => ownWait(answer)); attempt += 1) {
    await sleep(pauseMs, undefined, { signal: round.signal });
    const still = results.filter(({ answer }) => ownWait(answer)).map(({ client }) => client);
    const again = await cleanUp(round, still, false);
    results = results.map((result) => again.find(({ client }) => client === result.client) ?? result);
  }
  return results;
}

function ownWait(answer: CleanupAnswer | null): boolean {
  return isWaiting(answer) && answer !== null && answer.waiting.own > 0;
}

/** Makes a pass over these clients, retired ones too. The next cleanup finds the reports that it could not collect. */
async function bringHome({ config, signal }: Round, clients: readonly Client[]): Promise<void> {
  const names = new Set(clients.map(({ name }) => name));
  const shared = createTransportShared({ config });
  await collect({
    config: {
      ...config,
      clients: config.clients.map((client) => (names.has(client.name) ? { ...client, state: 'paused' } : client)),
    },
    only: names,
    ignoreBackoff: true,
    openStorage: () => openStorage({ storage: config.storage, migrate: config.storage.migrate, program: 'collect' }),
    transportFor: (client) => transportFor(client, shared),
    retries: 0,
    dryRun: false,
    signal,
    observe: () => undefined,
    now: Date.now,
    host: hostname(),
  }).finally(() => shared.close());
}
