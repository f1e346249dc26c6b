import { stateDisks, statePlaces } from '../../state-folder/state-disk.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { EventStore } from '../../storage/store/event-store.ts';
import type { StateDiskFact } from '../../storage/store/fleet-store.ts';
import { readCanary, readUnreadReplies } from '../../storage/store/reply-store.ts';
import { databaseUpSince, evaluateFleet, mayMissRows } from '../absence/fleet-conditions.ts';
import { readSites } from '../absence/cycles.ts';
import { readOwnFaults } from '../absence/collector-fault.ts';
import { fleetFacts, type EvaluateFleetOptions } from '../absence/fleet-facts.ts';
import { concernedMembers, leastShort, reportTimes } from '../inhibit/group-states.ts';
import { noLongerAcknowledged } from '../transition/process-rows.ts';
import { unfinishedRuns } from '../../storage/store/run.ts';
import { knownGroups } from './known-rules.ts';
import type { PassContext } from './pass-context.ts';

/** Stores alerts that follow from no row: missing runs, silent clients, removed rules. */
export async function processAbsence(pass: PassContext): Promise<void> {
  const groups = await knownGroups(pass);
  await saveEvaluated(pass, () => changedAlerts(pass, groups.sinceMs));
  await groups.remember();
}

/** Evaluates the newest events by the rules of events, and stores the alerts. */
export async function processEvents(pass: PassContext, events: EventStore): Promise<void> {
  const { config, storage, nowMs } = pass;
  // Loaded only where a rule is about events.
  const { evaluateEvents } = await import('../absence/evaluate-events.ts');
  const mayMiss = mayMissRows(pass.runs, nowMs, config.collector.everyMs);
  const openAlerts = () => storage.evaluation.openAlerts(null);
  await saveEvaluated(pass, () => evaluateEvents({ config, events, openAlerts, nowMs, mayMiss }));
}

/** Stores alerts. Evaluates them again after taking the lease: another alerter may have held it until then. */
async function saveEvaluated(
  { storage, lease }: PassContext,
  evaluate: () => Promise<readonly Alert[]>,
): Promise<void> {
  let alerts = await evaluate();
  if (alerts.length > 0 && !lease.isHeld()) {
    await lease.take();
    alerts = await evaluate();
  }
  if (alerts.length === 0) return;
  // A group's alert that gets worse ends acknowledgements.
  const ended = noLongerAcknowledged(await storage.evaluation.openAlerts(null), alerts);
  const rows = { statIds: [], visitIds: [], alerts, ruleStates: new Map(), noLongerAcknowledged: ended };
  await storage.evaluation.saveProcessed(await lease.take(), rows);
}

async function changedAlerts(pass: PassContext, groupsSinceMs: ReadonlyMap<string, number>): Promise<readonly Alert[]> {
  const { config, storage, runs, nowMs, databaseAheadMs } = pass;
  const alerts = await storage.evaluation.openAlerts(null);
  const options: EvaluateFleetOptions = {
    ...(await groupFacts(pass, alerts)),
    config,
    runs,
    groupsSinceMs,
    seenClients: await storage.fleet.seenClients(),
    sites: await readSites(config, storage.fleet),
    stateDisks: await readStateDisks(pass),
    alerts,
    sealed: await storage.fleet.sealedWaiting(),
    canary: await readCanary(config, storage.evaluation),
    repliesUnread: await readUnreadReplies(config, storage.evaluation),
    nowMs,
    databaseAheadMs,
    databaseUpSinceMs: databaseUpSince(runs, nowMs, config.collector.everyMs),
  };
  return evaluateFleet({ ...options, ownFaults: await readOwnFaults(storage.fleet, fleetFacts(options)) });
}

/** Reads what decides on groups that need some of their members. */
async function groupFacts(
  { config, storage, runs, nowMs }: PassContext,
  open: readonly Alert[],
): Promise<Pick<EvaluateFleetOptions, 'ended' | 'unfinishedRuns' | 'reports'>> {
  if (config.needs.length === 0) return {};
  const ended = await storage.evaluation.endedAlerts();
  // Reports decide on the end of a group's alert, and on no begin.
  const members = concernedMembers(config, [...open, ...ended], leastShort);
  return {
    ended,
    unfinishedRuns: unfinishedRuns(runs, { nowMs, ...config.collector }),
    reports: reportTimes(await storage.evaluation.ruleStates(members)),
  };
}

/** A collector's report on its disks counts for this many times `every`. */
const factPasses = 3;

/**
 * Returns the disks of state folders: those that collectors reported lately, and this machine's as they are now. The
 * disk of a database server cannot be seen from here.
 */
export async function readStateDisks({ config, storage, host, nowMs }: PassContext): Promise<readonly StateDiskFact[]> {
  const own = stateDisks(statePlaces(config)).map((disk): StateDiskFact => ({ ...disk, host, observedAtMs: nowMs }));
  const reported = await storage.fleet.stateDisks(nowMs - factPasses * config.collector.everyMs);
  return [
    ...reported.filter((disk) => !own.some((mine) => mine.host === disk.host && mine.path === disk.path)),
    ...own,
  ];
}
