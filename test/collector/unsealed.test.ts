/** Captures of clients without Node, and of clients that falsely claim to have none. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import fc from 'fast-check';

import { maxUnpackedBytes } from '../../agent/capture/parse-capture.ts';
import { sealCapture } from '../../src/collector/agent/seal-capture.ts';
import { FleetError, type ErrorCode } from '../../src/platform/errors/errors.ts';
import { encodeJsonFrame } from '../../src/report/frames.ts';
import { maxCaptureBytes } from '../../src/report/wire.ts';
import { sampleCapture } from '../fuzz/targets/capture.ts';
import { keyPair, type VisitOptions } from '../support/clients/agent-visit.ts';
import { end, hello, meet, opening, print, report as sealed } from '../support/clients/scripted-client.ts';

const clocks = { wall_ms: 1_700_000_000_000, monotonic_ms: 1, boot_id: null };
const shellHello = encodeJsonFrame('H', { v: 1, agent: '9', ...clocks, reader: 'shell' });
const said = 'proc/uptime:77.50 1.00\nproc/loadavg:1.5 1 1 1/1 1\n=place /home/x\n=end 1|2|3|\n';
/** Returns the commands that print a capture and the marker behind it. */
const captured = (text: string | Buffer): string =>
  `${print(Buffer.concat([Buffer.from('U'), Buffer.from(text)]))}; mark`;
const answer = (...parts: readonly (string | Uint8Array)[]) => [
  [opening, ...[...parts, end].map((part) => (typeof part === 'string' ? part : print(part)))].join('; '),
];

for (const [how, text] of [
  ['as text', said],
  ['packed', gzipSync(said)],
] as const) {
  test(`the report of a capture ${how} is sealed to the newest key, under the name of the visit`, async () => {
    const runId = randomUUID();
    const { result, received, reports } = await meet(answer(shellHello, captured(text)), { runId });
    assert.equal(result.fault, null);
    assert.equal(result.reader, 'shell');
    assert.equal(result.end?.place, '/home/x');
    assert.deepEqual([result.reports, result.acknowledged], [1, 1]);
    assert.equal(received[0]?.header.client, 'web-1');
    const [report] = reports;
    assert.equal(report?.report_id, received[0].header.reportId);
    assert.deepEqual([report.client, report.run_id, report.name], ['web-1', runId, 'Daemon report']);
    assert.deepEqual([report.monotonic_ms, report.datetime], [77_500, '2023-11-14T22:13:20.000Z']);
    const load = report.worker_reports.find(({ name }) => name === 'load');
    assert.deepEqual(load?.function_reports[0]?.data, [{ load1: 1.5, load5: 1, load15: 1 }]);
  });
}

const refused: readonly {
  readonly what: string;
  readonly parts: readonly (string | Uint8Array)[];
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly options: Partial<VisitOptions>;
}[] = [
  {
    what: 'of an agent that can seal',
    parts: [hello, captured(said)],
    code: 'agent-output',
    message: /a capture, where none/,
    options: {},
  },
  {
    what: 'where none is allowed',
    parts: [shellHello, captured(said)],
    code: 'agent-output',
    message: /a capture, where none/,
    options: { unsealed: 'refuse' },
  },
  {
    what: 'that is empty',
    parts: [shellHello, captured('')],
    code: 'report-invalid',
    message: /without its end/,
    options: {},
  },
  {
    what: 'that was cut off',
    parts: [shellHello, captured(gzipSync(said).subarray(0, 40))],
    code: 'report-invalid',
    message: /cannot be unpacked/,
    options: {},
  },
  {
    what: 'with checks that are none',
    parts: [shellHello, captured(`:checks:,{"name":\n${said}`)],
    code: 'report-invalid',
    message: /\$\.checks/,
    options: {},
  },
  {
    what: 'with the result of a check that no agent makes',
    parts: [shellHello, captured(`:checks:cx\x1f\x1f0\x1f0\x1e\n${said}`)],
    code: 'report-invalid',
    message: /checks\[0\]|format/,
    options: {},
  },
  {
    what: 'that unpacks to more than is read',
    parts: [shellHello, captured(gzipSync(Buffer.alloc(maxUnpackedBytes + 1)))],
    code: 'report-too-large',
    message: /cannot be unpacked/,
    options: {},
  },
  ...(
    [
      ['of too many lines', 'a:\n'.repeat(70_000), 'report-too-large', /more than 65536 lines/],
      ['with too many lines of one file', 'a:\n'.repeat(17_000), 'report-too-large', /more than 16384 lines of one/],
      [
        'of too many folders',
        Array.from({ length: 1300 }, (_, at) => `+${at}${'/a'.repeat(14)}\n`).join(''),
        'report-too-large',
        /folders/,
      ],
      ['with a long path', `+${'a'.repeat(1025)}\n`, 'report-invalid', /no probe reads/],
      ['with a path of many folders', `-${'/'.repeat(16)}\n`, 'report-invalid', /no probe reads/],
    ] as const
  ).map(([what, text, code, message]) => {
    return { what, parts: [shellHello, captured(gzipSync(text + said))], code, message, options: {} };
  }),
  {
    what: 'over its limit, before it ends',
    parts: [shellHello, `${print(Buffer.from('U'))}; head -c ${maxCaptureBytes + 1} /dev/zero`],
    code: 'report-too-large',
    message: /a capture of more than/,
    options: {},
  },
];
for (const { what, parts, code, message, options } of refused) {
  test(`a capture ${what}: ${code}`, async () => {
    const { result, received } = await meet(answer(...parts), options);
    assert.equal(result.fault?.code, code, result.fault?.message ?? '');
    assert.match(result.fault.message, message);
    assert.deepEqual(received, []);
  });
}

test('an output of a program that is too long counts as none', async () => {
  const text = `+run/systemd/system\n:systemctl:${'x'.repeat(1024 * 1024 + 1)}\n:systemctl:=0\n${said}`;
  const { result, reports } = await meet(answer(shellHello, captured(gzipSync(text))));
  assert.equal(result.fault, null);
  const services = reports[0]?.worker_reports.find(({ name }) => name === 'services');
  assert.equal(services?.error, 'systemctl: ended with nothing');
});

test('a second one is not taken, nor one after a sealed one', async () => {
  for (const first of [captured(said), sealed]) {
    const { result, received } = await meet(answer(shellHello, first, captured(said)));
    assert.equal(result.fault?.code, 'agent-output');
    assert.equal(received.length, 1);
  }
});

test('whatever a client captures is a report, or a fault that names the client', async () => {
  const lines = sampleCapture.trimEnd().split('\n');
  const word = fc.constantFrom('', '9', '-1', '1e400', '\ufffd', '../', ' ', ':', '{', '\0', 'x'.repeat(300));
  const changes = fc.array(fc.tuple(fc.nat(lines.length - 1), fc.nat(40), word), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(changes, async (changed) => {
      const text = [...lines];
      for (const [at, from, put] of changed) {
        const line = text[at] ?? '';
        text[at] = line.slice(0, from) + put + line.slice(from + 1);
      }
      const task = {
        client: 'web-1',
        runId: randomUUID(),
        publicKey: keyPair.publicKey,
        probeOptions: { mounts: ['/x'] },
      };
      const told = { v: 1, agent: '9', ...clocks, reader: 'shell' } as const;
      await sealCapture(Buffer.from(text.join('\n')), told, task).catch((thrown: unknown) => {
        assert.ok(thrown instanceof FleetError, String(thrown));
        assert.match(thrown.message, /^web-1: [ -~]*$/);
      });
    }),
    { numRuns: 150 },
  );
});
