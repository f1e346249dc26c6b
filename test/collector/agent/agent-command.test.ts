/** The request in the command line of an exec: what each kind of task asks of the agent, and within which limits. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { agentCommand, maxBytesPerVisit, mayBeReadByShell } from '../../../src/collector/agent/agent-command.ts';
import { maxReportsPerVisit } from '../../../src/collector/agent/agent-command.ts';
import { bundleOf } from '../../../src/collector/agent/agent-bundles.ts';
import type { AgentTask, Bundle } from '../../../src/collector/agent/task.ts';
import { decodeRequest } from '../../../src/report/agent-request.ts';

const bundles = {
  agent: bundleOf(Buffer.from('agent')),
  inventory: bundleOf(Buffer.from('inventory')),
  shell: { ...bundleOf(Buffer.from('shell')), packed: () => Buffer.from('shell') },
};
const task: AgentTask = {
  client: 'web-1',
  was: null,
  kind: 'visit',
  runId: randomUUID(),
  collectorId: randomUUID(),
  publicKey: Buffer.alloc(32, 9),
  probeOptions: { mounts: ['/x'] },
  checks: [{ name: 'a', command: ['/x'] }],
  bundles,
  node: null,
  unsealed: 'allow',
  agentTimeoutMs: 15_000,
};
const marker = Buffer.from(Array.from({ length: 16 }, (_, at) => at));
const folder = createHash('sha256').update('web-1').digest('hex').slice(0, 32);
/** Returns the words of a command line behind the script. */
const wordsOf = (more: Partial<AgentTask>, uploaded: Bundle | null = null): readonly string[] =>
  agentCommand({ ...task, ...more }, marker, uploaded)
    .split("' fh '")[1]
    ?.replace(/'$/, '')
    .split("' '") ?? [];
const requestOf = (more: Partial<AgentTask>) => decodeRequest(wordsOf(more).at(-1) ?? '');

test('a request names the run, the client, the collector, its key, and the limits of one visit', () => {
  assert.deepEqual(requestOf({}), {
    ...{ v: 1, kind: 'visit', run: task.runId, client: 'web-1', collector: task.collectorId },
    ...{ marker: marker.toString('base64url'), key: Buffer.alloc(32, 9).toString('base64url') },
    ...{ options: { mounts: ['/x'] }, checks: [{ name: 'a', command: ['/x'] }] },
    ...{ deadlineMs: 14_500, maxFrames: 100, maxBytes: 8 * 1024 * 1024 },
  });
  assert.deepEqual([maxReportsPerVisit, maxBytesPerVisit], [100, 8_388_608]);
});

for (const { what, more, asked } of [
  { what: 'a visit asks for the checks', more: {}, asked: ['checks'] },
  { what: 'a visit whose stamp is wanted', more: { stamp: true }, asked: ['checks', 'stamp'] },
  { what: 'a visit whose stamp is not wanted', more: { stamp: false }, asked: ['checks'] },
  { what: 'the state by the shell agent runs no checks', more: { shellState: true }, asked: ['state'] },
  { what: 'no state by the shell agent', more: { shellState: false }, asked: ['checks'] },
  { what: 'a state report runs no checks', more: { kind: 'state', stamp: true }, asked: ['stamp'] },
  { what: 'an inventory runs no checks', more: { kind: 'inventory' }, asked: [] },
  { what: 'a client without checks', more: { checks: [] }, asked: [] },
  { what: 'a client with a former name', more: { was: 'old' }, asked: ['checks', 'formerFolder', 'was'] },
] as const) {
  test(`the request of ${what}`, () => {
    const request = requestOf(more);
    const usual = ['v', 'kind', 'run', 'client', 'collector', 'marker', 'key', 'options'];
    const all = [...usual, 'deadlineMs', 'maxFrames', 'maxBytes', ...asked];
    assert.deepEqual(Object.keys(request).sort(), all.sort());
  });
}

test('the folder of a former name is that which the agent gave it then', () => {
  const { was, formerFolder } = requestOf({ was: 'web-1', client: 'new' });
  assert.deepEqual([was, formerFolder], ['web-1', folder]);
});

for (const [agentTimeoutMs, deadlineMs, killAfterSeconds] of [
  [15_000, 14_500, '16'],
  [14_001, 13_501, '16'],
  [1001, 501, '3'],
  [1000, 500, '2'],
  [999, 500, '2'],
  [1, 500, '2'],
] as const) {
  test(`an agent that has ${agentTimeoutMs} ms gives up after ${deadlineMs} and is killed after all of it`, () => {
    assert.equal(requestOf({ agentTimeoutMs }).deadlineMs, deadlineMs);
    assert.equal(wordsOf({ agentTimeoutMs })[1], killAfterSeconds);
  });
}

for (const [kind, unsealed, expected] of [
  ['visit', 'allow', true],
  ['visit', 'refuse', false],
  ['inventory', 'allow', false],
  ['state', 'allow', false],
  ['state', 'refuse', false],
] as const) {
  test(`the shell agent ${expected ? 'may' : 'may not'} answer a ${kind} where unsealed is ${unsealed}`, () => {
    assert.equal(mayBeReadByShell({ kind, unsealed }), expected);
    const { agent, inventory, shell } = bundles;
    const octal = '0.1.2.3.4.5.6.7.10.11.12.13.14.15.16.17';
    const ofShell = expected ? [shell.digest, octal, folder] : ['-', '-', '-'];
    const words = wordsOf({ kind, unsealed });
    const own = [kind, agent.digest, inventory.digest, task.collectorId];
    assert.deepEqual(words.slice(0, -1), [marker.toString('base64url'), '16', '-', ...own, ...ofShell]);
  });
}

test('an upload names its length and digest, and the digest of the program that stays', () => {
  const { agent, inventory, shell } = bundles;
  const lengthOf = (bundle: Bundle): string => String(bundle.packed().length);
  const node = '/opt/node';
  assert.deepEqual(wordsOf({ node }, agent).slice(1, 6), ['16', node, lengthOf(agent), agent.digest, inventory.digest]);
  const ofInventory = [lengthOf(inventory), inventory.digest, agent.digest];
  assert.deepEqual(wordsOf({ node }, inventory).slice(3, 6), ofInventory);
  assert.deepEqual(wordsOf({ node }, shell).slice(3, 6), [lengthOf(shell), shell.digest, task.collectorId]);
});
