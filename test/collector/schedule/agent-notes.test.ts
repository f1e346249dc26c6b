import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createAgentNotes } from '../../../src/collector/schedule/agent-notes.ts';
import type { AgentResult } from '../../../src/collector/agent/agent-stream.ts';

const hello = { v: 1, agent: '1', wall_ms: 0, monotonic_ms: 0, boot_id: null, receivedAtMs: 0, offsetMs: 0 };
const end = { left: 0, place: '/home/x', spool_error: null };
const counts = { reports: 1, acknowledged: 1, uploaded: false };
const well: AgentResult = { ...counts, hello, end, reader: 'node', fault: null };
const endWith = (more: object): AgentResult => ({ ...well, end: { ...end, ...more } });
const pinned = (digest: string): AgentResult => ({ ...well, hello: { ...hello, pinned: digest } });
const outdated = 'the agent of another version under a restricted key; see fleet-health authorize';
const unrun =
  'no <check> of config.xml, for the key is restricted; fleet-health check names the lines for conf files there';

interface Seen {
  readonly client: string;
  readonly result: AgentResult;
  /** True if config.xml has checks for the client. */
  readonly hasChecks?: boolean;
}

interface Case {
  readonly what: string;
  readonly seen: readonly Seen[];
  readonly lines: readonly string[];
}

for (const { what, seen, lines } of [
  { what: 'nothing', seen: [], lines: [] },
  { what: 'all is well', seen: [{ client: 'a', result: well }], lines: [] },
  {
    what: 'no agent answered',
    seen: [{ client: 'a', result: { ...well, hello: null, end: null, reader: null } }],
    lines: [],
  },
  { what: 'a pinned agent of this version', seen: [{ client: 'a', result: pinned('mine') }], lines: [] },
  { what: 'one of another', seen: [{ client: 'a', result: pinned('old') }], lines: [`a runs ${outdated}`] },
  {
    what: 'a pinned shell agent of this version',
    seen: [{ client: 'a', result: { ...pinned('my shell'), reader: 'shell' } }],
    lines: [],
  },
  {
    what: 'one of another',
    seen: [{ client: 'a', result: { ...pinned('mine'), reader: 'shell' } }],
    lines: [`a runs ${outdated}`],
  },
  {
    what: 'the same client twice',
    seen: ['a', 'a'].map((client) => ({ client, result: pinned('old') })),
    lines: [`a runs ${outdated}`],
  },
  {
    what: 'many, in the order of their names',
    seen: ['g', 'f', 'e', 'd', 'c', 'b', 'a'].map((client) => ({ client, result: pinned('old') })),
    lines: [`a, b, c, d, e and 2 more run ${outdated}`],
  },
  {
    what: 'no place',
    seen: [{ client: 'a', result: endWith({ place: null, spool_error: '/x belongs to user 0' }) }],
    lines: ['a cannot keep what the agent needs to; /x belongs to user 0'],
  },
  {
    what: 'a report that could not be kept, and what a hostile client says of it',
    seen: [
      { client: 'b', result: endWith({ spool_error: 'ENOSPC\u001b[2J\nroot' }) },
      { client: 'a', result: endWith({ place: null }) },
    ],
    lines: ['a, b cannot keep what the agent needs to; b: ENOSPC [2J root'],
  },
  {
    what: 'reports that waited and are gone',
    seen: [
      { client: 'b', result: endWith({ dropped: 2 }) },
      { client: 'a', result: endWith({ dropped: 5 }) },
      { client: 'c', result: endWith({ dropped: 0 }) },
    ],
    lines: ['a, b lost 7 reports that waited there: damaged, or too many or too old to be kept'],
  },
  { what: 'an unrestricted key with checks', seen: [{ client: 'a', result: well, hasChecks: true }], lines: [] },
  {
    what: 'a restricted key with checks of config.xml',
    seen: [{ client: 'a', result: pinned('mine'), hasChecks: true }],
    lines: [`a runs ${unrun}`],
  },
  {
    what: 'several',
    seen: ['b', 'a'].map((client) => ({ client, result: pinned('mine'), hasChecks: true })),
    lines: [`a, b run ${unrun}`],
  },
  {
    what: 'the shell agent, which keeps no reports',
    seen: [{ client: 'a', result: { ...endWith({ spool_error: 'none' }), reader: 'shell' } }],
    lines: [],
  },
] as readonly Case[]) {
  test(`notes: ${what}`, () => {
    const notes = createAgentNotes({ node: 'mine', shell: 'my shell' });
    for (const { client, result, hasChecks } of seen) notes.saw(client, result, hasChecks);
    assert.deepEqual(notes.lines(), lines);
  });
}
