// Second tier: each damage of a kept report.
/**
 * Nothing that is read from a client's folder ends a report: each file damaged, cut off, another program's or an older
 * agent's gives a good report that names this file.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { hangingChildren } from '../../../agent/live/network-mounts.ts';
import { collect } from '../../../agent/probes/collect.ts';
import { makeReport } from '../../../agent/spool/make-report.ts';
import { clientFolder, openVisit } from '../../../agent/spool/visit.ts';
import { readBootId } from '../../../agent/start/clock.ts';
import { parseReport } from '../../../src/report/parse-report.ts';
import type { Report } from '../../../src/report/report.ts';
import type { AgentRequest } from '../../../src/report/wire.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { keyPair } from '../../support/clients/agent-visit.ts';
import { isWide } from '../../support/long-tests.ts';
import { shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const bootId = readBootId();
const result = { name: 'own', format: 'nagios', exit: 0, why: null, output: 'kept', age_s: 0 };
const command = ['/bin/echo', 'run'];
/** The contents that this agent writes, by file. */
const whole: Readonly<Record<string, object>> = {
  'counters.json': { bootId: 'other', monotonicMs: 1, values: {}, before: null, visitedMs: null, dropped: 0 },
  'updates.json': { atMs: Date.now() - 60_000, state: 0, text: 'x', perfdata: 'total=0', seen: { a: 1 } },
  'checks.json': [{ bootId: 'other', atMs: 1, command, result }],
  'checks-running.json': [{ name: 'own', pid: 1, start: 1 }],
};

/** Returns damaged contents: no JSON, cut off, another program's, and with fields named or filled otherwise. */
function damaged(content: object): readonly string[] {
  const text = JSON.stringify(content);
  const [first] = Array.isArray(content) ? (content as readonly object[]) : [content];
  const wrapped = (one: object): string => JSON.stringify(Array.isArray(content) ? [one] : one);
  const needed = Object.keys(first ?? {}).filter((name) => !['before', 'visitedMs', 'dropped'].includes(name));
  const withoutEach = needed.flatMap((name) => {
    const value: unknown = Reflect.get(first ?? {}, name);
    const rest = Object.fromEntries(Object.entries(first ?? {}).filter(([other]) => other !== name));
    // A table of the probes' values may hold one of an unknown name.
    const odd = name === 'values' ? 7 : { odd: [value] };
    return [wrapped({ ...rest, $1c: value }), wrapped({ ...rest, [name]: odd })];
  });
  const fixed = ['', '{', 'null', '7', '"text"', '[null]', '\0\0\0', text.slice(0, text.length / 2), '{"atMs":1}'];
  return [...fixed, ...(isWide ? withoutEach : withoutEach.slice(0, 2)), wrapped({})];
}

/** Makes a visit's report in a folder with these files. */
async function reportIn(t: TestContext, files: Readonly<Record<string, string>>): Promise<Report> {
  const root = path.join(tempFolder(t), 'place');
  const request = {
    ...{ v: 1, kind: 'visit', run: randomUUID(), client: 'web-1', collector: 'c', marker: '', options: {} },
    ...{
      key: Buffer.from(keyPair.publicKey).toString('base64url'),
      deadlineMs: 3_600_000,
      maxFrames: 10,
      maxBytes: 1e6,
    },
    checks: [{ name: 'own', command, everySeconds: 300 }],
  } as const satisfies AgentRequest;
  mkdirSync(path.join(root, 'm/c', clientFolder('web-1')), { recursive: true, mode: 0o700 });
  const visit = openVisit(request, [root], { machine: 'm', collector: 'c' }, true);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(visit.dirs[0] ?? '', name), text);
  const sealed = await makeReport(request, visit, collect, bootId);
  assert.ok(!('code' in sealed), JSON.stringify(sealed));
  return parseReport(openReport(sealed, new Map([[keyPair.id, keyPair]])).plaintext);
}

const faultsOf = ({ worker_reports: workers }: Report): readonly (readonly [string, string])[] =>
  workers.flatMap(({ name, error }) => (error === null ? [] : [[name, error] as const]));

