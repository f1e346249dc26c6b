/** Misbehaving clients: each gets an error code, and a message that names the remedy. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { ErrorCode } from '../../src/platform/errors/errors.ts';
import { encodeFrame } from '../../src/report/frames.ts';
import { loaderStatus } from '../../src/transport/loader/loader.ts';
import { visit } from '../support/clients/agent-visit.ts';
import { answer, end, hello, meet, opening, prelude, print, report } from '../support/clients/scripted-client.ts';
import { shellConnection } from '../support/clients/shell-connection.ts';
import { tempFolder } from '../support/temp-folder.ts';

const dir = tempFolder();

/** Returns shell text that prints the same bytes a hundred thousand times. */
function many(bytes: Uint8Array): string {
  const file = path.join(dir, createHash('sha256').update(bytes).digest('hex'));
  writeFileSync(file, Buffer.alloc(1e5 * bytes.length, bytes));
  return `cat ${file}`;
}

const begun = `${opening}; ${print(hello)}`;
const frame = (type: 'H' | 'F' | 'R', text: string): string => print(encodeFrame(type, Buffer.from(text)));

interface Hostile {
  readonly what: string;
  readonly code: ErrorCode;
  readonly message: RegExp;
  readonly texts: readonly string[];
  readonly timeoutMs?: number;
  readonly advice?: RegExp;
}
const dripping = `${begun}; ${print(report.subarray(0, 5))}; while :; do printf x; sleep 0.5; done`;
const again = encodeFrame('F', Buffer.from('{"code":"agent-failed","message":"again"}'));
const otherHello = hello.subarray(5).toString().replace('"v":1', '"v":2');
const controls = '{"code":"agent-stuck","message":"a\\u001b[2Jb\\nc\\u202ed"}';
const { noRuntime, uploadDamaged } = loaderStatus;
const empty = encodeFrame('R', Buffer.alloc(0));
const endless = "printf 'R\\377\\377\\377\\377'";
const half = print(report.subarray(0, 50));
const twoEnds = ['sign 81; echo boom >&2; exit 3', 'sign; echo bang >&2; exit 4'];
const [absent, damaged] = ['sign 81; exit 81', `sign; exit ${uploadDamaged}`];

