import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { StateKind } from '../../../src/report/report.ts';
import { stateDigest } from '../../../src/report/state/state.ts';
import { stateItem } from '../../storage/support/state-samples.ts';
import { times } from '../../support/times.ts';
import { alertFolder, type AlertFolder } from '../support/stored-alerts.ts';

const config =
  '<config><group name="web"><client ip="192.0.2.[1-4]" name="web-[1-4]"/></group><client name="db" ip="192.0.2.9"/>' +
  '</config>';
const minuteMs = 60_000;

/** Makes a folder: openssl is upgraded on three of web, and nginx.conf changes on web-4. */
async function changedFolder(t: TestContext): Promise<AlertFolder> {
  const folder = await alertFolder(t, { config });
  const nowMs = Date.now();
  const look = (client: string, minutesAgo: number, kind: StateKind, ...lines: readonly string[]) =>
    stateItem(client, nowMs - minutesAgo * minuteMs, [{ kind, digest: stateDigest(lines), error: null, lines }]);
  await folder.store(async ({ reports }) => {
    const names = [...times(4, (index) => `web-${index + 1}`), 'db'];
    await reports.ingest([
      ...names.map((name) => look(name, 30, 'package', 'openssl amd64\t3.0.11')),
      ...names.slice(0, 3).map((name) => look(name, 20, 'package', 'openssl amd64\t3.0.14')),
      ...['web-1', 'web-2'].flatMap((name) => [
        look(name, 30, 'system', `boot\t1 of ${name}`),
        look(name, 20, 'system', `boot\t2 of ${name}`),
      ]),
      look('web-4', 30, 'file', '/etc/nginx/nginx.conf\ta'.padEnd(40, 'b')),
      look('web-4', 10, 'file', `/etc/nginx/nginx.conf\t${'c'.repeat(32)}`),
    ]);
  });
  return folder;
}

test('changes lists what changed, and equal changes in one line', async (t) => {
  const { said } = await changedFolder(t);
  const stdout = await said('changes');
  assert.match(stdout, /^time +who +what\n/);
  assert.match(stdout, /^\d{4}-\S+ \S+ +3 of 4 of web +openssl 3\.0\.11 to 3\.0\.14$/m);
  assert.match(stdout, /^\d{4}-\S+ \S+ +web-4 +\/etc\/nginx\/nginx\.conf.*$/m);
  assert.match(stdout, /^\d{4}-\S+ \S+ +web-1, web-2 +booted$/m);
  assert.match(stdout, /^3 changes since \d{4}-\S+ \S+\. Times are \S+\.$/m);
  assert.match(await said('changes', 'db'), /^No change is known since \d{4}-\S+ \S+\. Times are \S+\.$/m);
  assert.doesNotMatch(await said('changes', 'web', '--kind', 'file'), /openssl/);
});

test('changes --have counts the versions of a package', async (t) => {
  const { said, json, run } = await changedFolder(t);
  const stdout = await said('changes', '--have', 'openssl');
  assert.match(stdout, /^3\.0\.14 +amd64 +3 +web-1, web-2, web-3$/m);
  assert.match(stdout, /^3\.0\.11 +amd64 +2 +db, web-4$/m);
  assert.match(stdout, /^5 of 5 clients whose packages are known have openssl\.$/m);
  const { have, known, versions } = await json('changes', 'web', '--have', 'openssl');
  assert.deepEqual([have, known, (versions as readonly unknown[]).length], ['openssl', 4, 2]);
  assert.match(
    await said('changes', '--have', 'no-such'),
    /^None of 5 clients whose packages are known has no-such\.$/m,
  );
  assert.match((await run('changes', '--kind', 'colour')).stderr, /"colour" is no kind/);
});

test('changes says that nothing is known before the first state', async (t) => {
  const { said } = await alertFolder(t, { config });
  assert.match(await said('changes', '--have', 'openssl'), /^The packages of no client are known yet;/m);
  assert.match(await said('changes'), /^No change is known since /m);
});

test('changes --have refuses an empty name and options that are of changes', async (t) => {
  const { run } = await changedFolder(t);
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--have', ''], /'--have <package>' argument '' is invalid\. It is empty: /],
    [['--have', ' '], /argument ' ' is invalid\. It is empty: /],
    [['--have', 'openssl', '--since', '7d'], /'--have <package>' cannot be used with option '--since <time>'/],
    [['--have', 'openssl', '--kind', 'package'], /'--have <package>' cannot be used with option '--kind <kinds>'/],
  ];
  for (const [args, words] of cases) {
    const { status, stderr } = await run('changes', ...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, words);
  }
});
