// Second tier: waits for checks that hang
/** Checks that misbehave lose only their own results: the probes of the visit and the other checks are complete. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { checkAgents, checkClient, type CheckClient } from '../../support/clients/check-client.ts';
import { isRunning } from '../../support/programs/is-running.ts';
import { isWide } from '../../support/long-tests.ts';

for (const agent of checkAgents) {
  /** Makes a client with ten costly checks. Most append their process ids to a file; returns the file. */
  function costlyClient(t: TestContext): { readonly client: CheckClient; readonly pids: string } {
    const client = checkClient(t, agent);
    const pids = path.join(client.home, 'pids');
    const note = `echo $$ >>${pids}`;
    const children =
      `for i in 1 2 3 4 5 6 7 8; do (trap "" TERM; echo $$ >>${pids}; sleep 60) ` + `& echo $! >>${pids}; done`;
    client.conf(
      [
        `many timeout=1s ${client.program('many', `trap "" TERM; ${note}; ${children}; wait`)}`,
        `stops timeout=1s ${client.program('stops', `${note}; echo waiting; kill -STOP $$; echo never`)}`,
        `spins timeout=1s ${client.program('spins', `trap "" TERM HUP INT; ${note}; while :; do :; done`)}`,
        `drips timeout=1s ${client.program('drips', `${note}; trap "" TERM; while :; do printf .; sleep 0.2; done`)}`,
        `group ${client.program('group', 'echo all; kill -TERM 0; sleep 60')}`,
        `murder ${client.program('murder', 'echo mine; kill -KILL 0')}`,
        `stderr ${client.program('stderr', 'yes error | head -n 200000 >&2; echo fine')}`,
        `whole ${client.program('whole', 'yes 0123456 | head -n 8192')}`,
        `over ${client.program('over', 'yes 0123456 | head -n 8192; printf x')}`,
        `good ${client.program('good', 'echo good')}`,
      ].join('\n'),
    );
    return { client, pids };
  }

  test(`checks that fill all places leave the others and the probes as they are (${agent.name})`, async (t) => {
    const { client, pids } = costlyClient(t);
    const { checks, refused, probes } = await client.visit();
    assert.deepEqual(refused, []);
    assert.deepEqual(
      checks.map(({ name, exit, why, output }) => ({
        name,
        exit,
        why,
        output: output.slice(0, 7).replace(/^\.+$/, '.'),
      })),
      [
        { name: 'many', exit: null, why: 'timeout', output: '' },
        { name: 'stops', exit: null, why: 'timeout', output: 'waiting' },
        { name: 'spins', exit: null, why: 'timeout', output: '' },
        { name: 'drips', exit: null, why: 'timeout', output: '.' },
        { name: 'group', exit: null, why: 'signal', output: 'all' },
        { name: 'murder', exit: null, why: 'signal', output: 'mine' },
        { name: 'stderr', exit: 0, why: null, output: 'fine' },
        { name: 'whole', exit: 0, why: null, output: '0123456' },
        { name: 'over', exit: null, why: 'too long', output: '0123456' },
        { name: 'good', exit: 0, why: null, output: 'good' },
      ],
    );
    for (const name of ['cpu', 'memory', 'processes', 'load']) assert.ok(probes.has(name), `no ${name}`);
    const left = readFileSync(pids, 'utf8').trim().split('\n').map(Number);
    assert.ok(left.length >= 12);
    assert.deepEqual(left.filter(isRunning), []);
  });
}

for (const agent of isWide ? checkAgents : checkAgents.slice(0, 2)) {
  test(`four checks run at a time, and all together until the deadline (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const log = path.join(client.home, 'log');
    // Each waits for three others, on a slow machine too, and then for one more than there may be.
    const others = `n=0; while [ $n -lt 40 ] && [ $(grep -c + ${log}) -lt 4 ]; do sleep 0.1; n=$((n + 1)); done`;
    const brief = client.program('brief', `echo + >>${log}; ${others}; sleep 0.3; echo - >>${log}`);
    client.conf(Array.from({ length: 9 }, (_, at) => `brief${at} ${brief}`).join('\n'));
    const { checks } = await client.visit();
    assert.deepEqual(
      checks.map(({ exit }) => exit),
      Array<number>(9).fill(0),
    );
    let [running, most] = [0, 0];
    const steps = readFileSync(log, 'utf8').trim().split('\n');
    for (const step of steps) most = Math.max(most, (running += step === '+' ? 1 : -1));
    assert.deepEqual([steps.length, running, most], [18, 0, 4]);

    const slow = client.program('slow', 'sleep 60');
    const lines = Array.from({ length: 4 }, (_, at) => `slow${at} timeout=30s ${slow}`);
    client.conf([...lines, `late ${brief}`].join('\n'));
    const begunMs = Date.now();
    const { checks: ended, probes } = await client.visit([], 9000);
    assert.ok(Date.now() - begunMs < 9000);
    assert.deepEqual(
      ended.map(({ name, why }) => `${name} ${why}`),
      ['slow0 timeout', 'slow1 timeout', 'slow2 timeout', 'slow3 timeout', 'late no time left'],
    );
    assert.ok(probes.has('cpu'));
  });
}
