import type { CheckStat } from '../../../src/checks/checks.ts';
import { sampleReport } from '../../../src/alerter/evaluate/sample-row.ts';
import type { Said } from './due-mails.ts';
import { config, sample, type Sample } from './mail-samples.ts';
import { at, checkRow, reportRow } from './rows.ts';

/** Returns the notification of a row of a check, from the sample that a rule makes of it. */
function saidOf(client: string, rule: string, check: Partial<CheckStat>, over: Partial<Said> = {}): Said {
  const own = config.clients.find(({ name }) => name === client);
  if (own === undefined) throw new Error(`no client ${client}`);
  const row = { row: reportRow({ client }), disks: [], networks: [], checks: [checkRow(check)], report: null };
  const found = sampleReport({ client: own, ...row }).samples.find((one) => one.rule.name === rule);
  if (found === undefined) throw new Error(`no sample of ${rule}`);
  const { subject, value, valueText, limitText, level } = found;
  const severity = level === 'critical' ? 'critical' : 'warning';
  return { client, rule, subject, value, valueText, limitText, severity, transition: 'firing', ...over };
}

const evil = '\u202e\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script>';
const before = { state: 'firing', severity: 'critical', sequence: 1, notifiedAtMs: at('08:05') } as const;
const reached = (said: Said): Said => ({
  ...said,
  progress: {
    ...{ holding: 2, holdingSinceMs: 0, clearing: 0, missing: 0, easing: 0, lastAtMs: at('10:05') },
    worst: {
      atMs: at('08:30'),
      severity: 'critical',
      value: null,
      valueText: 'MAILQ CRITICAL: 210 messages are unsent',
      limitText: '',
    },
  },
});

/** Mails about checks that users wrote; each has its golden files in test/testdata/mails. */
export const checkSamples: Readonly<Record<string, Sample>> = {
  'check-critical': sample([
    reached(saidOf('web-1', 'check', { state: 2, text: 'MAILQ CRITICAL: 210 messages are unsent\nmore' }, { id: 401 })),
  ]),
  'check-warning': sample([
    saidOf('web-2', 'check', { check_name: 'apt', state: 1, text: '3 security updates' }, { id: 402 }),
  ]),
  'check-unknown': sample([
    saidOf('web-1', 'check-unknown', { check_name: 'backup', state: 3, text: 'timeout' }, { id: 403 }),
  ]),
  'check-untrusted': sample([
    saidOf(
      'web-1',
      'check-untrusted',
      {
        check_name: '/etc/fleet-health/checks.d/site.conf',
        state: 3,
        text: 'others may write to /etc/fleet-health/checks.d',
        refused: 1,
      },
      { id: 404 },
    ),
  ]),
  'check-resolved': sample([
    reached(
      saidOf(
        'web-1',
        'check',
        { text: 'MAILQ OK: 3 messages are unsent' },
        {
          ...{ transition: 'resolved', severity: 'critical', before, id: 405 },
        },
      ),
    ),
  ]),
  'check-value': sample([
    saidOf('web-1', 'check_value check=mailq label=unsent', { perfdata: 'unsent=210;50;200' }, { id: 406 }),
  ]),
  'check-hostile': sample([
    saidOf('web-1', 'check', { check_name: `x${evil}`, state: 2, text: `${evil} ${'x'.repeat(900)}` }, { id: 407 }),
    saidOf('web-2', 'check-untrusted', { check_name: `/etc/${evil}`, text: evil, refused: 1, state: 3 }, { id: 408 }),
  ]),
};
