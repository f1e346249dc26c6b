import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { loadSettings } from '../../../src/cli/command/settings.ts';
import { clockNote, siteNotes } from '../../../src/cli/check/site-notes.ts';
import { openSiteFacts } from '../../../src/collector/forward/site-facts.ts';
import { attemptsPerDay, furtherAttemptsPerDay } from '../../../src/report/state/state-due.ts';
import { visit } from '../../storage/support/samples.ts';
import { configFolder, runCli } from '../../support/programs/run-cli.ts';
import { forwardingSite } from '../../support/fleets/forwarding-site.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';

test('a clock that is more than 30 s off the one of hq is named', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  assert.equal(clockNote(null, nowMs), null);
  assert.equal(clockNote(nowMs - 30_000, nowMs), null);
  assert.match(clockNote(nowMs - 31_000, nowMs) ?? '', /clock here is 31s ahead of the one .* NTP/);
  assert.match(clockNote(nowMs + 7_200_000, nowMs) ?? '', /clock here is 2h behind the one/);
});

test('check says at either side what the link lacks', { timeout: 120_000 }, async (t) => {
  const { hq, site } = await forwardingSite(t);
  const endpoint = /warning: [^\n]*push endpoint at http:\/\/[^\n]* does not answer \([^\n]*ECONNREFUSED/;
  assert.doesNotMatch((await hq.run('check')).stdout, /push endpoint/);
  assert.doesNotMatch((await site.run('check', '--connect')).stdout, /wait here|hq refused|clock here/);
  await hq.end();
  const file = path.join(site.dir, 'state', 'site-facts.json');
  const today = Date.now();
  const facts = openSiteFacts(file);
  facts.sawInventory('web-1', today);
  const noFurther = { stamp: null, runs: attemptsPerDay + furtherAttemptsPerDay };
  facts.saw(visit({ client: 'web-1', startedAtMs: today, bootId: null, state: noFurther }), {
    configDigest: '',
    scope: 'full',
  });
  facts.save(new Set(['web-1']));
  assert.match((await hq.run('check')).stdout, endpoint);
  await site.run('-q', 'collect');
  const waiting = await site.run('check', '--connect');
  assert.match(waiting.stdout, /warning: \d reports? of this site wait here, the oldest for \d+s: collect forwards/);
  const refusedBefore = ['db\u001b1'];
  writeFileSync(file, JSON.stringify({ refused: refusedBefore, clients: [] }), {
    mode: 0o600,
  });
  const refused = await site.run('check', '--connect');
  assert.ok(!refused.stdout.includes('\u001b'));
  assert.match(refused.stdout, /warning: hq refused reports of db[^\n]*1 in the last run: give them/);
});

test(
  'check --connect names a wrong clock, and asks hq for it without a refused push',
  { skip: skipUnlessWide, timeout: 120_000 },
  async (t) => {
    const { hq, site } = await forwardingSite(t);
    const hook = path.join(site.dir, 'ahead.cjs');
    writeFileSync(hook, 'const now = Date.now; Date.now = () => now() + 7_200_000;');
    const { stdout } = await runCli(['check', '--connect'], { ...site.options, nodeArgs: ['-r', hook] });
    assert.match(
      stdout,
      /warning: the clock here is (?:2h(?: \d+s)?|1h 59m[^\n]*) ahead of the one that answers at hq: have NTP/,
    );
    assert.doesNotMatch(hq.log(), /push-refused/);
  },
);

test('a spool that cannot be read is one finding among the others', async (t) => {
  const dir = configFolder(
    t,
    '<config><collector open="no"><forward url="http://127.0.0.1:9" key="fra.json"/></collector><client ip="192.0.2.1"/></config>',
  );
  writeFileSync(path.join(dir, 'fra.json'), '{}', { mode: 0o600 });
  const config = loadSettings({ configFile: path.join(dir, 'config.xml') });
  const state = path.join(dir, 'state');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(path.join(state, 'encrypted_stats'), '');
  writeFileSync(path.join(state, 'site-facts.json'), JSON.stringify({ refused: ['db1'], clients: [] }));
  const { forward } = config.collector;
  assert.ok(forward !== null);
  const [uncounted = '', refused = '', ...more] = await siteNotes(config, forward, t.signal);
  assert.match(uncounted, /^the reports that wait here cannot be counted \(.*ENOTDIR/);
  assert.match(refused, /^hq refused reports of db1 /);
  assert.deepEqual(more, []);
});
