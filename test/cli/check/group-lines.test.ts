import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { GroupMembers } from '../../../src/cli/check/alert-recipients.ts';
import { groupLines } from '../../../src/cli/check/print-recipients.ts';
import { configFolder, runCli, succeeded } from '../../support/programs/run-cli.ts';
import { makeConfig } from '../../support/fleets/fleet.ts';

const oncall = 'oncall@example.org';
const web: GroupMembers = {
  ...{ group: 'web', members: 8, needed: 6, serving: 8, state: 'enough' },
  ...{ lost: [], unknown: [], recipients: [oncall], member_recipients: [] },
};

const lines: readonly (readonly [what: string, group: Partial<GroupMembers>, line: string])[] = [
  ['all serve', {}, 'two may be away, 8 serve now; 3 away at once are told to oncall@example.org.'],
  ['never visited', { serving: null, state: null }, 'two may be away; 3 away at once are told to oncall@example.org.'],
  [
    'some are away, of one nothing is known',
    { serving: 5, state: 'unclear', lost: ['web-1', 'web-2'], unknown: ['web-3'] },
    `two may be away, 5 to 6 serve now (away: web-1, web-2) (unknown: web-3); 3 away at once are told to ${oncall}.`,
  ],
  [
    'enough, of one nothing is known',
    { serving: 7, unknown: ['web-3'] },
    `two may be away, at least 7 serve now (unknown: web-3); 3 away at once are told to ${oncall}.`,
  ],
  [
    'too few, of one nothing is known',
    { serving: 4, state: 'short', lost: ['web-1', 'web-2', 'web-4'], unknown: ['web-3'] },
    `two may be away, at most 5 serve now (away: web-1, web-2, web-4) (unknown: web-3); 3 away at once are told to ${oncall}.`,
  ],
  [
    'some hear of members alone',
    { member_recipients: ['web3@example.org'] },
    `two may be away, 8 serve now; 3 away at once are told to ${oncall}; each member that is away is told, also then, to web3@example.org.`,
  ],
  [
    'several hear',
    { recipients: [oncall, 'b'] },
    `two may be away, 8 serve now; 3 away at once are told to ${oncall}, b.`,
  ],
  [
    'nobody hears',
    { recipients: [] },
    'two may be away, 8 serve now; 3 away at once are alerts of their own: nobody hears group-short.',
  ],
];

for (const [what, group, line] of lines) {
  test(`check says of a group: ${what}`, () => {
    assert.deepEqual(groupLines(makeConfig('/nonexistent', []), [{ ...web, ...group }]), [
      `Group web: 6 of 8: ${line}`,
    ]);
  });
}

test('check names who hears of a group, and each group whose need does nothing', async (t) => {
  const clients = (name: string): string =>
    `<client name="${name}-[1-4]" ip="${name}-[1-4].example.org" username="u"/>`;
  const quiet = '<alert name="group-short" mail="none"/>';
  const content = `<config><alerts mail="${oncall}">
    <mail to="web@example.org" clients="web-*"/><mail to="one@example.org" clients="web-1"/></alerts>
    <group name="web" need="3">${clients('web')}</group>
    <group name="db" need="3">${quiet}${clients('db')}</group>
    <group name="all" need="4">${clients('all')}</group>
    <group name="off" need="3"><alert name="group-short" enabled="no"/>${clients('off')}</group></config>`;
  const stdout = await succeeded(runCli(['check'], { cwd: configFolder(t, content) }));
  assert.deepEqual(
    stdout.split('\n').filter((line) => line.startsWith('Group ')),
    [
      `Group web: 3 of 4: one may be away; 2 away at once are told to ${oncall}, web@example.org; ` +
        'each member that is away is told, also then, to one@example.org.',
      'Group db: 3 of 4: one may be away; 2 away at once are alerts of their own: nobody hears group-short; each member that is away is told, also then, to oncall@example.org.',
      'Group all: all 4 active members are needed, so need does nothing.',
      'Group off: group-short is not enabled, so no alert is eased.',
    ],
  );
});
