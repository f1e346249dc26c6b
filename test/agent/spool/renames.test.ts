/** A history with a rename in it equals the history without, but for the name: what a client's folder keeps moves. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openSource } from '../../../agent/live/live-source.ts';
import { readUpdates } from '../../../agent/probes/updates.ts';
import { readCounters, writeCounters } from '../../../agent/spool/counters-file.ts';
import { stampOf, watchName } from '../../../agent/spool/stamp.ts';
import { clientFolder, closeVisit, openVisit, type Visit } from '../../../agent/spool/visit.ts';
import { spoolScriptName, type AgentRequest } from '../../../src/report/wire.ts';
import { isWide } from '../../support/long-tests.ts';
import { rootWith, rowsOf, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const visits = 5;
const line = (at: number): string => `Jan  1 00:00:0${at} host kernel: Out of memory ${at}\n`;

interface Renaming {
  /** The machine's files, with a log. */
  readonly root: string;
  /** Opens the folders of the client at a visit: of the new name from the rename on. */
  readonly open: (at: number) => Visit;
  readonly dirOf: (client: string) => string;
}

function renaming(t: TestContext, renamedAt: number): Renaming {
  const dir = tempFolder(t);
  const place = path.join(dir, 'place');
  const open = (at: number): Visit => {
    const request = at < renamedAt ? { client: 'old' } : { client: 'new', was: 'old' };
    return openVisit(request as AgentRequest, [place], { machine: 'm', collector: 'c' }, true);
  };
  const dirOf = (client: string): string => path.join(place, 'm/c', clientFolder(client));
  return { root: rootWith(path.join(dir, 'root'), { 'var/log/syslog': '' }), open, dirOf };
}

/** Returns what each visit finds in the client's folder, with the lines of a log that came between two visits. */
async function history(t: TestContext, renamedAt: number): Promise<readonly unknown[]> {
  const { root, open, dirOf } = renaming(t, renamedAt);
  const found: unknown[] = [];
  for (let at = 0; at < visits; at += 1) {
    const visit = open(at);
    const [dir = ''] = visit.dirs;
    const source = openSource(root, dir);
    const told = await source.programs.log(['7 Out of memory'], () => 5000);
    const kept = ['checks.json', 'checks-running.json', 'hanging-mounts.json', 'pools', 'notes', 'asked'];
    found.push({
      lines: told.split('\n').filter((one) => /^(?:line|match|why)/.test(one)),
      counters: readCounters(visit.dirs)?.monotonicMs,
      pendingSince: readUpdates(source.notes)?.seen,
      stamp: stampOf(dir),
      kept: kept.map((name) => source.notes?.read(name)),
    });
    writeCounters(visit.dirs, { bootId: 'b', monotonicMs: at, values: {} });
    source.notes?.write(
      'updates.json',
      JSON.stringify({ atMs: at, state: 0, text: '', perfdata: '', seen: { a: at } }),
    );
    // A file that no other test changes.
    source.notes?.write(watchName, process.execPath);
    for (const name of kept) source.notes?.write(name, `${name} of visit ${at}`);
    closeVisit(visit);
    assert.deepEqual([existsSync(dirOf('old')), existsSync(dirOf('new'))], [at < renamedAt, at >= renamedAt]);
    appendFileSync(`${root}/var/log/syslog`, line(at));
  }
  return found;
}

test('a history with a rename anywhere equals the history without', async (t) => {
  const usual = await history(t, visits);
  assert.match(JSON.stringify(usual.at(-1)), /Out of memory 3/);
  for (let at = isWide ? 1 : visits - 2; at < visits; at += 1)
    assert.deepEqual(await history(t, at), usual, `at ${at}`);
});

test('the script of a crontab line stays where the line looks for it; folders and links move too', (t) => {
  const { open, dirOf } = renaming(t, 1);
  open(0);
  for (const name of [spoolScriptName, 'log', 'both']) writeFileSync(path.join(dirOf('old'), name), 'old');
  mkdirSync(path.join(dirOf('old'), 'checks/h1'), { recursive: true });
  symlinkSync('1-2-boot', path.join(dirOf('old'), 'running'));
  mkdirSync(dirOf('new'), { mode: 0o700 });
  writeFileSync(path.join(dirOf('new'), 'both'), 'newest');
  closeVisit(open(1));
  assert.deepEqual(readdirSync(dirOf('old')), [spoolScriptName]);
  assert.deepEqual(readdirSync(dirOf('new')).sort(), ['both', 'checks', 'log', 'running']);
  assert.equal(statSync(path.join(dirOf('new'), 'both')).size, 'newest'.length);
});

/** Returns the log rows that the shell agent reports at each visit, with the folder of the new name from a visit on. */
async function shellHistory(t: TestContext, renamedAt: number): Promise<readonly unknown[]> {
  const agent = shellAgent(t);
  const root = rootWith(tempFolder(t), { 'var/log/syslog': '', 'proc/uptime': '1000.00 1.00\n' });
  const found: unknown[] = [];
  const [old, renamed] = [clientFolder('old'), clientFolder('new')];
  for (let at = 0; at < 3; at += 1) {
    const folder = at < renamedAt ? { folder: old } : { folder: renamed, formerFolder: old };
    const { report } = await agent.run({ root, options: { logs: ['7 Out of memory'] }, ...folder });
    assert.ok(report);
    found.push({ log: rowsOf(report, 'log'), lines: rowsOf(report, 'log_line') });
    const folders = readdirSync(path.dirname(agent.place)).filter((name) => name.length === 32);
    assert.deepEqual(folders, [at < renamedAt ? old : renamed]);
    appendFileSync(`${root}/var/log/syslog`, line(at));
  }
  return found;
}

test('a rename is no gap in what the shell agent tells either', async (t) => {
  const usual = await shellHistory(t, 3);
  assert.match(JSON.stringify(usual.at(-1)), /Out of memory 1/);
  for (const at of isWide ? [1, 2] : [1]) assert.deepEqual(await shellHistory(t, at), usual, `at ${at}`);
});
