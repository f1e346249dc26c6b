import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { configFolder, exits, runCli, succeeded } from '../../support/programs/run-cli.ts';

function station(t: TestContext, parts = '') {
  const client = '<client name="web-1" transport="push" every="1h"/>';
  const dir = configFolder(t, `<config>${parts}<alerts mail="ops@example.org"/>${client}</config>`);
  return { dir, run: (...args: readonly string[]) => runCli(args, { cwd: dir }) };
}

test('enroll names the fault of its options, and never a password', async (t) => {
  const { run } = station(t);
  await exits(2, run('enroll', 'web-1'), /it is not set where the client pushes to/);
  await exits(2, run('enroll', 'web-1', '--https', 'https://a/', '--ssh', 'u@a'), /--https and --ssh contradict/);
  for (const url of ['https://ann:s3cret@hq/', 'https://s3cret@hq/', 'ftp://ann:s3cret@hq/', 's3cret']) {
    const { status, stdout, stderr } = await run('enroll', 'web-1', '--https', url);
    assert.equal(status, 2);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
    assert.match(stderr, /--https .*\(usage\)/);
  }
});

test('enroll warns where nothing takes the pushes, and writes into folders that exist', async (t) => {
  const { dir, run } = station(t);
  const notified = await run('enroll', 'web-1', '--https', 'https://hq/');
  assert.match(notified.stderr, /^warning: config\.xml has no <push\/> in <serve>/);
  assert.doesNotMatch((await run('enroll', 'web-1', '--ssh', 'u@hq')).stderr, /warning/);
  await exits(2, run('enroll', 'web-1', '--ssh', 'u@hq', '-o', 'no/such/agent.json'), /there is no folder .*no\/such/);
  assert.ok(!existsSync(path.join(dir, 'no')));
  await succeeded(run('enroll', 'web-1', '--ssh', 'u@hq', '-o', 'agent.json'));
  assert.equal(statSync(path.join(dir, 'agent.json')).mode & 0o777, 0o600);
  const served = station(t, '<serve><push/></serve>');
  assert.equal((await served.run('enroll', 'web-1', '--https', 'https://hq/')).stderr, '');
});

test('the key of a site is revoked by its name, which no client has', async (t) => {
  const group = '<group transport="forward" labels="site=fra"><client name="db-1"/></group>';
  const { run } = station(t, `${group}<serve><push/></serve>`);
  const enrolled = await succeeded(run('enroll', 'fra', '--site', '-o', 'fra.json'));
  assert.match(enrolled, /<ssh>[^]*fleet-health trust[^]*fleet-health serve takes the pushes/);
  await succeeded(run('enroll', 'web-1', '--ssh', 'u@hq', '-o', 'agent.json'));
  await exits(2, run('enroll', 'frx', '--site', '--revoke'), /no site "frx" is enrolled; did you mean "?fra/);
  const revoked = await succeeded(run('enroll', 'fra', '--site', '--revoke'));
  assert.match(
    revoked,
    /^The key of the site fra opens nothing any more\. Its collect is refused.*"enroll fra --site".*clients/,
  );
  await exits(2, run('enroll', 'web-2', '--revoke'), /no client "web-2" is enrolled.*web-1/);
});
