// Second tier: many runs of an alerter.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { isWide } from '../support/long-tests.ts';
import { exits, runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';

/** Clients that are this machine itself. More than a hundredth of a percent of its memory is always in use. */
const clients = '<client name="here-[1-2]" ip="127.0.0.[1-2]"/>';
const fleet = (limit: string, more = ''): string => `<ssh transport="local"/>
  <alerts zone="UTC" groupInterval="0s" defaults="no"><mail to="ops@example.org"/>
    <alert type="memory" warning="${limit}" critical="99.99%" for="1x"/>
    <alert name="collector-isolated" enabled="no"/>${more}</alerts>${clients}`;
const firing = fleet('0.01%');
const well = fleet('99.98%');

type Document = Readonly<Record<string, unknown>>;

/** Runs the program. The agent keeps its files in the site's folder, which is removed after the test. */
function run({ dir }: Site, ...args: readonly string[]): Promise<CliResult> {
  return runBuilt(args, { cwd: dir, env: { XDG_STATE_HOME: path.join(dir, 'agent') } });
}

async function said(site: Site, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(site, ...args);
  assert.deepEqual([status, stderr], [0, ''], `${args.join(' ')}: ${stdout}`);
  return stdout;
}

async function json(site: Site, ...args: readonly string[]): Promise<Document> {
  return JSON.parse(await said(site, '--json', ...args)) as Document;
}

/** Returns the subjects of the mails in the outbox, without the value. */
function subjects({ stateDir }: Site): readonly string[] {
  const outbox = path.join(stateDir, 'outbox');
  const mails = readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8'));
  return mails.map((mail) => /^Subject: (.*?)(?: [\d.]+ %)?\r$/m.exec(mail)?.[1] ?? '').sort();
}

async function alerts(site: Site): Promise<readonly Document[]> {
  return (await json(site, 'alerts'))['alerts'] as readonly Document[];
}

suite("people's hold on alerts, with the program alone", () => {
  for (const kind of databaseKinds()) {
    const name = (text: string): string => `${text} (${kind.name})`;
    const options = { skip: kind.skip };
    const isSecond = kind.name !== 'sqlite' && !isWide;
    /** Options of a test that stores nothing but what other tests store. */
    const once = { skip: isSecond ? 'npm run test:wide has it on this database' : kind.skip };
    const siteFor = async (t: TestContext, elements: string): Promise<Site> => {
      const site = await kind.site(t, elements);
      await site.inventoried('here-1', 'here-2');
      return site;
    };

    test(name('what a dry run prints is what a pass then does, and its commands work'), once, async (t) => {
      const site = await siteFor(t, firing);
      await said(site, 'collect');
      const dry = await said(site, 'alert', '--dry-run');
      assert.match(dry, /^To ops@example\.org: Already true: 2 warnings: here-1 memory, here-2 memory$/m);
      assert.match(dry, /2 reports and 2 visits processed, 1 mail would be made .* Nothing was changed\./);
      const commands = [...dry.matchAll(/^ +fleet-health (ack .*)$/gm)].map(([, command = '']) => command);
      assert.deepEqual(commands, ['ack here-1 memory', 'ack here-2 memory']);
      assert.deepEqual(await alerts(site), []);
      assert.deepEqual(
        (
          await site.rows('SELECT (SELECT COUNT(*) FROM mails) AS mails, COUNT(processed_at) AS treated FROM stats')
        ).map(({ mails, treated }) => [mails, treated]),
        [[0, 0]],
      );

      await said(site, 'alert');
      assert.deepEqual(subjects(site), ['Already true: 2 warnings: here-1 memory, here-2 memory']);
      for (const command of commands) await said(site, ...command.split(' '));
      const acknowledged = (await alerts(site))
        .map(({ client, acknowledged }) => `${String(client)} ${acknowledged !== null}`)
        .sort();
      assert.deepEqual(acknowledged, ['here-1 true', 'here-2 true']);
      await said(site, 'alert');
      assert.equal(subjects(site).length, 1);
    });

    test(name('a silence is added, listed, explained and ended, and holds back while it lasts'), options, async (t) => {
      const site = await siteFor(t, firing);
      assert.equal(await said(site, 'silence', 'list'), 'No silence is in force.\n');
      const added = await json(site, 'silence', 'add', '--client', 'here-2', '--rule', 'mem*', '--until', '2h');
      assert.deepEqual([added['clients'], added['open_alerts'], added['warnings']], [1, 0, []]);
      await said(site, 'collect');
      await said(site, 'alert');
      assert.deepEqual(subjects(site), ['Already true: Warning here-1: memory']);
      assert.match(await said(site, 'silence', 'list'), /^ *1 {2}here-2 {2}mem\* {2}\* /m);
      assert.match(
        await said(site, 'explain', 'here-2', 'memory'),
        /Nobody was notified\.\n.*Held back: silence 1 until /,
      );
      assert.match(await said(site, 'alerts'), /here-2 .* nobody\n +silence 1 until /);
      assert.match(await said(site, 'status'), /^Silence 1 until .* holds back 1 alert: fleet-health silence list\.$/m);

      await said(site, 'silence', 'expire', '1');
      assert.match(await said(site, 'explain', 'here-2', 'memory'), /the client's next row must confirm it first/);
      await said(site, 'alert');
      assert.equal(subjects(site).length, 1);
      await said(site, 'collect');
      await said(site, 'alert');
      assert.deepEqual(subjects(site), ['Already true: Warning here-1: memory', 'Warning here-2: memory']);
      await exits(2, run(site, 'silence', 'expire', '1'), /there is no silence 1 in force/);
    });

    test(name('who acknowledged, how long and why stays until it ends'), options, async (t) => {
      const site = await siteFor(t, firing);
      await said(site, 'collect');
      await said(site, 'alert');
      const acked = await json(site, 'ack', 'here-1', 'memory', '--for', '4h', '--comment', 'Größe: 測試');
      assert.equal(acked['comment'], 'Größe: 測試');
      await said(site, 'collect');
      await said(site, 'alert');
      const first = (await alerts(site)).find(({ client }) => client === 'here-1');
      assert.deepEqual((first?.['acknowledged'] as Document | undefined)?.['comment'], 'Größe: 測試');
      const held = /Held back: acknowledged by .* until .*: Größe: 測試; no reminders/;
      assert.match(await said(site, 'explain', 'here-1', 'memory'), held);
      assert.match(await said(site, 'ack', '--all'), /^acknowledged 1: .*\nacknowledged 2: /);
      const none = await run(site, 'ack', 'here-1', 'disk');
      assert.deepEqual([none.status, /under rule "disk"/.test(none.stderr)], [2, true]);
    });

    test(name('replay says what other limits would have notified, and how that differs'), options, async (t) => {
      const site = await siteFor(t, firing);
      await said(site, 'collect');
      await said(site, 'alert');
      const same = await json(site, 'alert', '--replay', '--since', '1h');
      assert.deepEqual(same['difference'], { more: [], fewer: [] });
      assert.deepEqual(
        (same['counts'] as readonly Document[])
          .map(({ rule, client, fired }) => `${String(rule)} ${String(client)} ${String(fired)}`)
          .sort(),
        ['memory here-1 1', 'memory here-2 1'],
      );
      site.configure(well);
      const other = await said(site, 'alert', '--replay', '--since', '1h');
      assert.match(other, /^Nothing would have fired\.$/m);
      assert.match(other, /^Was notified, and would not have been \(2\):$/m);
      assert.equal((await alerts(site)).length, 2);
    });

    test(name('a forgotten collector is nobody’s; status counts what is open and undelivered'), options, async (t) => {
      const away = '<smtp host="127.0.0.1" port="1" security="none" from="fleet@example.org"/>';
      const site = await siteFor(t, `${away}${firing}`);
      await said(site, 'collect');
      await exits(1, run(site, 'alert'), /event=put-off recipient=ops@example\.org .*ECONNREFUSED/);
      const status = await json(site, 'status');
      assert.deepEqual(status['alerts'], { firing: 2, critical: 0, fleet: 0 });
      const undelivered = status['undelivered'] as Document;
      assert.deepEqual([undelivered['mails'], undelivered['refused']], [1, 0]);
      const waiting = /no mail server has taken:\n {2}1: ops@example\.org, made .*, 1 try,/;
      assert.match(await said(site, 'explain', 'here-1'), waiting);

      const id = readFileSync(path.join(site.stateDir, 'collector-id'), 'utf8').trim();
      assert.match(await said(site, 'forget', 'collector', id), /^Collector .* is forgotten/);
      assert.equal((await run(site, 'forget', 'collector', id)).status, 2);
      const runs = await site.rows("SELECT collector_id FROM runs WHERE program = 'collect'");
      const collectors = runs.map(({ collector_id: collectorId }) => collectorId);
      assert.deepEqual(collectors, ['']);
      // The collector runs again, and is known again.
      await said(site, 'collect');
      assert.equal((await run(site, 'forget', 'collector', id)).status, 0);
    });

    test(name('before the first run there is nothing to hold, and nothing is made'), options, async (t) => {
      const site = await kind.site(t, well);
      assert.equal(await said(site, 'alerts'), 'Nothing is open.\n');
      assert.equal(await said(site, 'silence', 'list'), 'No silence is in force.\n');
      for (const args of [
        ['explain', 'here-1'],
        ['alert', '--replay'],
      ]) {
        await exits(2, run(site, ...args), /nothing is stored yet/);
      }
    });
  }
});
