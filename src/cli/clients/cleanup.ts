import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { cleanupClient, type CleanupAnswer } from '../../collector/agent/cleanup-client.ts';
import { collect } from '../../collector/collector.ts';
import type { Client, Config } from '../../config/config.ts';
import { asFleetError, FleetError, usageError } from '../../platform/errors/errors.ts';
import { loadAgentOwner } from '../../state-folder/collector-id.ts';
import { holdLock } from '../../state-folder/lock.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { describeSize } from '../../text/numbers.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { commandTransportFor, transportFor } from '../../transport/transport-for.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import { printAnswer, printDone } from '../command/answer.ts';
import { concurrently } from '../command/concurrently.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { confirm } from '../command/question.ts';
import { chooseClients, loadSettings } from '../command/settings.ts';
import type { Output } from '../terminal/output.ts';
import type { cleanupParameters } from './parameters.ts';

type CleanupCommandOptions = OptionsOf<typeof cleanupParameters>;

/** The number of clients that are cleaned up at a time. */
const clientLimit = 32;

/** Runs `cleanup`: collects the reports that wait on the clients, then removes all files that agents left there. */
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
  const waiting = clientsOf(first.filter(({ answer }) => isWaiting(answer)));
  const results = waiting.length === 0 ? first : replaced(first, await takeAndCleanUp(round, waiting));
  const isClean = ({ answer }: CleanupResult): boolean => answer?.left.length === 0 && !isWaiting(answer);
  const exitStatus = results.every(isClean) ? 0 : 1;
  const isNews = (result: CleanupResult): boolean =>
    !isClean(result) || (result.answer !== null && spoolLines(result.client, result.answer).length > 0);
  const shown = output.verbosity === 'quiet' ? results.filter(isNews) : results;
  const print = shown.length === 0 ? printDone : printAnswer;
  print(
    output,
    () => ({ command: 'cleanup', exit_status: exitStatus, clients: results.map(cleanupJson) }),
    () => cleanupText(output, shown),
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

function isWaiting(answer: CleanupAnswer | null): answer is CleanupAnswer {
  return answer !== null && answer.removed.length === 0 && answer.waiting.own + answer.waiting.others > 0;
}

/** The outcome for one client. */
interface CleanupResult {
  readonly client: Client;
  /** null: there is a fault. */
  readonly answer: CleanupAnswer | null;
  readonly fault: FleetError | null;
}

interface Round {
  readonly config: Config;
  readonly options: CleanupCommandOptions;
  readonly signal: AbortSignal;
}

/** Runs one exec on each client, under the collector's lock. Throws FleetError `locked` during a run. */
async function cleanUp(
  { config, options, signal }: Round,
  clients: readonly Client[],
  force: boolean,
): Promise<readonly CleanupResult[]> {
  const paths = statePaths(config.stateDir);
  claimStateFolder(paths, ['encryptedStats']);
  const collectorId = loadAgentOwner(paths.collectorId, config.collector);
  const release = await holdLock({
    file: paths.lock,
    message: (holder) => `a collect is running${holder === null ? '' : ` (process ${holder.pid})`}`,
  });
  const shared = createTransportShared({ config });
  const { tcpTimeoutMs, connectTimeoutMs, clientDeadlineMs } = config.collector;
  try {
    return await concurrently(clients, clientLimit, async (client): Promise<CleanupResult> => {
      try {
        refuseUnasked(client);
        const connection = await commandTransportFor(client, shared).connect({
          tcpTimeoutMs,
          connectTimeoutMs,
          signal,
        });
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
    release();
  }
}

/** Throws FleetError `unsupported` for a client that nothing here connects to. */
function refuseUnasked({ name, arrival }: Client): void {
  const refuse = (message: string, advice: string): never => {
    throw new FleetError({ client: name, code: 'unsupported', stage: 'connect', message, advice });
  };
  if (arrival.kind === 'asked') {
    refuse(`${name} is asked over HTTP: it runs no commands`, 'Work on that machine itself, or reach it by SSH.');
  }
  if (arrival.kind === 'comes') {
    const advice = 'Work on that machine itself, or remove transport="push".';
    refuse(`${name} pushes its reports: nothing connects to it`, advice);
  }
  if (arrival.kind === 'site') {
    const advice = 'Run the same command on the collector of that site, which has the SSH keys.';
    refuse(`${name} is visited by its site ${arrival.site}: nothing connects to it from here`, advice);
  }
}

/** The pause before another attempt: the last acknowledgements may arrive after the end of a pass. */
const pauseMs = 500;
const attempts = 4;

async function takeAndCleanUp(round: Round, clients: readonly Client[]): Promise<readonly CleanupResult[]> {
  await takeReports(round, clients);
  let results = await cleanUp(round, clients, false);
  for (let attempt = 2; attempt <= attempts; attempt += 1) {
    const still = results.filter(({ answer }) => isWaiting(answer) && answer.waiting.own > 0);
    if (still.length === 0) break;
    await sleep(pauseMs, undefined, { signal: round.signal });
    results = replaced(results, await cleanUp(round, clientsOf(still), false));
  }
  return results;
}

function clientsOf(results: readonly CleanupResult[]): readonly Client[] {
  return results.map(({ client }) => client);
}

/** Replaces results by newer results of the same clients. */
function replaced(results: readonly CleanupResult[], newer: readonly CleanupResult[]): readonly CleanupResult[] {
  return results.map((result) => newer.find(({ client }) => client === result.client) ?? result);
}

/** Makes a pass over these clients, retired ones too. The next cleanup finds the reports that were not collected. */
async function takeReports({ config, signal }: Round, clients: readonly Client[]): Promise<void> {
  const names = new Set(clients.map(({ name }) => name));
  const shared = createTransportShared({ config });
  try {
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
    });
  } finally {
    await shared.close();
  }
}

/** Returns a line for each client, and a line for each of its folders. */
function cleanupText(output: Output, results: readonly CleanupResult[]): string {
  const lines = results.flatMap(({ client, answer, fault }) => {
    if (answer === null) {
      return [
        `${client.name}: ${output.colour('red', fault?.code ?? '')}  ${fault?.message ?? ''}. ${fault?.advice ?? ''}`,
      ];
    }
    return [`${client.name}: ${outcomeOf(output, answer)}`, ...folderLines(answer), ...spoolLines(client, answer)];
  });
  const removed = results.some(({ answer }) => answer !== null && answer.removed.length > 0);
  const hint = 'The next collect brings the agent again, unless the client is gone from config.xml or state="retired".';
  return [...lines, ...(removed ? ['', hint] : [])].join('\n');
}

function outcomeOf(output: Output, { removed, left, waiting }: CleanupAnswer): string {
  const bytes = removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (left.length > 0) return output.colour('red', `not everything could be removed`);
  if (removed.length > 0) return `${describeSize(bytes)} removed`;
  const { own, others } = waiting;
  if (own + others === 0) return 'nothing there';
  const whose = own === 0 ? 'of other collectors' : others === 0 ? '' : `(${others} of other collectors)`;
  const count = `${own + others} sealed ${own + others === 1 ? 'report' : 'reports'} ${whose}`.trim();
  return output.colour('red', `${count} could not be brought home, so nothing was removed; --force loses them`);
}

function folderLines({ removed, left }: CleanupAnswer): string[] {
  return [
    ...removed.map(({ path, sizeBytes }) => `  ${path}  ${describeSize(sizeBytes)}`),
    ...left.map((path) => `  ${path}  is left`),
  ];
}

/** Warns of crontab lines that remain: every few minutes, they would look for programs that were removed. */
function spoolLines({ name }: Client, { removed, waiting, spool }: CleanupAnswer): string[] {
  if (removed.length === 0 && waiting.own + waiting.others > 0) return [];
  const what =
    spool.lines > 0
      ? `  its crontab still has ${spool.lines === 1 ? 'a line' : `${spool.lines} lines`} of fleet-health spool, which`
      : '  a crontab there may still have the line of fleet-health spool, which';
  const how = `finds nothing now; fleet-health spool ${shownShellWord(name)} --remove prints what takes it out`;
  return spool.lines + spool.scripts === 0 ? [] : [`${what} ${how}`];
}

/** Returns the outcome for one client as JSON. */
function cleanupJson({ client, answer, fault }: CleanupResult): unknown {
  return {
    client: client.name,
    removed: (answer?.removed ?? []).map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })),
    left: answer?.left ?? [],
    spool_lines: answer === null ? null : answer.spool.lines,
    spool_scripts: answer === null ? null : answer.spool.scripts,
    waiting_reports: answer === null ? null : answer.waiting.own + answer.waiting.others,
    code: fault?.code ?? null,
    message: fault?.message ?? null,
  };
}