let ofMachine: ReadonlySet<string> | null = null;

/** Returns the faults of a report beside those that this machine has without any file. */
async function newFaults(t: TestContext, report: Report): Promise<ReturnType<typeof faultsOf>> {
  ofMachine ??= new Set(faultsOf(await reportIn(t, {})).map(([name]) => name));
  return faultsOf(report).filter(([name]) => ofMachine?.has(name) !== true);
}

test('files as this agent writes them are no fault', async (t) => {
  const files = Object.fromEntries(Object.entries(whole).map(([name, content]) => [name, JSON.stringify(content)]));
  const report = await reportIn(t, files);
  assert.deepEqual(await newFaults(t, report), []);
  // The machine may have checks of its own, of its arrays and services.
  const names = report.checks?.map(({ name }) => name) ?? [];
  assert.deepEqual(names.filter((name) => name === 'own' || name === 'updates').sort(), ['own', 'updates']);
});

/** The files that are damaged together: all of them, and with `isWide` each alone. */
const groups = [Object.keys(whole), ...(isWide ? Object.keys(whole).map((name) => [name]) : [])];
for (const names of groups) {
  test(`what cannot be read is named in a good report: ${names.join(', ')}`, async (t) => {
    const texts = names.map((name) => damaged(whole[name] ?? {}));
    for (const at of texts[0]?.keys() ?? []) {
      const files = Object.fromEntries(names.map((name, which) => [name, texts[which]?.[at] ?? '']));
      const report = await reportIn(t, files);
      const said = JSON.stringify(files);
      const [[worker, error] = [], ...others] = await newFaults(t, report);
      assert.deepEqual([worker, others], ['kept', []], said);
      const named = error?.replace('cannot be read: ', '').split(', ').sort();
      assert.deepEqual(named, [...names].sort(), said);
      const own = report.checks?.find((one) => one.name === 'own');
      // It ran: no other result is repeated, and the record of a hanging one counts for nothing.
      assert.ok(own?.age_s === 0 && own.why !== 'still hanging' && own.output !== 'kept', said);
    }
  });
}

test('texts that no agent has written are no fault, and cost no report', async (t) => {
  for (const text of ['', '\0*\n{', '-1 x\n'.repeat(1000)]) {
    const files = Object.fromEntries(['log', 'watch', 'looks', 'pools'].map((name) => [name, text]));
    const report = await reportIn(t, files);
    assert.deepEqual(await newFaults(t, report), [], JSON.stringify(text.slice(0, 9)));
  }
});

test('a memory of hanging mounts that cannot be read is named, and goes', (t) => {
  const dir = tempFolder(t);
  for (const text of damaged([{ pid: 1, start: 1, mounts: ['/b'] }])) {
    writeFileSync(path.join(dir, 'hanging-mounts.json'), text);
    const faults: string[] = [];
    assert.deepEqual([hangingChildren(dir, faults), faults], [[], ['hanging-mounts.json']], text);
    assert.deepEqual(hangingChildren(dir, faults), []);
    assert.equal(faults.length, 1);
  }
});

test('the shell agent: its report is good, and names notes that cannot be read', async (t) => {
  const agent = shellAgent(t);
  await agent.run();
  const file = (name: string): string => path.join(agent.place, name);
  const notes = readFileSync(file('notes'), 'utf8');
  const texts = [notes.slice(0, notes.length / 2), 'text', `${notes.split('\n')[0] ?? ''}\n{"counters":{"$1c":1}}\n`];
  for (const text of isWide ? texts : texts.slice(0, 1)) {
    writeFileSync(file('notes'), text);
    for (const name of ['asked', 'hanging', 'log', 'checks.shell', 'watch', 'looks', 'running'])
      writeFileSync(file(name), '\0*\n{');
    const { report } = await agent.run({ options: { logs: ['3 x'] } });
    assert.ok(report);
    const faults = faultsOf(report).filter(([worker]) => worker !== 'log');
    assert.deepEqual(faults, [['kept', 'cannot be read: notes']], text);
  }
  const { report } = await agent.run();
  assert.ok(report && faultsOf(report).length === 0);
});
