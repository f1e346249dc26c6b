import type { Client } from '../../config/config.ts';
import { asFleetError, FleetError, isOwnFault, type ErrorCode } from '../../platform/errors/errors.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';
import { readBundles } from '../agent/agent-bundles.ts';
import { loadCaptureCosts } from '../agent/capture-costs.ts';
import { createAgentNotes } from '../schedule/agent-notes.ts';
import { isHeldBack } from '../visit/login-backoff.ts';
import { startTimedSignal, type TimedSignal } from '../../platform/deadline.ts';
import { credentialsChangedAtMs } from '../schedule/credential-files.ts';
import { createLooks } from '../neighbours/look-beside.ts';
import { createHandshakeLimits } from '../schedule/handshake-limits.ts';
import { visitOrder } from '../schedule/order.ts';
import { extrasTimeMs, takeExtrasOf, type PutOffExtras } from '../schedule/put-off-extras.ts';
import { withEpoch } from '../schedule/slices.ts';
import { visitFleet, type FleetOutcome } from '../schedule/visit-fleet.ts';
import type { VisitContext } from '../visit/context.ts';
import { loadRestrictedKeys, type RestrictedKeys } from '../visit/restricted-keys.ts';
import type { CollectorRun } from '../collect-options.ts';
import { clientBatches } from './client-batches.ts';
import type { ShareStore } from '../../storage/store/share-store.ts';
import { failedPush } from './silent-clients.ts';

export interface VisitClientsOptions {
  readonly run: CollectorRun;
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  readonly keep: VisitContext['keep'];
  readonly record: (visit: VisitRecord) => void;
  /** Resolves to the failed visits of silent clients that push. Default: none. */
  readonly silent?: Promise<readonly VisitRecord[]>;
  /** The slices of a shared fleet; null while the database is away. */
  readonly shares: ShareStore | null;
  readonly onFault: (fault: FleetError) => void;
  /** Called after an inventory of a client was stored safely. */
  readonly sawInventory?: VisitContext['sawInventory'];
  readonly knownState?: VisitContext['knownState'];
}

export interface ClientsVisited extends FleetOutcome {
  /** The number of clients of this run. */
  readonly clients: number;
  /** The number of these clients that are left alone after a refused login. */
  readonly heldBack: number;
  /**
   * True if this collector may not share the fleet of its site, because its keys differ from the other collectors'
   * keys.
   */
  readonly isRefused: boolean;
  /** True if a signal ended the visits. */
  readonly interrupted: boolean;
  /** True if a signal or the run's deadline ended the visits. */
  readonly endedEarly: boolean;
}

/**
 * Visits the clients of this run, in order, until the run's deadline or a signal: all at once, or slice by slice if
 * collectors share the fleet.
 */
export async function visitClients(options: VisitClientsOptions): Promise<ClientsVisited> {
  const { run } = options;
  const named = run.config.clients.filter(({ name }) => run.only === null || run.only.has(name));
  const watched = named.filter(({ state, arrival }) => state !== 'retired' && arrival.kind !== 'site');
  for (const { name: client, state, arrival } of named) {
    if (run.only !== null && arrival.kind === 'site') {
      run.observe({ kind: 'note', message: `${client} is visited by its site ${arrival.site}: run collect there` });
    }
    if (state !== 'retired') continue;
    run.observe({ kind: 'skipped', client, reason: 'retired', code: null, nextAttemptAtMs: null });
  }
  const ending = startEnding(run);
  try {
    const epochs = new Map<number, number>();
    let hasReached = false;
    const reached = (visit: VisitRecord): void => void (hasReached ||= visit.ok);
    const record = (visit: VisitRecord): void => options.record(withEpoch(visit, epochs));
    const round = createRound({ ...options, record, reached }, watched, ending.signal);
    const claimed = (slice: number, epoch: number): void => void epochs.set(slice, epoch);
    const batches = clientBatches(options, {
      ...{ watched, claimed, hasReached: () => hasReached, signal: ending.signal },
    });
    for (let left = await batches.next(); left !== null; left = await batches.next()) {
      await round.visit(left);
    }
    await round.lookBeside();
    await round.takeExtras();
    const { isRefused } = batches;
    const outcome = round.end();
    for (const fault of ownFaults(outcome)) options.onFault(fault);
    return { ...outcome, isRefused, interrupted: run.signal.aborted, endedEarly: ending.signal.aborted };
  } finally {
    ending.end();
  }
}

