/**
 * `npm run strangers -- [--show N] [NAME...]`: reads recorded inputs of other projects, and prints for each corpus how
 * many were read, refused with a reason, or read wrongly. `--show` prints N inputs of each outcome, to look at.
 */
import { parseArgs } from 'node:util';

import { type Corpus, fetchCorpus } from './corpus.ts';
import type { Case, Outcome, Subject } from './subject.ts';
import { subjects } from './subjects.ts';

const outcomes: readonly Outcome[] = ['read', 'refused', 'wrong'];
const { values, positionals } = parseArgs({ allowPositionals: true, options: { show: { type: 'string' } } });
const unknown = positionals.filter((name) => subjects.every((subject) => subject.name !== name));
const show = Number(values.show ?? 0);
if (unknown.length > 0 || !Number.isSafeInteger(show)) {
  console.error(`usage: npm run strangers -- [--show N] [${subjects.map(({ name }) => name).join('|')}]...`);
  process.exit(2);
}
const rows: string[][] = [['subject', 'corpus', 'inputs', ...outcomes]];
const shown: string[] = [];
for (const subject of subjects) {
  if (positionals.length > 0 && !positionals.includes(subject.name)) continue;
  await runSubject(subject);
}
const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length))) ?? [];
for (const row of rows)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
if (shown.length > 0) console.log(`\n${shown.join('\n')}`);

async function runSubject(subject: Subject): Promise<void> {
  const corpora: Corpus[] = [];
  for (const name of subject.packages) {
    const corpus = fetchCorpus(name);
    if (typeof corpus === 'string') rows.push([subject.name, `${name}: ${corpus}`]);
    else corpora.push(corpus);
  }
  const cases: Case[] = [];
  for await (const one of subject.cases(corpora)) cases.push(one);
  for (const corpus of corpora) {
    const own = cases.filter((one) => one.corpus === corpus);
    const counts = outcomes.map((outcome) => own.filter((one) => one.outcome === outcome));
    rows.push([
      subject.name,
      `${corpus.name} ${corpus.version}`,
      String(own.length),
      ...counts.map((some) => String(some.length)),
    ]);
    for (const some of counts) shown.push(...chosen(some).map((one) => line(subject, one)));
    if (own.some(({ outcome }) => outcome === 'wrong')) process.exitCode = 1;
  }
}

/** Returns the inputs to show: those read wrongly, and some of the others at equal distances. */
function chosen(cases: readonly Case[]): readonly Case[] {
  if (cases[0]?.outcome === 'wrong') return cases;
  const step = Math.max(1, Math.ceil(cases.length / Math.max(1, show)));
  return show === 0 ? [] : cases.filter((_, at) => at % step === 0);
}

function line(subject: Subject, { corpus, name, outcome, words }: Case): string {
  return `${subject.name} ${corpus.name} ${name}: ${outcome}: ${words.replace(/[^\x20-\x7e]/g, '?').slice(0, 400)}`;
}
