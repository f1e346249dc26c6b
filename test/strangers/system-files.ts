/** Calendars of timers and fstab, beside systemd-analyze and findmnt. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { openSource } from '../../agent/live/live-source.ts';
import { disks } from '../../agent/probes/disks.ts';
import type { Probe, ProbeContext } from '../../agent/probes/probe.ts';
import { lateTimer } from '../../agent/probes/timers.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { filesIn, type Corpus } from './corpus.ts';
import { named, thrownWords, type Case, type Outcome, type Subject } from './subject.ts';

export const systemFiles: Subject = {
  name: 'system',
  packages: ['systemd', 'util-linux'],
  cases: async function* (corpora) {
    for (const corpus of named(corpora, 'systemd')) yield* ofCalendars(corpus);
    for (const corpus of corpora) {
      for (const file of filesIn(corpus.folder, /\/fstab[\w-]*(?:\.(?!c$|h$)\w+)?$/)) {
        yield await caseOfFstab(corpus, file);
      }
    }
  },
};

/** Compares the longest period of each calendar expression with the elapses that systemd-analyze computes. */
function* ofCalendars(corpus: Corpus): Generator<Case> {
  const source = readFileSync(path.join(corpus.folder, 'src/test/test-calendarspec.c'), 'utf8');
  const tests = Array.from(source.matchAll(/test_(?:one|next)\("((?:[^"\\]|\\.)*)"/g), ([, text = '']) => text);
  const units = filesIn(corpus.folder, /\.timer(?:\.in)?$/).flatMap((file) =>
    Array.from(readFileSync(file, 'utf8').matchAll(/^OnCalendar=(.*)$/gm), ([, text = '']) => text),
  );
  for (const written of new Set([...tests, ...units]))
    yield { corpus, name: `OnCalendar=${written}`, ...judgedCalendar(written) };
}

type Judged = { readonly outcome: Outcome; readonly words: string };

const elapses = 400;

function judgedCalendar(written: string): Judged {
  const args = ['calendar', `--iterations=${elapses}`, '--base-time=2026-01-01 00:00:00 UTC', written];
  const { status, stdout } = spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  const [, normalised = ''] = /Normalized form: (.*)$/m.exec(stdout) ?? [];
  if (status !== 0 || normalised === '') return { outcome: 'refused', words: 'systemd refuses it' };
  const times = Array.from(
    stdout.matchAll(/(?:elapse|Iter(?:ation|\.) ?#\d+): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)/gi),
    ([, time = '']) => Date.parse(`${time}Z`) / 1000,
  );
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time));
  const longest = Math.max(0, ...gaps);
  const period = periodOf(normalised);
  const words = `${normalised}: ${period === null ? 'unknown' : `${period} s`}, and ${longest} s there in ${times.length} elapses`;
  // An alert after two periods is false if the longest time between two elapses is longer.
  return { outcome: period === null ? 'refused' : 2 * period >= longest ? 'read' : 'wrong', words };
}

/** Returns half of the time after which a timer with this expression alone is late; null if it never is. */
function periodOf(normalised: string): number | null {
  const block = [
    ...[
      'Id=x.timer',
      'ActiveState=active',
      'SubState=waiting',
      'ActiveEnterTimestampMonotonic=1',
      'LastTriggerUSecMonotonic=1s',
    ],
    `TimersCalendar={ OnCalendar=${normalised} ; next_elapse=n/a }`,
  ].join('\n');
  const [check] = lateTimer(block, 1e12);
  const [, allowed] = /;(\d+)$/.exec(check?.perfdata ?? '') ?? [];
  return allowed === undefined ? null : Number(allowed) / 2;
}

async function rowsOf(
  probe: Probe,
  root: string,
  family: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const context: ProbeContext = {
    source: openSource(root),
    options: {},
    earlier: null,
    noRates: '',
    leftMs: () => 5000,
  };
  const { functions } = await probe.run(context);
  return functions.find(({ name }) => name === family)?.data ?? [];
}

function rootOf(files: Readonly<Record<string, string>>): string {
  const root = tempFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

/** Compares the mounts that a machine without any lacks with those that `findmnt --fstab` lists. */
async function caseOfFstab(corpus: Corpus, file: string): Promise<Case> {
  const placed = { corpus, name: path.relative(corpus.folder, file) };
  try {
    const text = readFileSync(file, 'utf8');
    const root = rootOf({ 'etc/fstab': text, 'proc/self/mountinfo': '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n' });
    const rows = await rowsOf(disks, root, 'disk');
    const ours = rows.filter(({ mode }) => mode === 'missing').map(({ mount }) => String(mount));
    const args = ['--fstab', '--tab-file', file, '--noheadings', '--raw', '--output', 'TARGET,FSTYPE,OPTIONS'];
    const { stdout } = spawnSync('findmnt', args, { encoding: 'utf8' });
    const lines = stdout.split('\n').map((line) => line.split(' '));
    const theirs = lines.flatMap(([target = '', type = '', options = '']) =>
      target.startsWith('/') &&
      target !== '/' &&
      type !== 'swap' &&
      !/\b(?:noauto|nofail|x-systemd\.automount)\b/.test(options)
        ? [
            target
              .replace(/\\x([\da-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
              .replace(/(.)\/+$/, '$1'),
          ]
        : [],
    );
    const differing = [...new Set([...ours, ...theirs])].filter(
      (mount) => ours.includes(mount) !== theirs.includes(mount),
    );
    const words = `missing: ${ours.join(' ')}${differing.length > 0 ? `; findmnt differs in ${differing.join(' ')}` : ''}`;
    return { ...placed, outcome: differing.length > 0 ? 'wrong' : ours.length > 0 ? 'read' : 'refused', words };
  } catch (thrown) {
    return { ...placed, outcome: 'wrong', words: thrownWords(thrown) };
  }
}
