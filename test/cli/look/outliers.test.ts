import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { item, worker } from '../../storage/support/samples.ts';
import { configFolder, exits, runCli } from '../../support/programs/run-cli.ts';
import { times } from '../../support/times.ts';
import { type AlertFolder, alertFolder } from '../support/stored-alerts.ts';

const config = '<config><group name="web"><client name="web-[1-6]" ip="web-[1-6].example.org"/></group></config>';
const hostile = '/data\u001b[31m';

/** Returns a report of the last hour. `web-6` has a high CPU usage and lacks a mount. */
function report(client: string, ago: number): IngestItem {
  const isOdd = client === 'web-6';
  const disk = (mount: string) => ({ mount, fstype: 'ext4', scope: 'local', mode: 'rw', used_percent: 40 });
  const mounts = isOdd ? [disk('/')] : [disk('/'), disk(hostile)];
  const workers = [worker('cpu', { used_percent: isOdd ? 95.25 : 10 }), worker('disk', ...mounts)];
  return item({ client, observedAtMs: Date.now() - ago * 300_000, workers });
}

async function outliersFolder(t: TestContext): Promise<AlertFolder> {
  const folder = await alertFolder(t, { config });
  await folder.store(async ({ reports }) => {
    for (const name of times(6, (index) => `web-${index + 1}`)) {
      await reports.ingest(times(12, (ago) => report(name, ago)));
    }
  });
  return folder;
}

test('outliers prints who differs from the others of its group, and escapes what a client says', async (t) => {
  const { said } = await outliersFolder(t);
  const stdout = await said('outliers');
  assert.match(stdout, /^group +client +what +value +median +score +reports\n/);
  assert.match(stdout, /^web +web-6 +CPU +95.3 % +10 % +57.5 +12 of 12$/m);
  assert.match(stdout, /^web: 1 of 6 lacks mount \/data\\u\{1b\}\[31m: web-6$/m);
  assert.match(stdout, /^6 clients in 1 group were compared\.$/m);
  assert.equal(await said('outliers', 'w*'), stdout);
});

test('outliers --json has the figures and the kinds', async (t) => {
  const { json } = await outliersFolder(t);
  assert.deepEqual(await json('outliers'), {
    command: 'outliers',
    groups: [{ group: 'web', clients: 6 }],
    outliers: [
      {
        ...{ group: 'web', client: 'web-6', metric: 'cpu', subject: '', value: 95.25, median: 10 },
        ...{ score: 57.5, rows: 12, of: 12 },
      },
    ],
    kinds: [{ group: 'web', fact: 'mount', usual: hostile, value: null, members: 6, clients: ['web-6'] }],
  });
});

test('outliers says that nobody differs, and that there is nothing to compare', async (t) => {
  const { said } = await alertFolder(t, { config });
  assert.equal(await said('outliers'), 'None of 6 clients in 1 group differs from the others.\n');
  const alone = configFolder(t, '<config><client name="a" ip="192.0.2.1"/></config>');
  const nothing = 'No group has five active clients: there is nothing to compare.\n';
  assert.deepEqual(await runCli(['outliers'], { cwd: alone }), { status: 0, stdout: nothing, stderr: '' });
  await exits(2, runCli(['outliers', 'wbe'], { cwd: configFolder(t, config) }), /there is no group "wbe"/);
});
