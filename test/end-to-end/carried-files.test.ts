// Second tier: a whole site, and a collector that rsync brings its files to.
/** A site whose files rsync carries: a file is in the inbox of the other collector before rsync removes it here. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { siteId } from '../../src/state-folder/collector-id.ts';
import { forwardingSite } from '../support/fleets/forwarding-site.ts';
import { succeeded } from '../support/programs/run-cli.ts';

const hasRsync = spawnSync('rsync', ['--version']).status === 0;
const skip = hasRsync ? false : 'there is no rsync here (apt-get install rsync)';

test(
  'rsync carries the files of a site, and what it carries twice is stored once',
  { skip, timeout: 120_000 },
  async (t) => {
    const { hq, site } = await forwardingSite(t);
    writeFileSync(
      path.join(site.dir, 'config.xml'),
      '<config><collector open="no"><forward key="fra.json"/></collector>' +
        '<client name="web-1" transport="local"/></config>',
      { mode: 0o600 },
    );
    assert.match(await succeeded(site.run('check')), /collect forwards reports sealed/);
    const state = path.join(site.dir, 'state');
    const target = path.join(hq.dir, 'state', 'inbox', 'site-fra');
    mkdirSync(target, { recursive: true, mode: 0o700 });
    const carry = (...removes: readonly string[]): void => {
      // The words of docs/collectors.md.
      const kinds = ['--no-links', '--no-devices', '--no-specials'];
      const words = ['-rt', ...kinds, '--chmod=D700,F600', '--exclude=.*', '--exclude=quarantine'];
      execFileSync('rsync', [...words, ...removes, `${state}/encrypted_stats/`, `${state}/inbox/`, `${target}/`]);
    };
    for (const round of [1, 2]) {
      assert.match(await succeeded(site.run('collect')), /\d reports? waits? to be carried|reports/);
      assert.ok(site.waiting().length >= 3, `round ${round}: ${site.waiting().join()}`);
      carry();
      await succeeded(hq.run('collect'));
      carry('--remove-source-files');
      assert.deepEqual(site.waiting(), []);
      await succeeded(hq.run('collect'));
    }
    const runs = hq.rows(`SELECT outcome, clients, succeeded FROM runs WHERE collector_id = '${siteId('fra')}'`);
    // Two runs in one interval `every` are one, as far as the database knows.
    assert.deepEqual([...new Set(runs)], ['finished 1 1']);
    assert.deepEqual(hq.rows('SELECT COUNT(*), COUNT(DISTINCT report_id) FROM stats'), ['2 2']);
    assert.deepEqual(hq.rows('SELECT client FROM inventory'), ['web-1']);
  },
);
