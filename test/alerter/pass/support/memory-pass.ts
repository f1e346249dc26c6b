import type { AlertEvent } from '../../../../src/alerter/alert-options.ts';
import type { SentMail } from '../../../../src/alerter/deliver/sent-mails.ts';
import type { PassContext } from '../../../../src/alerter/pass/pass-context.ts';
import { openStages } from '../../../../src/alerter/pass/stages.ts';
import type { Lease } from '../../../../src/storage/store/lease-store.ts';
import type { AlerterState, NewNotifications } from '../../../../src/storage/store/notification-store.ts';
import type { RuleState } from '../../../../src/storage/store/alert.ts';
import { configOf } from '../../support/config-of.ts';
import { at } from '../../support/rows.ts';

export interface MemoryPassOptions {
  readonly elements: string;
  readonly nowMs?: number;
  readonly state?: Partial<AlerterState>;
  /** Rule states by client; `''` is the fleet. Default: each client has reported now. */
  readonly ruleStates?: ReadonlyMap<string, RuleState>;
  /** Methods of stores by the name of the store, in place of those in memory. */
  readonly stores?: Readonly<Record<string, object>>;
  readonly sent?: readonly SentMail[];
  readonly over?: Partial<PassContext>;
}

/** Returns a pass over a storage in memory, and what it has stored and observed. The lease is free. */
export function memoryPass({ elements, nowMs = at('10:06'), stores = {}, ...options }: MemoryPassOptions) {
  const { state, ruleStates, sent = [], over } = options;
  const saved: NewNotifications[] = [];
  const events: AlertEvent[] = [];
  const log: string[] = [];
  const { signal } = new AbortController();
  const observe = (event: AlertEvent): void => void events.push(event);
  const lease: Lease = { name: 'alerter', epoch: 1, holder: 'one' };
  let isHeld = false;
  const empty: AlerterState = {
    ...{ alerts: [], notified: [], silences: [], endedSilences: [], histories: [], waiting: [] },
  };
  const memory: RuleState = { newestReportMs: nowMs, newestVisitMs: nowMs, bootId: null, rows: 9, changes: {} };
  const nothing = () => Promise.resolve(new Map());
  const usual: Readonly<Record<string, object>> = {
    evaluation: {
      ruleStates: (names: readonly string[]) =>
        Promise.resolve(ruleStates ?? new Map(names.map((name) => [name, memory] as const))),
    },
    notifications: {
      state: () => {
        log.push('read');
        return Promise.resolve({ ...empty, ...state });
      },
      saveNotifications: (_: Lease, all: NewNotifications) => {
        saved.push(all);
        return Promise.resolve('stored');
      },
      storedMessageIds: () => Promise.resolve(new Set()),
      storedEpisodes: () => Promise.resolve(new Set()),
      ...{ exportsOf: nothing, systemsOf: nothing, excerptsOf: nothing, looksOf: nothing, timesFired: nothing },
      series: () => Promise.resolve([]),
    },
  };
  const names = [...new Set([...Object.keys(usual), ...Object.keys(stores)])];
  const storage = Object.fromEntries(names.map((name) => [name, { ...usual[name], ...stores[name] }]));
  const pass = {
    ...{ config: configOf(elements), dryRun: false, signal, observe, now: () => nowMs, host: 'hq' },
    ...{ nowMs, databaseAheadMs: 0, runs: [] },
    storage: { nowMs: () => Promise.resolve(nowMs), ...storage },
    lease: {
      isHeld: () => isHeld,
      take: () => {
        if (!isHeld) log.push('take');
        isHeld = true;
        return Promise.resolve(lease);
      },
      release: () => Promise.resolve(),
    },
    stages: openStages({ signal, observe }),
    sent: { all: () => sent, find: () => null, note: () => undefined },
    ...over,
  } as unknown as PassContext;
  const faults = (): readonly string[] =>
    events.flatMap((event) => (event.kind === 'fault' ? `${event.fault.code}: ${event.fault.message}` : []));
  return { pass, saved, events, log, faults };
}
