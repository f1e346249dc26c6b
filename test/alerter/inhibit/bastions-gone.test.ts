/** The machines on the route to a client as the alerter sees them: it reads config.xml alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openBastions } from '../../../src/alerter/inhibit/bastions-gone.ts';
import { load } from '../../config/support/config-files.ts';

const ways: readonly (readonly [proxyJump: string, way: readonly string[]])[] = [
  ['fra', ['fra']],
  ['ams', ['fra', 'ams']],
  ['fra, ams', ['fra', 'ams']],
  // The proxyJump of a bastion itself counts only for the first of several jumps.
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
    // With no alerts nothing is lost, but the ways are known.
    assert.deepEqual(openBastions(config, []).routeTo('web'), way);
  });
}
