import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { unvisitedSites } from '../../../src/cli/check/unvisited-sites.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { SiteShare } from '../../../src/storage/store/share-store.ts';
import { configFolder } from '../../support/programs/run-cli.ts';

const configXml = (collector: string): string => `<config><storage url="mysql://fleet@127.0.0.1/fleet"/>
  <collector ${collector}/>
  <client name="web-1" labels="site=fra"/><client name="web-2"/>
  <group labels="site=fro"><client name="app-1"/><client name="app-2"/><client name="app-3"/><client name="app-4"/></group>
  <client name="far-1" labels="site=ber"/><client name="gone" labels="site=sin" state="retired"/></config>`;

test('a site of clients that no collector visits is named, where collectors share a fleet', async (t) => {
  const configOf = (collector: string) =>
    loadConfig({ file: path.join(configFolder(t, configXml(collector)), 'config.xml') });
  const known: SiteShare[] = [];
  const nowMs = Date.parse('2026-11-20T12:00:00Z');
  const shares = { sites: () => Promise.resolve(known), nowMs: () => Promise.resolve(nowMs) };
  const shared = configOf('share="yes" site="fra"');
  const mistyped =
    'label site="fro": no collector of that site has run, so nobody visits app-1, app-2, app-3 and 1 more; ' +
    'did you mean "fra"?';
  const unknown =
    'label site="ber": no collector of that site has run, so nobody visits far-1; ' +
    'correct the label, or start a collector with site="ber"';
  assert.deepEqual(await unvisitedSites(shared, shares), [mistyped, unknown]);
  /** Returns a site with two collectors: one ran `minutes` ago, the other a day earlier. */
  const seenBefore = (site: string, minutes: number): SiteShare => {
    const collectors = [24 * 60 + minutes, minutes].map((ago, index) => {
      return { id: `id-${index}`, host: `${site}-${index}`, seenAtMs: nowMs - ago * 60_000, slices: 128 };
    });
    return { site, slices: 256, cycle: 1, beganAtMs: 0, visited: 0, collectors };
  };
  known[0] = seenBefore('ber', 15);
  assert.deepEqual(await unvisitedSites(shared, shares), [mistyped]);
  known[0] = seenBefore('ber', 16);
  const silent =
    'label site="ber": no collector of that site has run since 2026-11-20T11:44:00.000Z (ber-1), ' +
    'so nobody visits far-1; look at cron there, or start another collector with site="ber"';
  assert.deepEqual(await unvisitedSites(shared, shares), [mistyped, silent]);
  known.push(seenBefore('fra', 60));
  const own = (await unvisitedSites(shared, shares)).find((warning) => warning.includes('label site="fra": no'));
  assert.match(own ?? '', /\(fra-1\), so nobody visits web-1; look/, 'web-2 has no label: any site visits it');
  assert.deepEqual(await unvisitedSites(configOf('every="5m"'), shares), []);
});
