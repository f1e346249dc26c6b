/** build/pictures: makes the pictures of docs/pictures/ in Chromium, from an invented fleet. */
import type { PageAlert, PageSilence } from '../../src/look/page/page.ts';
import { hourMs } from '../../src/platform/units.ts';

type Made = Pick<PageAlert, 'client' | 'rule' | 'subject' | 'severity' | 'value' | 'limit'> & {
  /** The hours from the begin of the alert to the end of the page. `to` is null for an open alert. */
  readonly from: number;
  readonly to: number | null;
} & Partial<Pick<PageAlert, 'state' | 'note' | 'mutes' | 'command'>>;

const disk = { rule: 'disk', severity: 'warning', limit: 'at least 90 %' } as const;
const memory = { rule: 'memory', subject: '', severity: 'critical', limit: 'at least 97 %' } as const;
const reboot = { rule: 'rebooted', subject: '', severity: 'warning', value: null, limit: null } as const;
const unreachable = { rule: 'unreachable', subject: '', severity: 'critical', limit: null } as const;

const made: readonly Made[] = [
  {
    ...disk,
    client: 'db-1',
    subject: '/var/lib/mysql',
    severity: 'critical',
    value: '96.4 %, 18 of 500 GiB free',
    limit: 'at least 95 %',
    note: 'Binary logs fill this: PURGE BINARY LOGS.',
    from: 9,
    to: null,
  },
  { ...unreachable, client: 'backup-1', value: 'network: no answer within 10 s', from: 3.1, to: null },
  {
    client: 'web-5',
    rule: 'service',
    subject: 'logrotate.service',
    severity: 'warning',
    value: 'failed',
    limit: null,
    from: 34,
    to: null,
    mutes: ['acknowledged by ann until Mon 23 Nov 09:00'],
    command: null,
  },
  { ...disk, client: 'build-2', subject: '/srv', value: '91.7 %, 17 of 200 GiB free', from: 21, to: null },
  { ...memory, client: 'app-3', value: '97.2 %', state: 'pending', from: 0.2, to: null },
  { ...memory, client: 'app-3', value: '98.1 %', from: 70, to: 64.5 },
  { ...reboot, client: 'app-3', from: 64.5, to: 63.5 },
  { ...disk, client: 'build-2', subject: '/srv', value: '90.3 %', from: 140, to: 119 },
  { ...disk, client: 'build-4', subject: '/srv', value: '92.0 %', from: 98, to: 88 },
  { ...disk, client: 'db-1', subject: '/var/lib/mysql', value: '93.9 %', from: 31, to: 9 },
  { ...unreachable, client: 'gateway-2', value: 'network: connection refused', from: 128, to: 127 },
  { ...reboot, client: 'gateway-2', from: 127, to: 126 },
];

interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** Returns the alerts of the invented fleet, open ones first. */
export function madeAlerts({ untilMs }: Span): readonly PageAlert[] {
  return made.map(({ from, to, ...alert }, index) => {
    const id = 61 - index;
    const state = alert.state ?? (to === null ? 'firing' : 'resolved');
    const pendingSinceMs = untilMs - from * hourMs;
    return {
      note: null,
      mutes: [],
      returning: null,
      command: state === 'resolved' ? null : ['fleet-health', 'ack', String(id)],
      ...alert,
      about: 'client',
      id,
      state,
      pendingSinceMs,
      firingSinceMs: state === 'pending' ? null : pendingSinceMs,
      resolvedAtMs: to === null ? null : untilMs - to * hourMs,
    };
  });
}

/** Returns a silence of a client under maintenance. */
export function madeSilence(untilMs: number): PageSilence {
  return { client: 'gateway-2', fromMs: untilMs - 130 * hourMs, toMs: untilMs - 122 * hourMs };
}