interface RoundOptions extends VisitClientsOptions {
  /** Called for every visit before its extras, which delay its record. */
  readonly reached: (visit: VisitRecord) => void;
}

/** Visits batches of clients, and adds up their outcomes. */
function createRound(options: RoundOptions, watched: readonly Client[], signal: AbortSignal) {
  const { run, record, reached } = options;
  const { config, start } = run;
  const { context, notes, restricted } = contextOf(options, watched, signal);
  const turn = Math.floor(start.startedAtMs / Math.max(1, config.collector.everyMs));
  const inOrder = (due: readonly Client[]) => dearLast(context, visitOrder(due, turn), (client) => client);
  const limits = createHandshakeLimits(config.collector, run.jumpsTo);
  const failures: VisitRecord[] = [];
  const putOff: PutOffExtras[] = [];
  const looks = createLooks({ run, context, limits, record });
  let hasBegun = false;
  const sums = { clients: 0, succeeded: 0, unreached: 0, heldBack: 0 };
  return {
    visit: async (clients: readonly Client[]): Promise<void> => {
      const [pushing, asked] = parted(clients, ({ arrival }) => arrival.kind === 'comes');
      const [skipped, due] = parted(asked, (client) => heldBackNow(options, client));
      if (!hasBegun) run.observe({ kind: 'started', runId: start.id, clients: due.length, skipped: skipped.length });
      hasBegun = true;
      reportSkipped(options, skipped);
      const outcome = await visitFleet({
        ...{ run, context, limits, clients: inOrder(due), putsOff: watched.length > 1 },
        record: (client, outcome) => {
          const { record: visit, extras } = outcome;
          reached(visit);
          if (looks.saw(client, outcome)) return;
          if (extras === null) record(visit);
          else putOff.push({ client, visit, extras });
        },
      });
      const pushed = settlePushing(options, pushing, pushing.length === 0 ? [] : await options.silent);
      // A spread would pass more arguments than a call accepts.
      for (const failure of [...outcome.failures, ...pushed.failures]) failures.push(failure);
      sums.clients += clients.length;
      sums.succeeded += outcome.succeeded + pushed.succeeded;
      sums.unreached += outcome.unreached;
      sums.heldBack += skipped.length;
    },
    /** Asks clients about others beside them that this run has lost, whose visits it then records. */
    lookBeside: looks.look,
    /** Takes what the visits of all batches have put off. */
    takeExtras: async (): Promise<void> => {
      const elapsedMs = Math.max(0, run.now() - start.startedAtMs);
      const timeMs = extrasTimeMs(config.collector.everyMs, elapsedMs);
      const items = dearLast(context, putOff, ({ client }) => client);
      await takeExtrasOf({ run, context, limits, items, timeMs, record });
    },
    end: () => {
      for (const message of notes.lines()) run.observe({ kind: 'note', message });
      saveNotes(run, restricted, context);
      return { ...sums, failures };
    },
  };
}

/**
 * Returns one fault for each code with which this machine has failed visits. Each of them says the number of the
 * visits, and the message and the advice of the first.
 */
function ownFaults({ failures, succeeded }: Pick<FleetOutcome, 'failures' | 'succeeded'>): readonly FleetError[] {
  const visits = failures.length + succeeded;
  const own = failures.filter(({ code }) => isOwnFault(code));
  return [...groupBy(own, ({ code }) => code)].map(([code, same]) => {
    const message = `${same.length} of ${visits} visits failed on this machine: ${same[0]?.message ?? ''}`;
    return new FleetError({ code: code as ErrorCode, stage: 'run', message, advice: same[0]?.advice });
  });
}

