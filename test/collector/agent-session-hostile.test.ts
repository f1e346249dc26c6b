/** Misbehaving clients: each gets an error code, and a message that names the remedy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ErrorCode } from '../../src/errors.ts';
import { encodeFrame } from '../../src/report/frames.ts';
import { loaderStatus } from '../../src/loader/loader.ts';
import { visit } from '../support/agent-visit.ts';
import { answer, end, hello, meet, opening, prelude, print, report } from '../support/scripted-client.ts';
import { shellConnection } from '../support/shell-connection.ts';

/** Returns shell text that prints the same bytes a hundred thousand times, in large pieces. */
const many = (bytes: Uint8Array): string =>
  `'${process.execPath}' -e 'process.stdout.write(Buffer.alloc(1e5*${bytes.length},process.argv[1],"hex"))' ` +
  Buffer.from(bytes).toString('hex');

const begun = `${opening}; ${print(hello)}`;
const frame = (type: 'H' | 'F' | 'R', text: string): string => print(encodeFrame(type, Buffer.from(text)));

type Hostile = readonly [what: string, code: ErrorCode, message: RegExp, texts: readonly string[], timeoutMs?: number];
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
  ['a closed account', 'no-shell', /status 1.*not available/, ['echo This account is not available.; exit 1']],
  ['a shell that says it on stderr', 'no-shell', /unrecognized/, ['echo fatal: unrecognized command >&2; exit 128']],
  ['a status of the loader without its sign', 'no-shell', /status 81/, [`exit ${loaderStatus.agentAbsent}`]],
  ['no word at all', 'agent-timeout', /did not start within 1 s/, ['exec sleep 30'], 1000],
  ['a question and no end', 'agent-timeout', /Password:/, ['echo Password:; exec sleep 30'], 1000],
  ['silence after the sign', 'agent-timeout', /sent nothing within 1 s/, ['sign 81; exec sleep 30'], 1000],
  ['silence after the hello', 'agent-timeout', /did not end within 5 s/, [`${begun}; exec sleep 30`], 5000],
  ['single bytes for ever', 'agent-timeout', /did not end/, [dripping], 5000],
  ['endless output instead of the sign', 'agent-output', /65536 bytes before/, ['cat /dev/zero']],
  ['endless output after the marker', 'agent-output', /no known type/, [`${opening}; cat /dev/zero`]],
  ['endless reports', 'agent-output', /more reports/, [`${begun}; while :; do ${print(report)}; done`]],
  ['a hundred thousand empty reports', 'agent-output', /more reports/, [`${begun}; ${many(empty)}`]],
  ['a hundred thousand faults', 'agent-output', /more frames/, [`${begun}; ${many(again)}`]],
  ['endless complaints', 'agent-output', /1048576 bytes of complaints/, ['sign 81; cat /dev/zero >&2']],
  ['endless complaints after the hello', 'agent-output', /complaints/, [`${begun}; cat /dev/zero >&2`]],
  ['a report of 4 GiB', 'report-too-large', /4294967295 bytes/, [`${begun}; ${endless}; cat /dev/zero`]],
  ['a report before the hello', 'agent-output', /order/, [`${opening}; ${print(report)}; ${print(end)}`]],
  ['two hellos', 'agent-output', /order/, [`${begun}; ${print(hello)}; ${print(end)}`]],
  ['a hello that is no JSON', 'agent-output', /without JSON/, [`${opening}; ${frame('H', 'hello')}`]],
  ['a hello of another version', 'agent-output', /version 2/, [`${opening}; ${frame('H', otherHello)}`]],
  [
    'an end in the middle of a report',
    'agent-failed',
    /middle of its answer \(status 3\)/,
    [`${begun}; ${half}; exit 3`],
  ],
  ['an end before the marker, twice', 'agent-failed', /first word \(status 4\): "bang"/, twoEnds],
  ['an agent killed before its first word', 'agent-timeout', /killed/, ['sign 81; kill -9 $$']],
  ['an agent that timeout killed', 'agent-timeout', /killed/, [`${begun}; exit 137`]],
  ['a death by another signal', 'agent-failed', /signal SIGSEGV/, [`${begun}; kill -SEGV $$`]],
  ['no runtime', 'no-runtime', /18\.15.*v12/, [`sign 81; echo "node v12 is too old" >&2; exit ${noRuntime}`]],
  ['an agent that was brought and arrived damaged', 'upload-failed', /as it was sent/, [absent, damaged]],
  ['a client that does not take the agent', 'agent-timeout', /sent nothing/, [absent, 'sign; exec sleep 30'], 1000],
  [
    'a fault of the agent, with control characters',
    'agent-stuck',
    /^web-1: a \[2Jb c d$/,
    [`${begun}; ${frame('F', controls)}; ${print(end)}`],
  ],
  ['a report whose header is damaged', 'seal-corrupt', /header/, [`${begun}; ${frame('R', 'FHS1')}; ${print(end)}`]],
];

for (const [what, code, message, texts, timeoutMs = 10_000] of hostile) {
  test(`${what}: ${code}`, async () => {
    const { result } = await meet(texts, { agentTimeoutMs: timeoutMs });
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
