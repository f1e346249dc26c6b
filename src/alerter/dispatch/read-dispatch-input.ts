import type { EvaluationStore } from '../../storage/store/evaluation-store.ts';
import type { NotificationStore } from '../../storage/store/notification-store.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import { type RunFact, unfinishedRuns } from '../../storage/store/run.ts';
import type { DispatchInput } from '../inhibit/dispatch-input.ts';
import { concernedMembers, reportTimes } from '../inhibit/group-states.ts';
import { followToldAhead } from './told-ahead.ts';

type GivenInput = Required<Pick<DispatchInput, 'config' | 'nowMs' | 'firstPass' | 'newRules'>>;

interface ReadDispatchInputOptions extends GivenInput {
  readonly storage: {
    readonly evaluation: Pick<EvaluationStore, 'ruleStates'>;
    readonly notifications: Pick<NotificationStore, 'state'>;
  };
  /** Runs of the collector and of the alerter, as far back as the plan needs them. */
  readonly runs: readonly RunFact[];
}

/** Reads the stored state, and adds the collector's runs. */
export async function readDispatchInput(options: ReadDispatchInputOptions): Promise<DispatchInput> {
  const { config, storage, runs, nowMs, firstPass, newRules } = options;
  const state = await storage.notifications.state(nowMs);
  const named = state.alerts.map(({ client }) => client).filter((name) => name !== '');
  const names = [...new Set([...named, ...(config.needs.length === 0 ? [] : concernedMembers(config, state.alerts))])];
  const memories =
    state.alerts.length === 0 ? new Map<string, RuleState>() : await storage.evaluation.ruleStates(['', ...names]);
  const ruleStates = new Map([...memories].filter(([name]) => name !== ''));
  const { everyMs } = config.collector;
  const newest = [...ruleStates].flatMap(([name, { newestReportMs }]) =>
    newestReportMs === null ? [] : [[name, newestReportMs] as const],
  );
  const visits = [...ruleStates].map(
    ([name, { newestReportMs, newestVisitMs }]) => [name, Math.max(newestReportMs ?? 0, newestVisitMs ?? 0)] as const,
  );
  const collects = runs.filter(({ program }) => program === 'collect');
  return {
    ...state,
    config,
    nowMs,
    unfinishedRuns: unfinishedRuns(runs, { nowMs, ...config.collector }),
    newestRowMs: new Map(newest),
    newestVisitMs: new Map(visits),
    ...(config.needs.length === 0 ? {} : { reports: reportTimes(ruleStates) }),
    collectorOfRun: new Map(collects.map(({ id, collectorId }) => [id, collectorId])),
    collectorHosts: new Map(collects.map(({ collectorId, host }) => [collectorId, host])),
    firstPass,
    newRules,
    toldAhead: followToldAhead(memories.get('')?.toldAhead ?? null, state.notified, { nowMs, everyMs }),
  };
}
