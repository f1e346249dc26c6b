import { keyed } from '../../../about/support/keyed.ts';
import type { FleetPage, PageAlert, PageClient } from '../../../../src/look/page/page.ts';

const untilMs = Date.UTC(2026, 10, 21, 10);
const hourMs = 3_600_000;

/** Returns a page of a day without clients and alerts. */
export function pageOf(more: Partial<FleetPage>): FleetPage {
  return {
    title: 'Fleet',
    zone: 'UTC',
    sinceMs: untilMs - 24 * hourMs,
    untilMs,
    clients: [],
    checks: new Map(),
    logs: new Map(),
    groups: [],
    alerts: [],
    history: [],
    outliers: { figures: [], kinds: [], more: 0 },
    silences: [],
    gaps: [],
    omissions: [],
    ...more,
  };
}

/** Returns a client without problems. */
export function clientOf(more: Partial<PageClient>): PageClient {
  return {
    name: 'web-1',
    address: '192.0.2.1',
    hostname: 'web-1',
    os: 'Debian GNU/Linux 12',
    state: 'ok',
    reason: null,
    worst: null,
    openAlerts: 0,
    cpuPercent: { value: 12.5, beyond: null },
    memoryPercent: { value: 41.7, beyond: null },
    diskPercent: { value: 91.5, beyond: 'warning' },
    diskMount: '/data',
    fullIn: null,
    loadPerCpu: 0.4,
    reportAgeMs: 60_000,
    availability: 0.998,
    spark: [10, 20, 30],
    history: null,
    ...more,
  };
}

/** Returns a critical alert that has been firing for two hours. */
export function alertOf(more: Partial<PageAlert>): PageAlert {
  return keyed({
    id: 7,
    client: 'web-1',
    rule: 'disk',
    subject: '/var',
    state: 'firing',
    returning: null,
    severity: 'critical',
    pendingSinceMs: untilMs - 2 * hourMs,
    firingSinceMs: untilMs - 2 * hourMs,
    resolvedAtMs: null,
    value: '96.2 %',
    limit: 'at least 95 %',
    note: null,
    mutes: [],
    command: ['fleet-health', 'ack', '7'],
    ...more,
  });
}
