/** Outputs of plugins and text files of metrics, as tests of other monitors have them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parsePluginOutput } from '../../src/report/checks/nagios-output.ts';
import { parsePerfdata } from '../../src/report/checks/perfdata.ts';
import { parseSample } from '../../src/report/checks/prom-samples.ts';
import { filesIn, type Corpus } from './corpus.ts';
import { named, thrownWords, type Case, type Outcome, type Subject } from './subject.ts';

export const outputs: Subject = {
  name: 'outputs',
  packages: [
    ...['monitoring-plugins', 'nagios-plugins-contrib', 'icinga2', 'check-mk'],
    ...['prometheus-node-exporter', 'golang-github-prometheus-common', 'prometheus'],
  ],
  cases: function* (corpora) {
    for (const corpus of named(corpora, 'monitoring-plugins', 'nagios-plugins-contrib')) yield* ofPlugins(corpus);
    for (const corpus of named(corpora, 'icinga2')) yield* ofIcinga(corpus);
    for (const corpus of named(corpora, 'prometheus-node-exporter', 'golang-github-prometheus-common', 'prometheus')) {
      yield* ofMetrics(corpus);
    }
  },
};

/** Reads each text in quotes of the tests and documents that has a bar with figures behind it. */
function* ofPlugins(corpus: Corpus): Generator<Case> {
  const seen = new Set<string>();
  for (const file of filesIn(corpus.folder, /\.(?:t|txt|md|pod|rst|dat|log|html)$|README[^/]*$|\/t\/[^/]+$/)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [, text = ''] =
        /(?:is\(.*?, ?["'(q{]+|plugin_output=|^[ \t>]*)([A-Z][^"]*?\|[ ']*[\w/ %'.-]+=-?\d[^"]*)/.exec(line) ?? [];
      // Code and patterns are no outputs.
      if (text === '' || /\$|\\d|=~|=>|==|\(\?|sprintf|printf|&&|<</.test(text) || seen.has(text)) continue;
      seen.add(text);
      yield { corpus, name: `${path.relative(corpus.folder, file)}: ${text}`, ...judgedOutput(text) };
    }
  }
}

type Judged = { readonly outcome: Outcome; readonly words: string };

/** Judges an output: behind the last bar every `=` with a number is a figure with this number. */
function judgedOutput(text: string): Judged {
  const { text: words, perfdata } = parsePluginOutput(text);
  const behind = text.slice(text.indexOf('|') + 1);
  const theirs = Array.from(behind.matchAll(/=(-?\d+(?:\.\d+)?)/g), ([, number]) => Number(number));
  const figures = parsePerfdata(perfdata);
  const shown = `${words} | ${figures.map(({ label, value, unit }) => `${label}=${value} ${unit}`).join(', ')}`;
  if (words.includes('|')) return { outcome: 'wrong', words: `a bar in the text: ${shown}` };
  if (figures.some(({ value }) => value !== null && !Number.isFinite(value))) return { outcome: 'wrong', words: shown };
  return { outcome: figures.length === theirs.length ? 'read' : 'wrong', words: shown };
}

/** The units of Icinga 2, and ours. */
const units: Readonly<Record<string, string>> = { bytes: 'bytes', seconds: 'seconds', percent: 'ratio' };

/** Reads the figures that Icinga 2 tests its parser with, and compares value and unit. */
function* ofIcinga(corpus: Corpus): Generator<Case> {
  const text = readFileSync(path.join(corpus.folder, 'test/icinga-perfdata.cpp'), 'utf8');
  for (const part of text.split('PerfdataValue::Parse("').slice(1)) {
    const [written = '', ...rest] = part.split('")');
    const after = rest.join('")').split('BOOST_AUTO_TEST_CASE')[0] ?? '';
    const [, value] = /GetValue\(\), (-?[\d.e+]+(?: \* [\d.]+)*)\)/.exec(after) ?? [];
    const [, unit = ''] = /GetUnit\(\), "([\w-]*)"\)/.exec(after) ?? [];
    const isRefused = /BOOST_CHECK_THROW\([^;]*$/.test(text.slice(0, text.indexOf(part)).slice(-60));
    yield { corpus, name: written, ...judgedFigure(written.replaceAll('\\"', '"'), { value, unit, isRefused }) };
  }
}

interface Theirs {
  readonly value: string | undefined;
  readonly unit: string;
  readonly isRefused: boolean;
}

function judgedFigure(written: string, { value, unit, isRefused }: Theirs): Judged {
  const [figure] = parsePerfdata(written);
  const theirs = value?.split(' * ').reduce((product, factor) => product * Number(factor), 1);
  const words = `${figure === undefined ? 'none' : `${figure.value} ${figure.unit}`}; there ${
    isRefused ? 'refused' : `${theirs ?? 'unknown'} ${unit}`
  }`;
  if (figure === undefined) return { outcome: isRefused || theirs === undefined ? 'refused' : 'wrong', words };
  if (isRefused || theirs === undefined) return { outcome: 'read', words };
  // Other units than these are counts here, without their prefix.
  const ours = units[unit];
  if (ours === undefined) return { outcome: unit === '' && figure.value !== theirs ? 'wrong' : 'read', words };
  const isAlike =
    figure.unit === ours &&
    (ours === 'ratio' ? Math.abs((figure.value ?? 0) * 100 - theirs) < 1e-9 : isNear(figure.value, theirs));
  return { outcome: isAlike ? 'read' : 'wrong', words };
}

/** True if two numbers differ by no more than powers of 1000 and of 1024 do. */
function isNear(one: number | null, other: number): boolean {
  return one !== null && Math.abs(one - other) <= 0.2 * Math.abs(other);
}

/** Reads each line of text files of metrics. */
function* ofMetrics(corpus: Corpus): Generator<Case> {
  for (const file of filesIn(
    corpus.folder,
    /\/textfile\/.*\.prom$|\/e2e-[\w-]*output\.txt$|\/expfmt\/testdata\/text$|\/promtextparse[\w.-]*testdata.*\.txt$|\/promtestdata\.txt$/,
  )) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const name = `${path.relative(corpus.folder, file)}: ${line}`;
      try {
        const sample = parseSample(line);
        const [, metric = '', number = ''] = /^(\w[\w:]*)(?:\{.*\})? (\S+)(?: -?\d+)?$/.exec(line) ?? [];
        const isAlike =
          sample?.metric === metric &&
          Object.is(sample.value, /^[+-]?(?:NaN|Inf)$/.test(number) ? NaN : Number(number));
        yield { corpus, name, outcome: isAlike ? 'read' : 'wrong', words: JSON.stringify(sample) };
      } catch (thrown) {
        yield { corpus, name, outcome: 'wrong', words: thrownWords(thrown) };
      }
    }
  }
}
