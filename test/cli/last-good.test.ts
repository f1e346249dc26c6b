// Second tier: each damage of config.xml, by each program.
/**
 * A fault in config.xml does not end the monitoring: the last valid configuration stays in force, with cron's
 * environment.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { makeInventoriedIn } from '../support/clients/inventoried.ts';
import { isWide } from '../support/long-tests.ts';
import { configFolder, runCli } from '../support/programs/run-cli.ts';

const rare = { skip: isWide ? false : 'in the second tier' };

const local = (more = ''): string => `<config>${more}
  <alerts><mail to="ops@example.org"/><alert type="disk" limit="1%" severity="critical"/></alerts>
  <client name="here" transport="local"/></config>`;

/** Makes a folder with a valid config.xml that cron has run once. */
async function kept(t: TestContext, content = local()) {
  const dir = configFolder(t, content);
  const home = path.join(dir, 'home');
  mkdirSync(home, { mode: 0o700 });
  if (!content.includes('<state')) await makeInventoriedIn(path.join(dir, 'state'), 'here');
  const config = path.join(dir, 'config.xml');
  const cron = (...args: readonly string[]) => runCli(['-c', config, '-q', ...args], { cwd: '/', env: { HOME: home } });
  const first = await cron('collect');
  assert.deepEqual([first.status, first.stderr], [0, '']);
  return { dir, home, config, cron, state: path.join(dir, 'state') };
}

interface Breakage {
  readonly how: string;
  readonly breakIt: (config: string) => void;
  readonly says: RegExp;
}

const breakages: readonly Breakage[] = [
  {
    how: 'with a fault',
    breakIt: (config) => writeFileSync(config, local('<clint/>')),
    says: /config\.xml:1: .*clint/,
  },
  { how: 'half written', breakIt: (config) => writeFileSync(config, local().slice(0, 90)), says: /config\.xml:/ },
  { how: 'emptied by an editor', breakIt: (config) => writeFileSync(config, ''), says: /config\.xml/ },
  { how: 'away', breakIt: (config) => rmSync(config), says: /config\.xml does not exist/ },
];

for (const { how, breakIt, says } of isWide ? breakages : breakages.slice(0, 1)) {
  test(`with config.xml ${how} both programs use the last valid one and say so once an hour`, async (t) => {
    const { config, cron, state } = await kept(t);
    breakIt(config);
    const collected = await cron('collect');
    assert.equal(collected.status, 1);
    assert.match(collected.stderr, says);
    assert.match(collected.stderr, /the configuration of \d{4}-\d\d-\d\d \d\d:\d\d UTC is used \(config-broken\)/);
    assert.equal(collected.stderr.trim().split('\n').length, 1);
    const alerted = await cron('alert');
    assert.equal(alerted.status, 1);
    assert.doesNotMatch(alerted.stderr, /config-broken/, 'collect has said it in this hour');
    const mails = readdirSync(path.join(state, 'outbox'));
    assert.equal(mails.length, 1, 'the alert of the valid configuration is notified');
    assert.equal((await cron('check')).status, 2, 'what people type refuses');
    writeFileSync(config, local());
    assert.deepEqual([(await cron('collect')).status, (await cron('alert')).status], [0, 0]);
    assert.equal(existsSync(path.join(state, 'config-broken.db')), false);
  });
}

test('with a broken config.xml what is stored is shown by the last valid one, beside the fault', async (t) => {
  const { dir, config, cron } = await kept(t);
  assert.equal((await cron('alert')).status, 0);
  writeFileSync(config, local('<clint/>'));
  const report = path.join(dir, 'report.html');
  const commands: readonly { readonly command: string; readonly shows: RegExp }[] = [
    { command: 'status', shows: /here/ },
    { command: 'show here', shows: /here/ },
    { command: 'alerts', shows: /here +disk/ },
    { command: 'explain here', shows: /Nothing is open|disk/ },
    { command: `report --output ${report}`, shows: /^/ },
  ];
  for (const { command, shows } of commands) {
    const { status, stdout, stderr } = await cron(...command.split(' '));
    assert.equal(status, 0, stderr);
    assert.match(stdout, shows);
    assert.match(stderr, /config\.xml:1: .*clint.*the configuration of .* UTC is used \(config-broken\)/);
    assert.equal(stderr.trim().split('\n').length, 1);
  }
  assert.ok(existsSync(report));
  for (const command of ['trust', 'silence add here --for 1h', 'migrate']) {
    assert.equal((await cron(...command.split(' '))).status, 2, command);
  }
});

