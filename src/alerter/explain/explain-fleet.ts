import type { Rule } from '../../config/config.ts';
import type { MailSummary } from '../../storage/store/outbox-store.ts';
import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import {
  type CanaryState,
  readCanary,
  readUnreadReplies,
  type UnreadReplies,
} from '../../storage/store/reply-store.ts';
import { type Loss, lossOfDay } from '../../storage/store/run.ts';
import { groupBy } from '../../platform/group-by.ts';
import { type GroupState, needingGroups } from '../inhibit/group-states.ts';
import { sendersOf } from '../evaluate/event-samples.ts';
import { readEasing } from '../inhibit/read-easing.ts';
import { openLostParents, type LostParent } from '../inhibit/lost-parents.ts';
import { explainAlerts, explainEvents, type ExplainOptions, type RuleExplained } from './explain-alerts.ts';
import { databaseUpSince } from '../absence/fleet-conditions.ts';
import { newestFinished } from '../absence/fleet-facts.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

/** The reasons why alerts of the fleet as a whole were or were not notified. */
export interface FleetExplained {
  /** Collectors that have run recently, by id. */
  readonly collectors: readonly CollectorFact[];
  /**
   * The time from which silence is evaluated if the database answers until then; null if silence is evaluated already,
   * or no pass was made.
   */
  readonly silenceEvaluatedFromMs: number | null;
  /** Bastions and other machines that are away, and with them the clients that need them. */
  readonly parents: readonly LostParent[];
  /** Reports that wait sealed in the database. */
  readonly sealed: readonly SealedSummary[];
  /** The records that the database forgot and that runs of the last day have stored again; null if there are none. */
  readonly loss: Loss | null;
  /** The present round of `<canary>`; null if config.xml has none. */
  readonly canary: CanaryState | null;
  /** Since when and why the mailbox of `<replies>` cannot be read; null if it was read. */
  readonly repliesUnread: UnreadReplies | null;
  /** Who serves in the groups that need some of their members. */
  readonly groups: readonly GroupState[];
  readonly rules: readonly RuleExplained[];
  readonly undelivered: readonly MailSummary[];
}

export interface CollectorFact {
  readonly id: string;
  readonly host: string;
  /** The end of the collector's newest finished full run; null if there is none. */
  readonly lastFinishedMs: number | null;
}

const collectorsMs = 7 * dayMs;

export async function explainFleet(options: ExplainOptions): Promise<FleetExplained> {
  const { config, storage, nowMs } = options;
  const { everyMs } = config.collector;
  const { rules, windows } = config.alerts;
  const samples = groupBy(await explainEvents(options, sendersOf(config)), ({ rule }) => rule);
  const subjectsOf = (rule: Rule) => (samples.get(rule) ?? []).map(({ subject }) => subject);
  const groups = needingGroups(config);
  const explained = await explainAlerts(options, {
    about: 'fleet',
    name: '',
    rules,
    windows,
    needing: groups,
    subjectsOf,
  });
  const easing = await readEasing({ config, storage, nowMs, all: true });
  const runs = (await storage.fleet.runs('collect', nowMs - collectorsMs)).filter(
    ({ scope, outcome, collectorId }) => scope === 'full' && outcome !== 'overlapped' && collectorId !== '',
  );
  const upSinceMs = databaseUpSince(
    await storage.fleet.runs('alert', nowMs - Math.max(hourMs, 6 * everyMs)),
    nowMs,
    everyMs,
  );
  const evaluatedFromMs = upSinceMs === null ? null : upSinceMs + 2 * everyMs;
  const { lostFor } = openLostParents(config, explained.input.alerts);
  const lost = config.clients.flatMap(({ name }) => lostFor(name).slice(0, 1));
  return {
    collectors: [...groupBy(runs, ({ collectorId }) => collectorId)]
      .map(([id, own]) => ({
        id,
        host: own[0]?.host ?? '',
        lastFinishedMs: newestFinished(own)?.finishedAtMs ?? null,
      }))
      .sort((one, other) => (one.id < other.id ? -1 : 1)),
    silenceEvaluatedFromMs: evaluatedFromMs === null || evaluatedFromMs <= nowMs ? null : evaluatedFromMs,
    parents: [...new Map(lost.map((parent) => [parent.name, parent])).values()],
    sealed: await storage.fleet.sealedWaiting(),
    loss: lossOfDay(runs, nowMs),
    canary: await readCanary(config, storage.evaluation),
    repliesUnread: await readUnreadReplies(config, storage.evaluation),
    groups: groups.map((group) => easing.groups.at(group, nowMs)),
    rules: explained.rules.map((one) => ({ ...one, samples: samples.get(one.rule) ?? [], unknown: null })),
    undelivered: explained.undelivered,
  };
}
