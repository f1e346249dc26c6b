/** Misbehaving clients: each gets an error code, and a message that says what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ErrorCode } from '../../src/errors.ts';
import { encodeFrame } from '../../src/report/frames.ts';
import { loaderStatus } from '../../src/loader/loader.ts';
import { visit } from '../support/agent-visit.ts';
import { answer, end, hello, meet, opening, prelude, print, report } from '../support/scripted-client.ts';
import { shellConnection } from '../support/shell-connection.ts';

interface Hostile {
  readonly what: string;
  readonly texts: readonly string[];
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly timeoutMs?: number;
}

/** Returns shell text that prints the same bytes a hundred thousand times, in large pieces. */
const many = (bytes: Uint8Array): string =>
  `'${process.execPath}' -e 'process.stdout.write(Buffer.alloc(1e5*${bytes.length},process.argv[1],"hex"))' ${Buffer.from(bytes).toString('hex')}`;

const hostile: readonly Hostile[] = [
  {
    what: 'a closed account',
    texts: ['echo This account is currently not available.; exit 1'],
    code: 'no-shell',
    message: /status 1.*not available/,
  },
  {
    what: 'a shell that says it on stderr',
    texts: ['echo fatal: unrecognized command >&2; exit 128'],
    code: 'no-shell',
    message: /unrecognized/,
  },
  {
    what: 'a status of the loader without its sign',
    texts: [`exit ${loaderStatus.agentAbsent}`],
    code: 'no-shell',
    message: /status 81/,
  },
  {
    what: 'no word at all',
    texts: ['exec sleep 30'],
    code: 'agent-timeout',
    message: /did not start within 1 s/,
    timeoutMs: 1000,
  },
  {
    what: 'a question and no end',
    texts: ['echo Password:; exec sleep 30'],
    code: 'agent-timeout',
    message: /Password:/,
    timeoutMs: 1000,
  },
  {
    what: 'silence after the sign',
    texts: ['sign 81; exec sleep 30'],
    code: 'agent-timeout',
    message: /said nothing within 1 s/,
    timeoutMs: 1000,
  },
  {
    what: 'silence after the hello',
    texts: [`${opening}; ${print(hello)}; exec sleep 30`],
    code: 'agent-timeout',
    message: /did not end within 1 s/,
    timeoutMs: 1000,
  },
  {
    what: 'single bytes for ever',
    texts: [`${opening}; ${print(hello)}; ${print(report.subarray(0, 5))}; while :; do printf x; sleep 0.05; done`],
    code: 'agent-timeout',
    message: /did not end/,
    timeoutMs: 1000,
  },
  {
    what: 'endless output instead of the sign',
    texts: ['cat /dev/zero'],
    code: 'agent-output',
    message: /65536 bytes before/,
  },
  {
    what: 'endless output after the marker',
    texts: [`${opening}; cat /dev/zero`],
    code: 'agent-output',
    message: /no known type/,
  },
  {
    what: 'endless reports',
    texts: [`${opening}; ${print(hello)}; while :; do ${print(report)}; done`],
    code: 'agent-output',
    message: /more reports/,
  },
  {
    what: 'a hundred thousand empty reports',
    texts: [`${opening}; ${print(hello)}; ${many(encodeFrame('R', Buffer.alloc(0)))}`],
    code: 'agent-output',
    message: /more reports/,
  },
  {
    what: 'a hundred thousand faults',
    texts: [
      `${opening}; ${print(hello)}; ${many(encodeFrame('F', Buffer.from('{"code":"agent-failed","message":"again"}')))}`,
    ],
    code: 'agent-output',
    message: /more frames/,
  },
  {
    what: 'endless complaints',
    texts: ['sign 81; cat /dev/zero >&2'],
    code: 'agent-output',
    message: /1048576 bytes of complaints/,
  },
  {
    what: 'endless complaints after the hello',
    texts: [`${opening}; ${print(hello)}; cat /dev/zero >&2`],
    code: 'agent-output',
    message: /complaints/,
  },
  {
    what: 'a report of 4 GiB',
    texts: [`${opening}; ${print(hello)}; printf 'R\\377\\377\\377\\377'; cat /dev/zero`],
    code: 'report-too-large',
    message: /4294967295 bytes/,
  },
  {
    what: 'a report before the hello',
    texts: [`${opening}; ${print(report)}; ${print(end)}`],
    code: 'agent-output',
    message: /order/,
  },
  {
    what: 'two hellos',
    texts: [`${opening}; ${print(hello)}; ${print(hello)}; ${print(end)}`],
    code: 'agent-output',
    message: /order/,
  },
  {
    what: 'a hello that is no JSON',
    texts: [`${opening}; ${print(encodeFrame('H', Buffer.from('hello')))}`],
    code: 'agent-output',
    message: /without JSON/,
  },
  {
    what: 'a hello of another version',
    texts: [
      `${opening}; ${print(encodeFrame('H', Buffer.from(hello.subarray(5).toString().replace('"v":1', '"v":2'))))}`,
    ],
    code: 'agent-output',
    message: /version 2/,
  },
  {
    what: 'an end in the middle of a report',
    texts: [`${opening}; ${print(hello)}; ${print(report.subarray(0, 50))}; exit 3`],
    code: 'agent-failed',
    message: /middle of its answer \(status 3\)/,
  },
  {
    what: 'an end before the marker, twice',
    texts: ['sign 81; echo boom >&2; exit 3', 'sign; echo bang >&2; exit 4'],
    code: 'agent-failed',
    message: /first word \(status 4\): "bang"/,
  },
  {
    what: 'an agent killed before its first word',
    texts: ['sign 81; kill -9 $$'],
    code: 'agent-timeout',
    message: /killed/,
  },
  {
    what: 'an agent that timeout killed',
    texts: [`${opening}; ${print(hello)}; exit 137`],
    code: 'agent-timeout',
    message: /killed/,
  },
  {
    what: 'a death by another signal',
    texts: [`${opening}; ${print(hello)}; kill -SEGV $$`],
    code: 'agent-failed',
    message: /signal SIGSEGV/,
  },
  {
    what: 'no runtime',
    texts: [`sign 81; echo "node v12 is too old" >&2; exit ${loaderStatus.noRuntime}`],
    code: 'no-runtime',
    message: /18\.15.*v12/,
  },
  {
    what: 'an agent that was brought and arrived damaged',
    texts: ['sign 81; exit 81', `sign; exit ${loaderStatus.uploadDamaged}`],
    code: 'upload-failed',
    message: /as it was sent/,
  },
  {
    what: 'a client that does not take the agent',
    texts: ['sign 81; exit 81', 'sign; exec sleep 30'],
    code: 'agent-timeout',
    message: /said nothing/,
    timeoutMs: 1000,
  },
  {
    what: 'a fault of the agent, with control characters',
    texts: [
      `${opening}; ${print(hello)}; ${print(encodeFrame('F', Buffer.from('{"code":"agent-stuck","message":"a\\u001b[2Jb\\nc\\u202ed"}')))}; ${print(end)}`,
    ],
    code: 'agent-stuck',
    message: /^web-1: a \[2Jb c d$/,
  },
  {
    what: 'a report whose header is damaged',
    texts: [`${opening}; ${print(hello)}; ${print(encodeFrame('R', Buffer.from('FHS1')))}; ${print(end)}`],
    code: 'seal-corrupt',
    message: /header/,
  },
];

for (const { what, texts, code, message, timeoutMs } of hostile) {
  test(`${what}: ${code}`, async () => {
    const { result } = await meet(texts, { agentTimeoutMs: timeoutMs ?? 10_000 });
    assert.ok(result.fault);
    assert.equal(result.fault.code, code, result.fault.message);
    assert.match(result.fault.message, message);
    assert.match(result.fault.message, /^[\x20-\x7e…]{1,500}$/);
    assert.equal(result.fault.client, 'web-1');
    assert.equal(result.end === null, !texts.some((text) => text.endsWith(print(end)) && code !== 'agent-output'));
  });
}

test('what follows the last frame is not read without end', async () => {
  const connection = shellConnection({
    env: { PATH: process.env['PATH'] ?? '' },
    scripts: [`${prelude}${answer}; cat /dev/zero`],
  });
  const { result } = await visit({ connection, waitForExit: true, agentTimeoutMs: 10_000 });
  assert.equal(result.fault, null);
  assert.equal(result.acknowledged, 1);
  await connection.leave();
  assert.ok(connection.bytes().in < 4 * 1024 * 1024, `${connection.bytes().in} bytes were read`);
  connection.destroy();
});
