// Second tier: both databases through the program.
/** `<check>` of config.xml on clients of real servers: run by both agents, and not under a restricted key. */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { everyNode } from '../support/programs/every-node.ts';
import { restrict } from '../support/ssh/restricted-key.ts';
import { succeeded } from '../support/programs/run-cli.ts';
import { sshdMissing, sshdOfSuite } from '../support/ssh/sshd.ts';
import { databaseKinds, type Site } from './support/whole-fleet.ts';

const [sqlite] = databaseKinds(false);
const elements =
  `<check name="of group" command="sh -c 'echo x >>$HOME/runs; echo &quot;WARNING: ` +
  `it&apos;\\''s&quot;; exit 1'" timeout="5s"/>`;
const own = '<check name="own" command="echo own &quot;two  words&quot;"/>';

/** Gives the only client two checks: one of its group, one of its own. */
function addChecks(site: Site): void {
  const file = path.join(site.dir, 'config.xml');
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(/(<client [^>]*)\/>/, (_, client: string) => {
    return `<group>${elements}${client}>${own}</client></group>`;
  });
  assert.notEqual(changed, text);
  writeFileSync(file, changed);
}

const results = async (site: Site): Promise<readonly string[]> =>
  (await site.rows('SELECT check_name, state, text, refused FROM check_stats ORDER BY stat_id, ordinal')).map(
    (row) => `${String(row['check_name'])}: ${String(row['state'])} ${String(row['text'])} ${String(row['refused'])}`,
  );

const both = ["of group: 1 WARNING: it's 0", 'own: 0 own two  words 0'];

for (const reader of ['node', 'shell'] as const) {
  suite(`checks of config.xml (${reader})`, { skip: sshdMissing() ?? false }, async () => {
    const sshd = await sshdOfSuite(reader === 'shell' ? { hidden: everyNode } : {});
    assert.ok(sqlite);

    test('run and are stored; a restricted key runs none of them, and check names the lines that do', async (t) => {
      const { site, account } = await restrict(sshd, await sqlite.site(t, ''), {
        beforehand: async (there) => {
          addChecks(there);
          await succeeded(there.run('collect'));
          assert.deepEqual(await results(there), both);
          assert.doesNotMatch(await succeeded(there.run('check')), /checks\.d/);
        },
      });
      const runs = (): number => readFileSync(path.join(account.home, 'runs'), 'utf8').length / 2;
      assert.equal(runs(), 1);
      // The agent of a restricted key ignores the checks. From the second visit on the collector does not send them.
      for (let visit = 1; visit <= 2; visit += 1) {
        const { status, stdout, stderr } = await site.run('collect');
        assert.equal(status, 0, stderr);
        assert.match(`${stdout}${stderr}`, /web-1 runs no <check> of config\.xml, for the key is restricted/);
        assert.equal(readFileSync(path.join(site.stateDir, 'restricted-keys'), 'utf8'), '"web-1"\n');
      }
      assert.deepEqual([runs(), await results(site)], [1, both]);

      const said = await succeeded(site.run('check'));
      const lines = [...said.matchAll(/^warning: .*restricted; write this line into \S+\.conf there: (.*)$/gm)];
      assert.equal(lines.length, 2, said);
      assert.match(
        await succeeded(site.run('check', 'web-1')),
        /^checks of config\.xml; the key is restricted, so these must stand in .* there:\n# .*config\.xml:\d+\n'of group' timeout=5s sh -c /m,
      );
      const dir = path.join(account.home, '.config/fleet-health/checks.d');
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const conf = path.join(dir, 'fleet.conf');
      writeFileSync(conf, lines.map(([, line = '']) => `${line}\n`).join(''), { mode: 0o600 });
      for (const file of [conf, dir, path.dirname(dir), path.join(dir, '../..')])
        chownSync(file, account.uid, account.uid);
      await succeeded(site.run('collect'));
      assert.deepEqual([runs(), await results(site)], [2, [...both, ...both]]);
    });
  });
}