/** Returns the context of all visits, and what they note. */
function contextOf({ run, ...options }: VisitClientsOptions, watched: readonly Client[], signal: AbortSignal) {
  const { facts, keep, sawInventory, knownState } = options;
  const bundles = run.bundles ?? readBundles();
  const notes = createAgentNotes({ node: bundles.agent.digest, shell: bundles.shell.digest });
  const restricted = loadRestrictedKeys(run.paths.restrictedKeys);
  const askingChecks = new Set(watched.filter(({ checks }) => checks.length > 0).map(({ name }) => name));
  const sawAgent: VisitContext['sawAgent'] = (client, result) => {
    notes.saw(client, result, askingChecks.has(client));
    if (result.hello !== null) restricted.note(client, result.hello.pinned !== undefined);
  };
  const captures = loadCaptureCosts({
    file: run.paths.dearCaptures,
    nowMs: run.start.startedAtMs,
    onFault: (fault) => run.observe({ kind: 'fault', fault }),
  });
  const context: VisitContext = {
    ...run,
    ...{ bundles, signal, facts, keep, restricted, captures, sawAgent, sawInventory, knownState },
  };
  return { context, notes, restricted };
}

/** Returns items with those of clients last whose captures have cost much: they delay no others. */
function dearLast<T>({ captures }: VisitContext, items: readonly T[], clientOf: (item: T) => Client): readonly T[] {
  const [dear, others] = parted(items, (item) => captures.isDear(clientOf(item).name));
  return [...others, ...dear];
}

/** Splits items in two. Calls `isFirst` once for each item. */
function parted<T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  const [first, second]: [T[], T[]] = [[], []];
  for (const item of items) (isFirst(item) ? first : second).push(item);
  return [first, second];
}

function heldBackNow({ run, facts }: VisitClientsOptions, client: Client): boolean {
  if (run.ignoreBackoff === true || facts === null) return false;
  const { config, start } = run;
  return isHeldBack({
    facts: facts.get(client.name),
    nowMs: start.startedAtMs,
    configDigest: config.digest,
    credentialsChangedAtMs: () => credentialsChangedAtMs(client, config),
  });
}

function reportSkipped({ run, facts }: VisitClientsOptions, skipped: readonly Client[]): void {
  for (const { name: client } of skipped) {
    const { failedCode: code = null, nextAttemptAtMs = null } = facts?.get(client) ?? {};
    run.observe({ kind: 'skipped', client, reason: 'login_refused', code, nextAttemptAtMs });
  }
}

/** Records the silent clients among those that push. Counts clients whose last push failed as failed. */
function settlePushing(
  { run, record, facts }: VisitClientsOptions,
  pushing: readonly Client[],
  silent: readonly VisitRecord[] = [],
) {
  const silentOf = new Map(silent.map((visit) => [visit.client, visit]));
  const silentHere = pushing.flatMap(({ name }) => silentOf.get(name) ?? []);
  const failed = pushing.flatMap((client) =>
    silentOf.has(client.name) ? [] : (failedPush(client, run.start, facts?.get(client.name)) ?? []),
  );
  for (const visit of silentHere) record(visit);
  const failures = [...silentHere, ...failed];
  for (const visit of failures) {
    run.observe({ kind: 'visited', visit, done: failures.length, clients: failures.length });
  }
  return { succeeded: pushing.length - failures.length, failures };
}

/**
 * Saves which keys are restricted, and whose captures have cost much. Ignores a failure: the next run detects both
 * again.
 */
function saveNotes(
  { config, observe, dryRun }: CollectorRun,
  restricted: RestrictedKeys,
  { captures }: Pick<VisitContext, 'captures'>,
): void {
  if (dryRun) return;
  captures.save();
  try {
    restricted.save(config.clients);
  } catch (thrown) {
    observe({ kind: 'fault', fault: asFleetError(thrown, { code: 'state-unusable', stage: 'run' }) });
  }
}

/** Starts the signal that ends the visits: at the run's deadline, or with the caller's signal. */
function startEnding({ signal, config, start, now }: CollectorRun): TimedSignal {
  const { runDeadlineMs } = config.collector;
  const fault = (code: 'run-deadline' | 'interrupted', message: string): FleetError =>
    new FleetError({ code, stage: 'run', message });
  return startTimedSignal({
    timeoutMs: Math.max(0, start.startedAtMs + runDeadlineMs - now()),
    late: () => fault('run-deadline', `the run reached its deadline of ${runDeadlineMs} ms`),
    parent: signal,
    aborted: () =>
      signal.reason instanceof FleetError ? signal.reason : fault('interrupted', 'the run was interrupted'),
  });
}
