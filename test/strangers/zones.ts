/** Time zones: their changes of clocks, and the texts of POSIX that describe them, beside `zdump`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { isZone } from '../../src/config/values/calendar.ts';
import { zoneOfPosix } from '../../src/text/posix-zone.ts';
import { zoneOffsetMs } from '../../src/text/zone-time.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { filesIn, type Corpus } from './corpus.ts';
import { thrownWords, type Case, type Subject } from './subject.ts';

const sources = [
  'africa',
  'antarctica',
  'asia',
  'australasia',
  'europe',
  'northamerica',
  'southamerica',
  'etcetera',
  'backward',
];
const years = '2020,2038';
/** Times at which the offsets of a text are compared with those of a zone: each month of two years. */
const months = Array.from({ length: 24 }, (_, month) => Date.UTC(2026, month, 15, 12));

export const zones: Subject = {
  name: 'zones',
  packages: ['tzdata'],
  cases: function* (corpora) {
    for (const corpus of corpora) {
      const folder = path.join(tempFolder(), 'zoneinfo');
      mkdirSync(folder);
      execFileSync('zic', ['-b', 'fat', '-d', folder, ...sources.map((name) => path.join(corpus.folder, name))]);
      for (const file of filesIn(folder, /./)) {
        yield changesOf(corpus, file, path.relative(folder, file));
        yield textOf(corpus, file, path.relative(folder, file));
      }
    }
  },
};

/** Compares the offset before and at each change of a zone's clocks. */
function changesOf(corpus: Corpus, file: string, name: string): Case {
  const { stdout } = spawnSync('zdump', ['-v', '-c', years, file], { encoding: 'utf8' });
  const lines = [...stdout.matchAll(/ {2}(\w{3} \w{3} +\d+ [\d:]+ \d{4}) UT = .* gmtoff=(-?\d+)$/gm)];
  if (!isZone(name)) return { corpus, name, outcome: 'refused', words: 'Node does not know it' };
  const faults = lines.flatMap(([, time = '', offset]) => {
    const atMs = Date.parse(`${time} UTC`);
    const ours = zoneOffsetMs(name, atMs) / 1000;
    return ours === Number(offset) ? [] : [`${time}: ${ours} s, and ${offset} s there`];
  });
  const words =
    faults.length > 0
      ? `${faults.slice(0, 3).join('; ')} (${faults.length} of ${lines.length})`
      : `${lines.length} times`;
  // Node has the rules of the day on which it was built.
  const isOlder = (process.versions['tz'] ?? '') < corpus.version;
  const outcome = faults.length === 0 ? 'read' : isOlder ? 'refused' : 'wrong';
  return {
    corpus,
    name,
    outcome,
    words: isOlder ? `${words}; the zones of Node are of ${process.versions['tz']}` : words,
  };
}

/** Compares the zone that is found for the POSIX text at the end of a zone's file with the offsets of the text. */
function textOf(corpus: Corpus, file: string, name: string): Case {
  const text = readFileSync(file).toString('latin1').trimEnd().split('\n').at(-1) ?? '';
  const placed = { corpus, name: `${name}: TZ=${text}` };
  try {
    const zone = zoneOfPosix(text, Date.UTC(2026, 0, 1));
    if (zone === null) return { ...placed, outcome: 'refused', words: 'no zone has these clocks' };
    const seconds = months.map((atMs) => String(atMs / 1000));
    const script = 'for at; do date -d "@$at" +%z; done';
    const { stdout } = spawnSync('sh', ['-c', script, 'sh', ...seconds], {
      encoding: 'utf8',
      env: { TZ: text, PATH: '/usr/bin:/bin' },
    });
    const theirs = stdout
      .trim()
      .split('\n')
      .map((word) => (word.startsWith('-') ? -1 : 1) * (Number(word.slice(1, 3)) * 60 + Number(word.slice(3, 5))));
    const ours = months.map((atMs) => Math.trunc(zoneOffsetMs(zone, atMs) / 60_000));
    const at = ours.findIndex((offset, index) => offset !== theirs[index]);
    return {
      ...placed,
      outcome: at === -1 ? 'read' : 'wrong',
      words: at === -1 ? zone : `${zone} differs in month ${at + 1}`,
    };
  } catch (thrown) {
    return { ...placed, outcome: 'wrong', words: thrownWords(thrown) };
  }
}
