/**
 * Outputs of nvidia-smi. All are invented: the fields by `nvidia-smi --help-query-gpu`, the faults by user reports
 * (https://docs.nvidia.com/deploy/xid-errors/, https://forums.developer.nvidia.com). No real GPU was available.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { checkStats } from '../../../src/report/checks/checks.ts';
import { codePoint } from '../../support/code-points.ts';

const a100 = (temperature: number): string => `NVIDIA A100-SXM4-40GB, ${temperature}, 25, 1024, 40960`;
const lost =
  'Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU';
const figures = 'temperature=70 utilisation=25% memory=2147483648B;;;0;85899345920';

interface Case {
  readonly what: string;
  readonly lines: readonly string[];
  readonly exit?: number;
  readonly expected?: number;
  readonly said: string;
}

const cases: readonly Case[] = [
  {
    what: 'GPUs without an expectation',
    lines: [a100(34), a100(70)],
    said: `0 2 GPUs: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'as many as expected',
    lines: [a100(34), a100(70)],
    expected: 2,
    said: `0 2 GPUs: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'fewer than expected',
    lines: [a100(34), a100(70)],
    expected: 8,
    said: `2 2 GPUs of 8: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'a lost GPU without an expectation',
    lines: [lost],
    exit: 15,
    said: `2 ${lost}\n0 GPUs | gpus=0`,
  },
  {
    what: 'a GPU that is lost in its line',
    lines: [a100(34), 'NVIDIA A100-SXM4-40GB, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]', a100(70)],
    said:
      '2 NVIDIA A100-SXM4-40GB, [GPU is lost], [GPU is lost], [GPU is lost], [GPU is lost]\n' +
      `2 GPUs: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'a GPU with MIG, whose utilisation is not there',
    lines: ['NVIDIA A100-SXM4-40GB, 34, [N/A], 1024, 40960'],
    said: '0 1 GPU: NVIDIA A100-SXM4-40GB | gpus=1 temperature=34 utilisation=U memory=1073741824B;;;0;42949672960',
  },
  {
    what: 'a value that the account may not read',
    lines: [a100(34), 'NVIDIA A100-SXM4-40GB, 70, [Insufficient Permissions], 1024, 40960'],
    said: `0 2 GPUs: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'a GPU that requires a reset, beside a good one',
    lines: [a100(34), 'NVIDIA A100-SXM4-40GB, 70, [GPU requires reset], 1024, 40960'],
    said:
      '2 NVIDIA A100-SXM4-40GB, 70, [GPU requires reset], 1024, 40960\n1 GPU: NVIDIA A100-SXM4-40GB | ' +
      'gpus=1 temperature=34 utilisation=25% memory=1073741824B;;;0;42949672960',
  },
  {
    what: 'a corrupted infoROM beside good values',
    lines: [a100(34), a100(70), 'WARNING: infoROM is corrupted at gpu 0000:3B:00.0'],
    exit: 14,
    said: '1 WARNING: infoROM is corrupted at gpu 0000:3B:00.0\n2 GPUs: NVIDIA A100-SXM4-40GB | ' + `gpus=2 ${figures}`,
  },
  {
    what: 'the exit status of a corrupted infoROM without a word',
    lines: [a100(34), a100(70)],
    exit: 14,
    said: `3 exit status 14\n2 GPUs: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'a driver that does not answer',
    lines: ["NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."],
    exit: 9,
    said: "2 NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n0 GPUs | gpus=0",
  },
  { what: 'no GPU where none is expected', lines: ['No devices were found'], exit: 6, said: '0 0 GPUs | gpus=0' },
  {
    what: 'no GPU where one is expected',
    lines: ['No devices were found'],
    exit: 6,
    expected: 1,
    said: '2 0 GPUs of 1 | gpus=0',
  },
  {
    what: 'a warning beside the answer',
    lines: [a100(34), a100(70), 'WARNING: infoROM is corrupted at gpu 0000:3B:00.0'],
    expected: 2,
    said: `1 WARNING: infoROM is corrupted at gpu 0000:3B:00.0\n2 GPUs: NVIDIA A100-SXM4-40GB | gpus=2 ${figures}`,
  },
  {
    what: 'figures that are none',
    lines: ['Tesla M60, [N/A], [Not Supported], 1e400, -5'],
    said: '0 1 GPU: Tesla M60 | gpus=1 temperature=U utilisation=U memory=U;;;0',
  },
  {
    what: 'another program',
    lines: ['<html>', ''],
    expected: 8,
    said: '3 not an answer of nvidia-smi: <html>\n0 GPUs | gpus=0',
  },
  { what: 'nothing', lines: [''], expected: 8, said: '3 no answer\n0 GPUs | gpus=0' },
  { what: 'nothing and a status', lines: [''], exit: 3, said: '3 exit status 3\n0 GPUs | gpus=0' },
  { what: 'no program', lines: [''], exit: 127, said: '3 exit status 127: there is no such command | ' },
];

function said({ lines, exit = 0, expected }: Omit<Case, 'what' | 'said'>): string {
  const name = expected === undefined ? 'gpu' : `gpu:${expected}`;
  const ran = { name, format: 'gpu', exit, why: null, output: lines.join('\n'), age_s: 0 } as const;
  const rows = checkStats({ datetime: new Date().toISOString(), checks: [ran] });
  assert.deepEqual(
    rows.map(({ check_name }) => check_name),
    ['gpu'],
  );
  return rows.map(({ state, text, perfdata }) => `${state} ${text} | ${perfdata}`).join('');
}

for (const { what, said: expected, ...answer } of cases) {
  test(`nvidia-smi says: ${what}`, () => {
    assert.equal(said(answer), expected);
  });
}

test('a time-out with an expected number is a row of the same name', () => {
  const ran = { name: 'gpu:8', format: 'gpu', exit: null, why: 'timeout', output: '', age_s: 0 } as const;
  const [row] = checkStats({ datetime: new Date().toISOString(), checks: [ran] });
  assert.deepEqual(
    { check_name: row?.check_name, state: row?.state, text: row?.text },
    { check_name: 'gpu', state: 3, text: 'timeout' },
  );
});

test('no answer makes it throw, and none without a line of a GPU is OK', () => {
  const word = fc.string({ unit: codePoint }).filter((text) => !text.includes(','));
  fc.assert(
    fc.property(word, (text) => text.trim() === 'No devices were found' || !said({ lines: [text] }).startsWith('0')),
  );
});
