// Second tier: stops an agent at each of its system calls
/**
 * Injects a full disk, an exceeded quota or a loss of power at each change that one run makes to a file. No earlier
 * file may be lost. The new report must be kept or the failure reported. The next visit must find a valid state. The
 * short version injects one fault at each change and every partial fault at each write; the long version injects every
 * fault at each change.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import {
  bundles,
  filesBelow,
  keep,
  ownMachine,
  type OwnMachine,
  type Visited,
} from '../support/clients/agent-visit.ts';
import { isLong } from '../support/long-tests.ts';

interface FaultyNode {
  /** The path, to be configured as the client's node. */
  readonly path: string;
  /** Sets the number of the change that fails, from 1; 0 for none. With `half` half of the data is written before. */
  readonly arm: (at: number, how: 'ENOSPC' | 'EDQUOT' | 'EIO' | 'SIGKILL', half?: boolean) => void;
  /** The changes that the last process made, by the names of node:fs. */
  readonly changes: () => readonly string[];
}

// Runs on the client, before the agent. Its own calls use the original functions. Descriptor 3 takes the version.
const preload = `
const fs = require('fs');
const real = { ...fs };
const [at, how, half] = real.readFileSync(__dirname + '/fault', 'utf8').split(' ');
const changes = [];
for (const name of ['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'symlinkSync', 'mkdirSync', 'unlinkSync']) {
  fs[name] = (...args) => {
    const isChange = name === 'openSync' ? args[1] === 'wx' : name === 'writeSync' ? args[0] > 3 : true;
    if (!isChange) return real[name](...args);
    changes.push(name);
    real.writeFileSync(__dirname + '/changes', changes.join(' '));
    if (changes.length !== Number(at)) return real[name](...args);
    if (half === 'half' && name === 'writeSync') real.writeSync(args[0], args[1].subarray(0, args[1].length / 2));
    if (how === 'SIGKILL') process.kill(process.pid, 'SIGKILL');
    throw Object.assign(new Error(how + ': made to fail, ' + name), { code: how });
  };
}
`;

/** Makes the node in a folder of the client that the agent does not use. */
function faultyNode(dir: string): FaultyNode {
  writeFileSync(path.join(dir, 'preload.cjs'), preload);
  const file = path.join(dir, 'node');
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' --require '${dir}/preload.cjs' "$@"\n`, { mode: 0o755 });
  const arm: FaultyNode['arm'] = (at, how, half = false) => {
    writeFileSync(path.join(dir, 'fault'), `${at} ${how} ${half ? 'half' : 'none'}`);
    writeFileSync(path.join(dir, 'changes'), '');
  };
  arm(0, 'EIO');
  return { path: file, arm, changes: () => readFileSync(path.join(dir, 'changes'), 'utf8').split(' ').filter(Boolean) };
}

interface Fault {
  readonly how: 'ENOSPC' | 'EDQUOT' | 'SIGKILL';
  /** True if half of a write is done before the fault. */
  readonly half: boolean;
}

const wholeFaults: readonly Fault[] = [
  { how: 'ENOSPC', half: false },
  { how: 'SIGKILL', half: false },
];
const partialFaults: readonly Fault[] = [
  { how: 'EDQUOT', half: true },
  { how: 'SIGKILL', half: true },
];

/** Returns the faults to inject at one change, counted from 1. */
function faultsAt(at: number, change: string | undefined): readonly Fault[] {
  if (isLong) return [...wholeFaults, ...partialFaults];
  // A partial write is the most important fault, so every write is interrupted halfway.
  return change === 'writeSync' ? partialFaults : wholeFaults.slice(at % 2, (at % 2) + 1);
}

const beginnings = [
  'a place that is there, and an agent that is not',
  'no place yet',
  'everything in its place',
] as const;

interface Prepared {
  readonly visit: OwnMachine['visit'];
  readonly node: FaultyNode;
  /** The ids of the reports that wait on the machine. */
  readonly spooled: readonly string[];
  /** Makes the files of the beginning anew. */
  readonly restore: () => void;
  /** Returns the agent's files. */
  readonly files: () => readonly string[];
}

