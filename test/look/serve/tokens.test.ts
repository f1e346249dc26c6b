import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { until } from '../../support/until.ts';
import { servedFleet } from './support/served-fleet.ts';

const config = '<config><client ip="192.0.2.1"/></config>';

test('a token is printed once, kept as its digest, and listed without it', async (t) => {
  const dir = configFolder(t, config);
  const run = (...args: readonly string[]): ReturnType<typeof runCli> => runCli(args, { cwd: dir });
  const { status, stdout } = await run('tokens', 'add', 'anna');
  assert.equal(status, 0);
  const token = stdout.trim();
  assert.match(token, /^fh_[\w-]{43}$/);
  const file = path.join(dir, 'state', 'tokens.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.doesNotMatch(readFileSync(file, 'utf8'), new RegExp(token));
  const { tokens } = JSON.parse((await run('--json', 'tokens', 'list')).stdout) as { tokens: { name: string }[] };
  assert.deepEqual(
    tokens.map(({ name }) => name),
    ['anna'],
  );
  const twice = await run('tokens', 'add', 'anna');
  assert.match(twice.stderr, /there is a token "anna".*tokens remove anna/);
  assert.match((await run('tokens', 'add', '../x')).stderr, /is no name for a token/);
  assert.match((await run('tokens', 'remove', 'ana')).stderr, /there is no token "ana"; did you mean "anna"\?/);
  assert.equal((await run('tokens', 'remove', 'anna')).status, 0);
  assert.match((await run('tokens', 'list')).stdout, /There is no token\./);
});

test('tokens that are made at the same time are all kept', async (t) => {
  const dir = configFolder(t, config);
  const names = ['anna', 'bert', 'carl', 'dora'];
  const made = await Promise.all(names.map((name) => runCli(['tokens', 'add', name], { cwd: dir })));
  assert.deepEqual(
    made.map(({ status, stderr }) => ({ status, stderr })),
    names.map(() => ({ status: 0, stderr: '' })),
  );
  const { tokens } = JSON.parse((await runCli(['--json', 'tokens', 'list'], { cwd: dir })).stdout) as {
    tokens: { name: string }[];
  };
  assert.deepEqual(tokens.map(({ name }) => name).sort(), names);
});

test('a running server knows a new token and forgets a removed one, and logs guesses', async (t) => {
  const { ask, run, log } = await servedFleet(t, {
    attributes: 'auth="always"',
    parts: '<look/><metrics/>',
    elements: '<collector every="1d"/>',
  });
  const asked = async (where: string, token: string): Promise<number> =>
    (await ask(where, { headers: { authorization: `Bearer ${token}` } })).status;
  const bare = await ask('/');
  assert.deepEqual(
    [bare.status, bare.headers['www-authenticate']],
    [401, 'Basic realm="fleet-health", charset="UTF-8"'],
  );
  assert.equal((await ask('/ping')).status, 200);
  assert.equal(await asked('/', 'guess'), 401);
  await until(() => /event=token-refused address=127\.0\.0\.1/.test(log()), log);
  const token = (await run('tokens', 'add', 'anna')).stdout.trim();
  const metrics = (await run('tokens', 'add', 'prometheus', '--for', 'metrics')).stdout.trim();
  const status = (await run('tokens', 'add', 'board', '--for', 'status')).stdout.trim();
  const endpoints = ['/', '/metrics', '/api/v1/status', '/api/v1/alerts'];
  const through = async (one: string): Promise<readonly number[]> =>
    Promise.all(endpoints.map((where) => asked(where, one)));
  assert.deepEqual(await through(token), [200, 200, 200, 200]);
  assert.deepEqual(await through(metrics), [403, 200, 403, 403]);
  assert.deepEqual(await through(status), [403, 403, 200, 403]);
  await run('tokens', 'remove', 'anna');
  assert.equal(await asked('/', token), 401);
});

test('who guesses tokens is soon answered no more', async (t) => {
  const { ask } = await servedFleet(t, { attributes: 'auth="always"' });
  const startedMs = performance.now();
  const guesses = Array.from({ length: 12 }, (_, guess) =>
    ask('/', { headers: { authorization: `Bearer ${guess}` } }).then(({ status }) => status),
  );
  const statuses = await Promise.all(guesses);
  assert.deepEqual([...new Set(statuses)].sort(), [401, 429]);
  // Each second lets another guess be answered.
  const most = 6 + Math.ceil((performance.now() - startedMs) / 1000);
  assert.ok(statuses.filter((status) => status === 401).length <= most, String(statuses));
});
