import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { clockNote } from '../../../src/cli/check/site-notes.ts';
import { forwardingSite } from '../../support/forwarding-site.ts';

test('a clock that is more than 30 s off the one of hq is named', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  assert.equal(clockNote(null, nowMs), null);
  assert.equal(clockNote(nowMs - 30_000, nowMs), null);
  assert.match(clockNote(nowMs - 31_000, nowMs) ?? '', /clock here is 31s ahead of the one .* NTP/);
  assert.match(clockNote(nowMs + 7_200_000, nowMs) ?? '', /clock here is 2h behind the one/);
});

test('check says at either side what the link lacks', { timeout: 120_000 }, async (t) => {
  const { hq, site } = await forwardingSite(t);
  const door = /warning: [^\n]*push door at http:\/\/[^\n]* does not answer \([^\n]*ECONNREFUSED/;
  assert.doesNotMatch((await hq.run('check')).stdout, /push door/);
  assert.doesNotMatch((await site.run('check', '--connect')).stdout, /wait here|hq refused|clock here/);
  await hq.end();
  assert.match((await hq.run('check')).stdout, door);
  await site.run('-q', 'collect');
  const waiting = await site.run('check', '--connect');
  assert.match(waiting.stdout, /warning: \d reports? of this site wait here, the oldest for \d+s: collect forwards/);
  const link = { failures: 0, loggedAtMs: null, refused: ['db\u001b1'] };
  const file = path.join(site.dir, 'state', 'site-facts.json');
  writeFileSync(file, JSON.stringify({ link, clients: [] }), {
    mode: 0o600,
  });
  const refused = await site.run('check', '--connect');
  assert.ok(!refused.stdout.includes('\u001b'));
  assert.match(refused.stdout, /warning: hq refused reports of db[^\n]*1 in the last run: give them/);
});
