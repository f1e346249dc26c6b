// Second tier: stops an agent at each of its system calls
/**
 * Injects a full disk, an exceeded quota or a loss of power at each change that one run makes to a file. No earlier
 * file may be lost. The new report must be kept or the failure reported. The next visit must find a valid state. The
 * short version injects one fault at each change and every partial fault at each write; the long version injects every
 * fault at each change.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { bundles, filesBelow, keep, ownMachine, type Visited } from '../support/agent-visit.ts';
import { faultyNode } from '../support/faulty-node.ts';
import { isLong } from '../support/long-tests.ts';

const ways = [
  ['ENOSPC', false],
  ['SIGKILL', false],
  ['EDQUOT', true],
  ['SIGKILL', true],
] as const;

const idsOf = ({ received }: Visited): string[] => received.map(({ header }) => header.reportId);

for (const what of [
  'a place that is there, and an agent that is not',
  'no place yet',
  'everything in its place',
] as const) {
  test(`each change to a file, from ${what}`, async (t) => {
    const made = ownMachine(t);
    const { home, collectorId, visit } = made;
    const dir = path.join(home, 'bin');
    mkdirSync(dir);
    const node = faultyNode(dir);
    const state = path.join(home, '.local');
    const other = ['/var/tmp', '/dev/shm'].map((root) => path.join(root, `fleet-health-${process.getuid?.() ?? 0}`));
    const others = (): string[] =>
      other.flatMap((root) =>
        existsSync(root) ? readdirSync(root).map((machine) => path.join(root, machine, collectorId)) : [],
      );
    const before = await visit({ onReport: keep });
    if (what === 'everything in its place') await visit({ onReport: keep });
    const spooled = what === 'no place yet' ? [] : made.spool().map((name) => name.slice(14, -4));
    const template = path.join(home, 'template');
    if (what === 'a place that is there, and an agent that is not') {
      rmSync(path.join(path.dirname(made.clientDir()), `${bundles.agent.digest}.t.cjs`));
    }
    cpSync(state, template, { recursive: true });
    assert.equal(idsOf(before).length, 1);

    const restore = (): void => {
      for (const folder of [state, ...others()]) rmSync(folder, { recursive: true, force: true });
      if (what !== 'no place yet') cpSync(template, state, { recursive: true });
    };
    restore();
    node.arm(0, 'EIO');
    assert.equal((await visit({ node: node.path, onReport: keep })).result.fault, null);
    const changes = node.changes();
    assert.ok(changes.length > 6, changes.join(' '));
    // An empty home differs only in the creation of folders, so the instants after the last one are skipped.
    const last = what === 'no place yet' && !isLong ? changes.lastIndexOf('mkdirSync') + 1 : changes.length;

    for (let at = 1; at <= last; at += 1) {
      // A partial write is the most important fault, so every write is interrupted halfway.
      const short = changes[at - 1] === 'writeSync' ? ways.slice(2) : ways.slice(at % 2, (at % 2) + 1);
      for (const [how, half] of isLong ? ways : short) {
        const which = `${how}${half ? ' after half of it' : ''} at ${at}: ${changes[at - 1] ?? ''}`;
        restore();
        node.arm(at, how, half);
        const faulty = await visit({ node: node.path, onReport: keep });
        assert.equal(node.changes()[at - 1], changes[at - 1], which);
        const wasKilled = how === 'SIGKILL';
        if (!wasKilled) {
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
        const left = [state, ...others()].flatMap((folder) => (existsSync(folder) ? filesBelow(folder) : []));
        const strange = left.filter((file) => !/(?:\.t\.cjs|\/counters\.json)$/.test(file));
        assert.deepEqual(strange, [], which);
      }
    }
  });
}
