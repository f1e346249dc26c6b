/** The unencrypted formats of a report: keys, times and names as other programs read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatReport } from '../../src/agent-program/format-report.ts';
import { agentId } from '../../src/agent-program/pattoo.ts';
import type { TakenReport } from '../../src/agent-program/take-report.ts';
import { machineReport } from '../support/clients/machine-report.ts';

const at = '2026-11-22T23:00:00.123Z';
const taken: TakenReport = {
  report: machineReport({
    datetime: at,
    worker_reports: [
      {
        name: 'cpu',
        duration_ms: 1,
        error: null,
        function_reports: [
          { name: 'cpu', data: [{ cpus: 8, user_percent: null }], unknown: [] },
          { name: 'swap', data: [{ total_bytes: 100, used_bytes: 30 }], unknown: [] },
        ],
      },
      {
        name: 'disks',
        datetime: '2026-11-22T23:00:01.000Z',
        duration_ms: 1,
        error: 'one mount did not answer',
        function_reports: [
          {
            name: 'disk',
            data: [
              { mount: '/', used_percent: 23.2, size_bytes: 100 },
              { mount: '/data', used_percent: null, size_bytes: 200 },
            ],
            omitted: 3,
          },
        ],
      },
    ],
    checks: [{ name: 'raid', format: 'nagios', exit: 2, why: null, output: 'degraded', age_s: 0 }],
  }),
  counters: {
    bootId: '',
    monotonicMs: 1,
    values: { cpu: { cpu: [150, 0, 50, 900, 0, 0, 0, 0] }, network: { eth0: [1, 2, 3, 4, 5, 6, 7, 8] } },
  },
};

test('daemon-report has function, worker and daemon reports with their keys alone', () => {
  const second = '2026-11-22T23:00:01.000Z';
  assert.deepEqual(formatReport('daemon-report', taken), {
    name: 'Daemon report',
    datetime: at,
    worker_reports: [
      {
        name: 'cpu',
        datetime: at,
        function_reports: [
          { name: 'cpu', datetime: at, data: [{ cpus: 8, user_percent: null }] },
          { name: 'swap', datetime: at, data: [{ total_bytes: 100, used_bytes: 30 }] },
        ],
      },
      {
        name: 'disks',
        datetime: second,
        function_reports: [
          {
            name: 'disk',
            datetime: second,
            data: [
              { mount: '/', used_percent: 23.2, size_bytes: 100 },
              { mount: '/data', used_percent: null, size_bytes: 200 },
            ],
          },
        ],
      },
      {
        name: 'checks',
        datetime: at,
        function_reports: [{ name: 'check', datetime: at, data: [{ check: 'raid', state: 2, output: 'degraded' }] }],
      },
    ],
  });
});

interface Pattoo {
  readonly agent_id: string;
  readonly timestamp: number;
  readonly agent_hostname: string;
  readonly devices: Readonly<
    Record<string, Record<'timefixed' | 'timeseries', Record<string, { readonly base_type: number | null }>>>
  >;
}

test('pattoo has the keys of DATA.md, the names of its list, and no unknown value', () => {
  const document = formatReport('pattoo', taken) as Pattoo;
  assert.deepEqual(Object.keys(document).sort(), [
    ...['agent_hostname', 'agent_id', 'agent_program', 'devices', 'timestamp'],
  ]);
  assert.match(document.agent_id, /^[0-9a-f]{64}$/);
  assert.equal(document.timestamp, Math.floor(Date.parse(at) / 1000));
  const device = document.devices[document.agent_hostname];
  assert.deepEqual(Object.keys(device ?? {}), ['timefixed', 'timeseries']);
  for (const { base_type: type } of Object.values(device?.timefixed ?? {})) assert.equal(type, null);
  const series = device?.timeseries ?? {};
  assert.deepEqual(series['cpu_count'], { base_type: 1, description: 'CPU Count', data: [[null, 8]] });
  assert.deepEqual(series['disk_usage_percent'], {
    base_type: 1,
    description: 'Partition Utilization (%)',
    data: [['/', 23.2]],
  });
  assert.deepEqual(series['network_bytes_sent'], { base_type: 64, description: 'Bytes (Out)', data: [['eth0', 2]] });
  assert.deepEqual(series['cpu_times_user'], { base_type: 64, description: 'CPU Usage', data: [[null, 1.5]] });
  assert.deepEqual(series['swap_free'], { base_type: 1, description: 'Swap Free', data: [[null, 70]] });
  assert.equal(series['cpu_stats_ctx_switches']?.base_type, 64, 'of this machine');
  assert.ok(!('cpu_times_percent_user' in series), 'an unknown value has no series');
});

test('the id of a machine stays the same, and is not its machine-id', () => {
  assert.equal(agentId('web-1'), agentId('web-1'));
  assert.match(agentId('web-1'), /^[0-9a-f]{64}$/);
});
