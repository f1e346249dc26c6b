// Second tier: waits for a push in the background.
/**
 * A machine that evaluates its rules itself and pushes changes alone: `enroll --edge`, `edge` and `serve`, as built.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { serveFolder } from '../look/serve/support/served-fleet.ts';
import {
  agentProgram,
  configFolder,
  exits,
  runBuilt,
  startAgentProgram,
  succeeded,
  type CliResult,
} from '../support/programs/run-cli.ts';
import { until } from '../support/until.ts';

const rules =
  '<alert type="memory" limit="0.1%" for="2x"/><alert type="disk" name="data" mount="/data*" ' +
  'warning="80%" free="1GiB"/>';

interface EdgeAgent {
  readonly edge: { readonly every: string; readonly heartbeat: string; readonly rules: readonly object[] };
}

interface Fleet {
  readonly dir: string;
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** The configuration that `enroll --edge` has written for web-1. */
  readonly agent: EdgeAgent;
}

/** Starts a server and enrolls web-1 at it. */
async function enrolled(t: TestContext): Promise<Fleet> {
  const dir = configFolder(
    t,
    `<config><alerts mail="ops@example.org" zone="UTC"/><client name="web-2"/>
     <client name="web-1" transport="push" every="1h">${rules}</client></config>`,
  );
  const served = await serveFolder(t, dir, { parts: '<push/>' });
  const run: Fleet['run'] = (...args) => runBuilt(args, { cwd: dir });
  const url = `http://127.0.0.1:${served.port}/`;
  const agent = JSON.parse(await succeeded(run('enroll', 'web-1', '--https', url, '--edge'))) as EdgeAgent;
  return { dir, run, agent };
}

const ruleOfType = ({ edge }: EdgeAgent, type: string): object | undefined =>
  edge.rules.find((rule) => 'type' in rule && rule.type === type);

test('enroll --edge writes the rules of a client that pushes, and refuses a client that is visited', async (t) => {
  const { run, agent } = await enrolled(t);
  await exits(2, run('enroll', 'web-2', '--ssh', 'a@b', '--edge'), /web-2 is visited/);
  assert.equal(agent.edge.every, '1m');
  assert.equal(agent.edge.heartbeat, '1h');
  const data = agent.edge.rules.find((rule) => 'name' in rule && rule.name === 'data');
  assert.deepEqual(data, {
    ...{ name: 'data', type: 'disk', mount: '/data*', op: 'ge', warning: '80%', critical: '95%' },
    ...{ clear: '78%', free: '1073741824', for: '1x' },
  });
});

test(
  'a change is sent at once, the rest waits for the next push, and the alerter evaluates the same',
  { timeout: 120_000 },
  async (t) => {
    const { dir, run, agent } = await enrolled(t);
    const place = path.join(dir, 'agent');
    mkdirSync(place, { mode: 0o700 });
    const file = path.join(dir, 'agent.json');
    const edge = { ...agent.edge, every: '10s', rules: [ruleOfType(agent, 'memory')], heartbeat: 'none' };
    writeFileSync(file, JSON.stringify({ ...agent, changes: 'no', state_directory: place, edge }), { mode: 0o600 });
    const { child, said } = await startAgentProgram(t, ['-c', file, 'edge']);
    const atHome = (): number =>
      readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.fhs')).length;
    await until(() => /event=sent/.test(said()), said, 40_000);
    // The two reports of `for="2x"` are sent. No file holds them in clear.
    assert.match(said(), /event=alert .*rule=memory .*state=firing.*\n.*event=sent reports=2 held=0/);
    await until(() => atHome() === 1, said, 30_000);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    assert.ok(!readdirSync(place).includes('edge.jsonl'));
    // Sent: the report that was held back, a new one, and the inventory of the day.
    assert.match(await succeeded(runBuilt(['-c', file, 'push'], { program: agentProgram })), /^3 reports sent$/m);
    assert.match((await run('collect')).stdout, /stored=5/);
    await run('alert');
    assert.match((await run('alerts')).stdout, /memory/);
  },
);
