/** The mode `pattoo` as a person starts it: by each command line, a server of pattoo receives documents. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { startHttpReceiver } from '../../support/servers/http-receiver.ts';
import { isWide, skipUnlessWide } from '../../support/long-tests.ts';
import {
  agentProgram,
  exits,
  runCli,
  startAgentProgram,
  succeeded,
  type CliResult,
} from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

/** Starts a server of pattoo, and makes an agent.json that names it. Ends the mode after the test. */
async function station(t: TestContext) {
  const server = await startHttpReceiver();
  t.after(() => server.stop());
  t.after(async () => {
    await run('stop', '--force', 'pattoo');
  });
  const dir = tempFolder(t);
  const config = path.join(dir, 'agent.json');
  const settings = { state_directory: path.join(dir, 'state'), pattoo: { to: server.origin, every: '10s' } };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  const run = (...args: readonly string[]): Promise<CliResult> =>
    runCli(['-c', config, ...args], { program: agentProgram });
  const posted = (count: number, said: string | (() => string)): Promise<void> =>
    until(() => server.received.length >= count, said);
  return { server, dir, config, run, posted };
}

const push = ['push', '--format', 'pattoo'];
const inForeground = [
  [...push, '--every', '10s'],
  ['run', 'pattoo'],
  ['run', ...push.slice(1), 'push'],
];
const inBackground = [
  ['start', 'pattoo'],
  [...push, '--start', '--every', '10s'],
  ['restart', 'pattoo'],
];

for (const line of isWide ? inForeground : []) {
  test(`\`${line.join(' ')}\` posts again and again`, async (t) => {
    const { server, config, posted } = await station(t);
    server.act(() => ({ status: 500 }));
    const to = line.includes('--every') ? ['--to', server.origin] : [];
    const { child, said } = await startAgentProgram(t, ['-c', config, ...line, ...to], 'event=not-pushed');
    assert.match(said(), /acknowledged=0 kept=1 reason=.*answered 500/);
    server.act(() => ({ status: 200 }));
    await posted(3, said);
    await until(() => said().includes('event=pushed acknowledged=2'), said);
    child.kill('SIGTERM');
  });
}

for (const line of isWide ? inBackground : inBackground.slice(0, 1)) {
  test(`\`${line.join(' ')}\` posts, and a push by hand beside it posts too`, async (t) => {
    const { server, dir, run, posted } = await station(t);
    const to = line.includes('--every') ? ['--to', server.origin] : [];
    assert.match(await succeeded(run(...line, ...to)), /^pattoo is running \(pid \d+\)/);
    await posted(1, 'nothing was posted');
    await until(() => existsSync(path.join(dir, 'state', 'pattoo-status.json')), 'no status is kept');
    assert.match(await succeeded(run('status', 'pattoo')), /^pattoo is running: .*last report 20.*queue 0$/m);
    assert.equal(await succeeded(run(...push)), '1 report sent\n');
    assert.match(await succeeded(run('stop', 'pattoo')), /^pattoo has ended/);
  });
}

test(
  'a push by hand is not the mode: it is neither seen nor ended in its place',
  { skip: skipUnlessWide },
  async (t) => {
    const { server, run, posted } = await station(t);
    let answer = (): void => assert.fail('nothing was posted');
    server.act(() => (socket) => {
      answer = () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    });
    const pushing = run(...push);
    await posted(1, 'nothing was posted');
    await exits(3, run('status', 'pattoo'), { stdout: /^pattoo is not running/ });
    assert.match(await succeeded(run('stop', 'pattoo')), /^pattoo is not running/);
    answer();
    assert.equal(await succeeded(pushing), '1 report sent\n');
  },
);