test('a first run with a broken config.xml is refused, and so is a copy that others could write', async (t) => {
  const dir = configFolder(t, local('<clint/>'));
  const env = { HOME: dir };
  const config = path.join(dir, 'config.xml');
  assert.equal((await runCli(['-c', config, 'collect'], { env })).status, 2);
  writeFileSync(config, local());
  await makeInventoriedIn(path.join(dir, 'state'), 'here');
  assert.equal((await runCli(['-c', config, 'collect'], { env })).status, 0);
  const folder = path.join(dir, 'state', 'last-good');
  const [name = ''] = readdirSync(folder);
  assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600);
  writeFileSync(config, '<config>');
  chmodSync(path.join(folder, name), 0o666);
  assert.equal((await runCli(['-c', config, 'collect'], { env })).status, 2);
  chmodSync(path.join(folder, name), 0o600);
  writeFileSync(path.join(folder, name), readFileSync(path.join(folder, name), 'utf8').slice(0, -20));
  assert.equal((await runCli(['-c', config, 'collect'], { env })).status, 2, 'a damaged one counts as none');
});

test('what was included is kept too, and a state folder elsewhere is found without config.xml', rare, async (t) => {
  const elsewhere = configFolder(t, '');
  const clients = '<include file="clients/*.xml"/><client name="here" transport="local"/>';
  const { dir, config, cron } = await kept(t, `<config><state dir="${elsewhere}/state"/>${clients}</config>`);
  assert.ok(existsSync(path.join(elsewhere, 'state', 'last-good')));
  mkdirSync(path.join(dir, 'clients'));
  writeFileSync(path.join(dir, 'clients', 'b.xml'), '<config><client name="too" transport="local"/></config>');
  assert.equal((await cron('collect')).status, 0);
  rmSync(path.join(dir, 'clients'), { recursive: true });
  writeFileSync(config, '');
  const result = await runCli(['-c', config, 'collect', '--json'], { cwd: '/', env: { HOME: path.join(dir, 'home') } });
  assert.equal(result.status, 1);
  const { visits } = JSON.parse(result.stdout) as { readonly visits: readonly { readonly client: string }[] };
  assert.deepEqual(visits.map(({ client }) => client).sort(), ['here', 'too']);
});

test(
  'a named pipe or a link in the place of what was kept, or of its pointer, ends no run and is not read',
  { skip: isWide ? false : 'in the second tier' },
  async (t) => {
    const elsewhere = configFolder(t, '');
    const client = '<client name="here" transport="local"/>';
    const { home, config, cron } = await kept(t, `<config><state dir="${elsewhere}/state"/>${client}</config>`);
    const folders = [path.join(elsewhere, 'state/last-good'), path.join(home, '.local/state/fleet-health-config')];
    const places = folders.map((folder) => path.join(folder, readdirSync(folder)[0] ?? ''));
    writeFileSync(config, '<config>');
    for (const file of places) {
      const moved = `${file}.moved`;
      renameSync(file, moved);
      execFileSync('mkfifo', ['-m', '600', file]);
      assert.equal((await cron('collect')).status, 2, file);
      rmSync(file);
      symlinkSync(moved, file);
      assert.equal((await cron('collect')).status, 2, file);
      renameSync(moved, file);
      assert.equal((await cron('collect')).status, 1, file);
    }
  },
);
