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
      'Group db: 3 of 4: one may be away; 2 away at once are alerts of their own: nobody hears group-short; ' +
        'each member that is away is told, also then, to oncall@example.org.',
      'Group all: all 4 active members are needed, so need does nothing.',
      'Group off: group-short is not enabled, so no alert is eased.',
    ],
  );
});

test('check says before any outage about whom somebody can be asked, and why nobody about the others', async (t) => {
  const content = `<config><alerts mail="${oncall}"/><collector neighbours="yes"/>
    <client name="db-[1-2]" ip="198.51.100.[11-12]" username="u"/>
    <client name="far-1" ip="203.0.113.201" username="u"/>
    <group name="edge"><client name="edge-[1-2]" ip="edge-[1-2].example.org" username="u"/></group>
    <group name="one"><client name="one-1" ip="one-1.example.org" username="u"/>
      <client name="off-1" ip="off-1.example.org" username="u" neighbours="no"/>
      <client name="rest-1" ip="rest-1.example.org" username="u" state="paused"/></group>
    <client name="nat-1" ip="100.64.9.1" port="2201" username="u"/>
    <client name="nat-2" ip="100.64.9.1" port="2202" username="u"/>
    <client name="tun-1" ip="127.0.0.9" username="u"/>
    <client name="sys-1" ip="198.51.100.13" username="u" transport="openssh"/>
    <bastion name="gate" ip="198.51.100.9" username="u"/>
    <client name="in-1" ip="198.51.100.14" username="u" proxyJump="gate"/></config>`;
  const dir = configFolder(t, content);
  const stdout = await succeeded(runCli(['check'], { cwd: dir }));
  const nobody = 'no other client with neighbours="yes" has its subnet or its group behind the same bastions';
  assert.deepEqual(
    stdout.split('\n').filter((line) => /^(?:Seen from beside|Nobody can)/.test(line)),
    [
      'Seen from beside: others can be asked about 4 of 11 clients that are lost.',
      `Nobody can be asked about far-1, one-1, in-1: ${nobody}.`,
      'Nobody can be asked about nat-1, nat-2: several clients have its address.',
      'Nobody can be asked about tun-1: its address is a machine of its own for each that dials it, ' +
        'such as 127.0.0.1, or one of this machine.',
      'Nobody can be asked about sys-1: OpenSSH alone knows its address.',
    ],
  );
  const { neighbours } = JSON.parse((await runCli(['--json', 'check'], { cwd: dir })).stdout) as {
    neighbours: { asked_about: number; not_asked_about: { reason: string; clients: string[] }[] };
  };
  assert.deepEqual([neighbours.asked_about, neighbours.not_asked_about.length], [4, 4]);
});
