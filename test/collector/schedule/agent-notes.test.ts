import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createAgentNotes } from '../../../src/collector/schedule/agent-notes.ts';
import type { AgentResult } from '../../../src/collector/agent/agent-session.ts';

const hello = { v: 1, agent: '1', wall_ms: 0, monotonic_ms: 0, boot_id: null, receivedAtMs: 0, offsetMs: 0 };
const end = { left: 0, place: '/home/x', spool_error: null };
const counts = { reports: 1, acknowledged: 1, uploaded: false };
const well: AgentResult = { ...counts, hello, end, reader: 'node', platform: null, fault: null };
const endWith = (more: object): AgentResult => ({ ...well, end: { ...end, ...more } });
const pinned = (digest: string): AgentResult => ({ ...well, hello: { ...hello, pinned: digest } });
const outdated = 'the agent of another version under a restricted key; see fleet-health authorize';
const unrun =
  'no <check> of config.xml, for the key is restricted; fleet-health check names the lines for conf files there';

for (const [what, seen, lines] of [
  ['nothing', [], []],
  ['all is well', [['a', well]], []],
  ['no agent answered', [['a', { ...well, hello: null, end: null, reader: null }]], []],
  ['a pinned agent of this version', [['a', pinned('mine')]], []],
  ['one of another', [['a', pinned('old')]], [`a runs ${outdated}`]],
  ['a pinned shell agent of this version', [['a', { ...pinned('my shell'), reader: 'shell' }]], []],
  ['one of another', [['a', { ...pinned('mine'), reader: 'shell' }]], [`a runs ${outdated}`]],
  ['the same client twice', ['a', 'a'].map((client) => [client, pinned('old')] as const), [`a runs ${outdated}`]],
  [
    'many, in the order of their names',
    ['g', 'f', 'e', 'd', 'c', 'b', 'a'].map((client) => [client, pinned('old')] as const),
    [`a, b, c, d, e and 2 more run ${outdated}`],
  ],
  [
    'no place',
    [['a', endWith({ place: null, spool_error: '/x belongs to user 0' })]],
    ['a cannot keep what the agent needs to; /x belongs to user 0'],
  ],
  [
    'a report that could not be kept, and what a hostile client says of it',
    Object.entries({ b: endWith({ spool_error: 'ENOSPC\u001b[2J\nroot' }), a: endWith({ place: null }) }),
    ['a, b cannot keep what the agent needs to; b: ENOSPC [2J root'],
  ],
  [
    'reports that waited and are gone',
    Object.entries({ b: endWith({ dropped: 2 }), a: endWith({ dropped: 5 }), c: endWith({ dropped: 0 }) }),
    ['a, b lost 7 reports that waited there: damaged, or too many or too old to be kept'],
  ],
  ['an unrestricted key with checks', [['a', well, true]], []],
  ['a restricted key with checks of config.xml', [['a', pinned('mine'), true]], [`a runs ${unrun}`]],
  ['several', ['b', 'a'].map((client) => [client, pinned('mine'), true] as const), [`a, b run ${unrun}`]],
  ['the shell agent, which keeps no reports', [['a', { ...endWith({ spool_error: 'none' }), reader: 'shell' }]], []],
] as readonly (readonly [string, readonly (readonly [string, AgentResult, boolean?])[], readonly string[]])[]) {
  test(`notes: ${what}`, () => {
    const notes = createAgentNotes({ node: 'mine', shell: 'my shell' });
    for (const [client, result, asksChecks] of seen) notes.saw(client, result, asksChecks);
    assert.deepEqual(notes.lines(), lines);
  });
}
