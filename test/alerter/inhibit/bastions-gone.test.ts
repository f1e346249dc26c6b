/** The machines on the route to a client, which the alerter reads from config.xml alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBastions } from '../../../src/alerter/inhibit/bastions-gone.ts';
import { load } from '../../config/support/config-files.ts';

const ways: readonly (readonly [proxyJump: string, way: readonly string[]])[] = [
  ['fra', ['fra']],
  ['ams', ['fra', 'ams']],
  ['fra, ams', ['fra', 'ams']],
  // If proxyJump has several jumps, only the proxyJump of the first bastion counts.
  ['ams,rack', ['fra', 'ams', 'rack']],
  ['gate', ['fra', 'gate']],
  ['root@gate:23', ['root@gate:23']],
];
for (const [proxyJump, way] of ways) {
  test(`the way of proxyJump="${proxyJump}"`, () => {
    const config =
      load(`<ssh username="u"/><bastion name="fra" ip="192.0.2.1"/><bastion name="ams" ip="192.0.2.2" proxyJump="fra"/>
       <bastion name="rack" ip="192.0.2.3" proxyJump="elsewhere.example.org"/>
       <client name="gate" ip="192.0.2.4" proxyJump="fra"/><client name="web" ip="10.0.0.1" proxyJump="${proxyJump}"/>`);
    // Without alerts no bastion is down, but the routes are known.
    assert.deepEqual(openBastions(config, []).routeTo('web'), way);
  });
}