const hostile: readonly Hostile[] = [
  {
    what: 'a closed account',
    code: 'no-shell',
    message: /status 1.*not available/,
    texts: ['echo This account is not available.; exit 1'],
  },
  {
    what: 'a shell that says it on stderr',
    code: 'no-shell',
    message: /unrecognized/,
    texts: ['echo fatal: unrecognized command >&2; exit 128'],
  },
  {
    what: 'a status of the loader without its sign',
    code: 'no-shell',
    message: /status 81/,
    texts: [`exit ${loaderStatus.agentAbsent}`],
  },
  {
    what: 'no word at all',
    code: 'agent-timeout',
    message: /did not start within 1 s/,
    advice: /Check the login shell and ForceCommand: a menu may wait/,
    texts: ['exec sleep 30'],
    timeoutMs: 1000,
  },
  {
    what: 'a question and no end',
    code: 'agent-timeout',
    message: /Password:/,
    texts: ['echo Password:; exec sleep 30'],
    timeoutMs: 5000,
  },
  {
    what: 'silence after the sign',
    code: 'agent-timeout',
    message: /sent nothing within 5 s/,
    texts: ['sign 81; exec sleep 30'],
    timeoutMs: 5000,
  },
  {
    what: 'silence after the hello',
    code: 'agent-timeout',
    message: /did not end within 5 s/,
    texts: [`${begun}; exec sleep 30`],
    timeoutMs: 5000,
  },
  { what: 'single bytes for ever', code: 'agent-timeout', message: /did not end/, texts: [dripping], timeoutMs: 5000 },
  {
    what: 'endless output instead of the sign',
    code: 'agent-output',
    message: /65536 bytes before/,
    texts: ['cat /dev/zero'],
  },
  {
    what: 'endless output after the marker',
    code: 'agent-output',
    message: /no known type/,
    texts: [`${opening}; cat /dev/zero`],
  },
  {
    what: 'endless reports',
    code: 'agent-output',
    message: /more reports/,
    texts: [`${begun}; while :; do ${print(report)}; done`],
  },
  {
    what: 'a hundred thousand empty reports',
    code: 'agent-output',
    message: /more reports/,
    texts: [`${begun}; ${many(empty)}`],
  },
  {
    what: 'a hundred thousand faults',
    code: 'agent-output',
    message: /more frames/,
    texts: [`${begun}; ${many(again)}`],
  },
  {
    what: 'endless complaints',
    code: 'agent-output',
    message: /1048576 bytes of complaints/,
    texts: ['sign 81; cat /dev/zero >&2'],
  },
  {
    what: 'endless complaints after the hello',
    code: 'agent-output',
    message: /complaints/,
    texts: [`${begun}; cat /dev/zero >&2`],
  },
  {
    what: 'a report of 4 GiB',
    code: 'report-too-large',
    message: /4294967295 bytes/,
    texts: [`${begun}; ${endless}; cat /dev/zero`],
  },
  {
    what: 'a report before the hello',
    code: 'agent-output',
    message: /order/,
    texts: [`${opening}; ${print(report)}; ${print(end)}`],
  },
  { what: 'two hellos', code: 'agent-output', message: /order/, texts: [`${begun}; ${print(hello)}; ${print(end)}`] },
  {
    what: 'a hello that is no JSON',
    code: 'agent-output',
    message: /without JSON/,
    texts: [`${opening}; ${frame('H', 'hello')}`],
  },
  {
    what: 'a hello of another version',
    code: 'agent-output',
    message: /version 2/,
    texts: [`${opening}; ${frame('H', otherHello)}`],
  },
  {
    what: 'an end in the middle of a report',
    code: 'agent-failed',
    message: /middle of its answer \(status 3\)/,
    texts: [`${begun}; ${half}; exit 3`],
  },
  {
    what: 'an end before the marker, twice',
    code: 'agent-failed',
    message: /first word \(status 4\): "bang"/,
    texts: twoEnds,
  },
  {
    what: 'an agent killed before its first word',
    code: 'agent-timeout',
    message: /killed/,
    texts: ['sign 81; kill -9 $$'],
  },
  { what: 'an agent that timeout killed', code: 'agent-timeout', message: /killed/, texts: [`${begun}; exit 137`] },
  {
    what: 'a death by another signal',
    code: 'agent-failed',
    message: /signal SIGSEGV/,
    texts: [`${begun}; kill -SEGV $$`],
  },
  {
    what: 'no runtime',
    code: 'no-runtime',
    message: /18\.15.*v12/,
    texts: [`sign 81; echo "node v12 is too old" >&2; exit ${noRuntime}`],
  },
  {
    what: 'an agent that was brought and arrived damaged',
    code: 'upload-failed',
    message: /as it was sent/,
    texts: [absent, damaged],
  },
  {
    what: 'a client that does not take the agent',
    code: 'agent-timeout',
    message: /sent nothing/,
    texts: [absent, 'sign; exec sleep 30'],
    timeoutMs: 5000,
  },
  {
    what: 'a fault of the agent, with control characters',
    code: 'agent-stuck',
    message: /^web-1: a \[2Jb c d$/,
    texts: [`${begun}; ${frame('F', controls)}; ${print(end)}`],
  },
  {
    what: 'a report whose header is damaged',
    code: 'seal-corrupt',
    message: /header/,
    texts: [`${begun}; ${frame('R', 'FHS1')}; ${print(end)}`],
  },
];

for (const { what, code, message, texts, advice = /./, timeoutMs = 60_000 } of hostile) {
  test(`${what}: ${code}`, async () => {
    const { result } = await meet(texts, { agentTimeoutMs: timeoutMs });
    assert.ok(result.fault);
    assert.equal(result.fault.code, code, result.fault.message);
    assert.match(result.fault.message, message);
    assert.match(result.fault.advice, advice);
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
  const { result } = await visit({ connection, waitForExit: true, agentTimeoutMs: 60_000 });
  assert.equal(result.fault, null);
  assert.equal(result.acknowledged, 1);
  await connection.leave();
  assert.ok(connection.bytes().in < 4 * 1024 * 1024, `${connection.bytes().in} bytes were read`);
  connection.destroy();
});
