import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FleetError } from '../../../src/platform/errors/errors.ts';
import { selectClients } from '../../../src/config/clients/select-clients.ts';
import { load } from '../support/config-files.ts';
import { pluck } from '../../support/pluck.ts';

const fleet = `<group name="web"><client name="web-[1-3]" ip="web-[1-3]"/>
  <group name="edge"><client name="edge-1" ip="edge-1" was="old-edge"/></group></group>
  <group name="db"><client name="db-1" ip="db-1" state="retired"/></group><client ip="::1" port="2222"/>`;

test('clients by name, pattern and group, in the order of the file', () => {
  const config = load(fleet);
  const table: readonly {
    readonly names: readonly string[];
    readonly groups: readonly string[];
    readonly chosen: readonly string[];
  }[] = [
    { names: [], groups: [], chosen: ['web-1', 'web-2', 'web-3', 'edge-1', 'db-1', '[::1]:2222'] },
    { names: ['web-2', 'web-1'], groups: [], chosen: ['web-1', 'web-2'] },
    { names: ['web-*'], groups: [], chosen: ['web-1', 'web-2', 'web-3'] },
    { names: ['web-*,!web-2'], groups: [], chosen: ['web-1', 'web-3'] },
    { names: ['!*-1'], groups: [], chosen: ['web-2', 'web-3', '[::1]:2222'] },
    { names: ['[::1]:2222'], groups: [], chosen: ['[::1]:2222'] },
    { names: [], groups: ['web'], chosen: ['web-1', 'web-2', 'web-3', 'edge-1'] },
    { names: [], groups: ['e*'], chosen: ['edge-1'] },
    { names: ['db-1'], groups: ['edge'], chosen: ['edge-1', 'db-1'] },
  ];
  for (const { names, groups, chosen } of table) {
    assert.deepEqual(pluck(selectClients(config, { names, groups }), 'name'), chosen, [...names, ...groups].join(' '));
  }
});

test('what fits nothing is refused with the nearest right one', () => {
  const config = load(fleet);
  const refused = (names: readonly string[], groups: readonly string[] = []): string => {
    try {
      selectClients(config, { names, groups });
    } catch (thrown) {
      assert.ok(thrown instanceof FleetError && thrown.code === 'usage' && thrown.exitStatus === 2);
      return thrown.message;
    }
    return 'taken';
  };
  assert.equal(refused(['web-1', 'wbe-2']), 'there is no client "wbe-2"; did you mean "web-2"?');
  assert.equal(refused(['nothing-like-it']), 'there is no client "nothing-like-it"');
  assert.equal(refused(['old-edge']), 'there is no client "old-edge"; it is called "edge-1" now');
  assert.equal(refused(['mail-*']), 'no client matches "mail-*"');
  assert.equal(refused([], ['wbe']), 'there is no group "wbe"; did you mean "web"?');
  assert.equal(refused([], ['x*']), 'no group matches "x*"');
});
