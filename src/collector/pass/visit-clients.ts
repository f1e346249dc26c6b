import { setMaxListeners } from 'node:events';

import type { Client } from '../../config/config.ts';
import { asFleetError, FleetError } from '../../errors.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';
import { readBundles } from '../agent/agent-bundles.ts';
import { createAgentNotes } from '../schedule/agent-notes.ts';
import { isHeldBack } from '../visit/backoff.ts';
import { startTimedSignal, type TimedSignal } from '../visit/visit-deadline.ts';
import { credentialsChangedAtMs } from '../schedule/credential-files.ts';
import { visitOrder } from '../schedule/order.ts';
import { openRuntimeSupply, type RuntimeSupply } from '../runtimes/runtime-supply.ts';
import { visitFleet, type FleetOutcome } from '../schedule/visit-fleet.ts';
import type { VisitContext } from '../visit/context.ts';
import { loadRestrictedKeys, type RestrictedKeys } from '../visit/restricted-keys.ts';
import type { PassOptions } from '../collect-options.ts';
import { failedPush } from './silent-clients.ts';

export interface VisitClientsOptions {
  readonly pass: PassOptions;
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  readonly keep: VisitContext['keep'];
  readonly record: (visit: VisitRecord) => void;
  /** The failed visits of clients that push and are silent. Default: none. */
  readonly silent?: readonly VisitRecord[];
}

export interface ClientsVisited extends FleetOutcome {
  /** The clients that this pass is for. */
  readonly clients: number;
  /** The clients among them that are left alone after a refused login. */
  readonly heldBack: number;
  /** True if a signal ended the visits. */
  readonly interrupted: boolean;
  /** True if a signal or the run's deadline ended the visits. */
  readonly endedEarly: boolean;
}

/** Visits the clients that this pass is for, in order, until the run's deadline or a signal. */
export async function visitClients(options: VisitClientsOptions): Promise<ClientsVisited> {
  const { pass, facts } = options;
  const { config, start } = pass;
  const named = config.clients.filter(({ name }) => pass.only === null || pass.only.has(name));
  const watched = named.filter(({ state }) => state !== 'retired');
  const asked = watched.filter(({ pushEveryMs }) => pushEveryMs === null);
  const ignoreBackoff = pass.ignoreBackoff === true || facts === null;
  const heldBackNow = (client: Client): boolean =>
    !ignoreBackoff &&
    isHeldBack({
      facts: facts.get(client.name),
      nowMs: start.startedAtMs,
      configDigest: config.digest,
      credentialsChangedAtMs: () => credentialsChangedAtMs(client, config),
    });
  const due: Client[] = [];
  const skipped: Client[] = [];
  for (const client of asked) (heldBackNow(client) ? skipped : due).push(client);
  const heldBack = skipped.length;
  pass.observe({ kind: 'started', runId: start.id, clients: due.length, skipped: heldBack });
  for (const { name: client } of skipped) {
    const { failedCode: code = null, nextAttemptAtMs = null } = facts?.get(client) ?? {};
    pass.observe({ kind: 'skipped', client, reason: 'login_refused', code, nextAttemptAtMs });
  }
  for (const { name: client, state } of named) {
    if (state !== 'retired') continue;
    pass.observe({ kind: 'skipped', client, reason: 'retired', code: null, nextAttemptAtMs: null });
  }

  const bundles = pass.bundles ?? readBundles();
  const notes = createAgentNotes({ node: bundles.agent.digest, shell: bundles.shell.digest });
  const restricted = loadRestrictedKeys(pass.paths.restrictedKeys);
  const askingChecks = new Set(due.filter(({ checks }) => checks.length > 0).map(({ name }) => name));
  const sawAgent: VisitContext['sawAgent'] = (client, result) => {
    notes.saw(client, result, askingChecks.has(client));
    if (result.hello !== null) restricted.note(client, result.hello.pinned !== undefined);
  };
  const ending = startEnding(pass);
  try {
    const { signal } = ending;
    const runtimes = openSupply(pass, due);
    const turn = Math.floor(start.startedAtMs / Math.max(1, config.collector.everyMs));
    const outcome = await visitFleet({
      pass,
      context: { ...pass, bundles, runtimes, signal, facts, keep: options.keep, restricted, sawAgent },
      clients: visitOrder(due, turn),
      record: options.record,
    });
    for (const message of notes.lines()) pass.observe({ kind: 'note', message });
    if (!pass.dryRun) saveRestricted(pass, restricted);
    const interrupted = pass.signal.aborted;
    const pushed = settlePushing(
      options,
      watched.filter(({ pushEveryMs }) => pushEveryMs !== null),
    );
    return {
      clients: watched.length,
      succeeded: outcome.succeeded + pushed.succeeded,
      failures: [...outcome.failures, ...pushed.failures],
      unreached: outcome.unreached,
      heldBack,
      interrupted,
      endedEarly: signal.aborted,
    };
  } finally {
    ending.end();
  }
}

/** Records the silent clients among those that push. Those whose last push failed are none that answered either. */
function settlePushing({ pass, record, facts, silent = [] }: VisitClientsOptions, pushing: readonly Client[]) {
  const names = new Set(silent.map(({ client }) => client));
  const failed = pushing.flatMap((client) =>
    names.has(client.name) ? [] : (failedPush(client, pass.start, facts?.get(client.name)) ?? []),
  );
  for (const visit of silent) record(visit);
  const failures = [...silent, ...failed];
  for (const visit of failures) {
    pass.observe({ kind: 'visited', visit, done: failures.length, clients: failures.length });
  }
  return { succeeded: pushing.length - failures.length, failures };
}

/** Saves which keys are restricted. A failure ends nothing: the next run learns it again. */
function saveRestricted({ config, observe }: PassOptions, restricted: RestrictedKeys): void {
  try {
    restricted.save(config.clients);
  } catch (thrown) {
    observe({ kind: 'fault', fault: asFleetError(thrown, { code: 'state-unusable', stage: 'run' }) });
  }
}

/** Opens the runtimes for clients. Returns null if no client asks for one, or they cannot be read. */
function openSupply(pass: PassOptions, clients: readonly Client[]): RuntimeSupply | null {
  if (!clients.some((client) => client.ssh.runtime === 'bring')) return null;
  try {
    const { everyMs } = pass.config.collector;
    return openRuntimeSupply({ dir: pass.paths.runtimes, everyMs, ignorePauses: pass.ignoreBackoff === true });
  } catch (thrown) {
    pass.observe({ kind: 'fault', fault: asFleetError(thrown, { code: 'state-unusable', stage: 'run' }) });
    return null;
  }
}

/** Starts the signal that ends the visits: at the run's deadline, or with the caller's signal. */
function startEnding({ signal, config, start, now }: PassOptions): TimedSignal {
  const { runDeadlineMs } = config.collector;
  const fault = (code: 'run-deadline' | 'interrupted', message: string): FleetError =>
    new FleetError({ code, stage: 'run', message });
  const ending = startTimedSignal({
    timeoutMs: Math.max(0, start.startedAtMs + runDeadlineMs - now()),
    late: () => fault('run-deadline', `the run reached its deadline of ${runDeadlineMs} ms`),
    parent: signal,
    aborted: () =>
      signal.reason instanceof FleetError ? signal.reason : fault('interrupted', 'the run was interrupted'),
  });
  // Every visit under way listens to it.
  setMaxListeners(0, ending.signal);
  return ending;
}
