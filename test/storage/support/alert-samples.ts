import { keyed } from '../../about/support/keyed.ts';
import type { NewMail } from '../../../src/storage/store/outbox-store.ts';
import type { RuleState, Alert, StoredNotification, LastNotified } from '../../../src/storage/store/alert.ts';
import { noonMs } from './samples.ts';

/** Returns an alert that has been firing since noon. */
export function alert(options: Partial<Alert> = {}): Alert {
  return keyed({
    id: null,
    client: 'web-1',
    rule: 'disk',
    subject: '/data',
    severity: 'critical',
    state: 'firing',
    value: 96.2,
    valueText: '96.2 %',
    limitText: 'at least 95 %',
    pendingSinceMs: noonMs - 300_000,
    firingSinceMs: noonMs,
    resolvedAtMs: null,
    closedReason: null,
    firstEvidence: 'report-1',
    changedByRun: 'run-1',
    sequence: 1,
    flapping: false,
    closedOut: false,
    past: false,
    acknowledgedBy: null,
    acknowledgedUntilMs: null,
    acknowledgedSeverity: null,
    acknowledgedComment: null,
    acknowledgedAtMs: null,
    cause: null,
    progress: { holding: 2, holdingSinceMs: noonMs - 300_000, clearing: 0, missing: 0, easing: 0, lastAtMs: noonMs },
    ...options,
  });
}

/** Returns the rule state of a client. */
export function memory(options: Partial<RuleState> = {}): RuleState {
  const newest = { newestReportMs: noonMs, newestVisitMs: noonMs + 1 };
  return { ...newest, bootId: 'boot-1', rows: 12, changes: { 'disk\u0000/data': [1, 4] }, ...options };
}

export function stored(options: Partial<StoredNotification> = {}): StoredNotification {
  return { alertId: 1, sequence: 1, transition: 'firing', before: null, ...options };
}

export function mail(options: Partial<NewMail> = {}): NewMail {
  return {
    recipient: 'ops@example.org',
    messageId: '<0123456789abcdef0123456789abcdef@example.org>',
    content: 'Subject: disk\r\n\r\n/data ist voll: 96,2 % 🐟\r\n',
    severity: 'critical',
    ordinary: false,
    notifications: [stored()],
    replaces: [],
    ...options,
  };
}

export function lastNotified(options: Partial<LastNotified> = {}): LastNotified {
  const state = { state: 'firing', severity: 'critical', sequence: 1 } as const;
  return { alertId: 1, recipient: 'ops@example.org', ...state, notifiedAtMs: noonMs + 60_000, ...options };
}