const idsOf = ({ received }: Visited): string[] => received.map(({ header }) => header.reportId);

/** Makes a machine whose files can be made anew as often as there are faults. */
async function prepare(t: TestContext, beginning: (typeof beginnings)[number]): Promise<Prepared> {
  const made = ownMachine(t);
  const { home, collectorId, visit } = made;
  const dir = path.join(home, 'bin');
  mkdirSync(dir);
  const state = path.join(home, '.local');
  const other = ['/var/tmp', '/dev/shm'].map((root) => path.join(root, `fleet-health-${process.getuid?.() ?? 0}`));
  const others = (): string[] =>
    other.flatMap((root) =>
      existsSync(root) ? readdirSync(root).map((machine) => path.join(root, machine, collectorId)) : [],
    );
  const before = await visit({ onReport: keep });
  if (beginning === 'everything in its place') await visit({ onReport: keep });
  const spooled = beginning === 'no place yet' ? [] : made.spool().map((name) => name.slice(14, -4));
  const template = path.join(home, 'template');
  if (beginning === 'a place that is there, and an agent that is not') {
    rmSync(path.join(path.dirname(made.clientDir()), `${bundles.agent.digest}.t.cjs`));
  }
  cpSync(state, template, { recursive: true });
  assert.equal(idsOf(before).length, 1);
  return {
    visit,
    node: faultyNode(dir),
    spooled,
    restore: () => {
      for (const folder of [state, ...others()]) rmSync(folder, { recursive: true, force: true });
      if (beginning !== 'no place yet') cpSync(template, state, { recursive: true });
    },
    files: () => [state, ...others()].flatMap((folder) => (existsSync(folder) ? filesBelow(folder) : [])),
  };
}

/** Returns the changes that a visit without a fault makes to files. */
async function changesOf({ visit, node, restore }: Prepared): Promise<readonly string[]> {
  restore();
  node.arm(0, 'EIO');
  assert.equal((await visit({ node: node.path, onReport: keep })).result.fault, null);
  return node.changes();
}

/** Injects a fault at one change and asserts what the next visit finds. */
async function assertSurvives(prepared: Prepared, at: number, change: string | undefined, fault: Fault): Promise<void> {
  const { visit, node, spooled, restore, files } = prepared;
  const which = `${fault.how}${fault.half ? ' after half of it' : ''} at ${at}: ${change ?? ''}`;
  restore();
  node.arm(at, fault.how, fault.half);
  const faulty = await visit({ node: node.path, onReport: keep });
  assert.equal(node.changes()[at - 1], change, which);
  if (fault.how !== 'SIGKILL') {
    assert.equal(faulty.result.fault, null, which);
    assert.equal(faulty.reports.length, 1 + spooled.length, which);
  }
  const isKept = faulty.result.end?.spool_error === null;

  const next = await visit();
  assert.equal(next.result.fault, null, which);
  const home = new Set(idsOf(next));
  for (const id of spooled) assert.ok(home.has(id), `${which}: what was there before is lost`);
  // The report of this run comes first; earlier reports follow.
  const [own] = idsOf(faulty);
  if (isKept && own !== undefined) assert.ok(home.has(own), `${which}: what was said to be kept is lost`);
  assert.equal(next.result.end?.dropped, undefined, which);
  assert.equal(next.reports.length, next.received.length, `${which}: something is half`);

  // Only the files of an ordinary run are left.
  const strange = files().filter((file) => !/(?:\.t\.cjs|\/counters\.json)$/.test(file));
  assert.deepEqual(strange, [], which);
}

for (const beginning of beginnings) {
  test(`each change to a file, from ${beginning}`, async (t) => {
    const prepared = await prepare(t, beginning);
    const changes = await changesOf(prepared);
    assert.ok(changes.length > 6, changes.join(' '));
    // An empty home differs only in the creation of folders, so the instants after the last one are skipped.
    const last = beginning === 'no place yet' && !isLong ? changes.lastIndexOf('mkdirSync') + 1 : changes.length;
    for (let at = 1; at <= last; at += 1) {
      const change = changes[at - 1];
      for (const fault of faultsAt(at, change)) await assertSurvives(prepared, at, change, fault);
    }
  });
}
