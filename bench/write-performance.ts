import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../src/state-folder/paths.ts';
import { numberWords, spreadWords, targetWords } from './figure-words.ts';
import type { Figure, Series } from './figure.ts';
import type { Machine } from './machine.ts';
import { plotSeries } from './plot.ts';
import { newestRecords, published, type BenchRecord } from './results.ts';
import { fitPower } from './statistics.ts';

const docs = path.join(packageDir, 'docs');
const document = path.join(docs, 'performance.md');

/** Writes docs/performance.json, the plots, and the text between the marks of docs/performance.md. */
export function writePerformance(): void {
  const records = newestRecords();
  if (records.length === 0) throw new Error('nothing was measured yet: npm run bench');
  writeFileSync(published, `${JSON.stringify(records, null, 2)}\n`);
  writeFileSync(path.join(docs, 'performance.svg'), plotSeries(records.flatMap(({ series }) => series)));
  writeFileSync(document, performanceText(readFileSync(document, 'utf8'), records));
}

/** Returns the text of docs/performance.md with the figures of these runs. */
export function performanceText(text: string, records: readonly BenchRecord[]): string {
  const tables = {
    figures: figuresTable(records.flatMap(({ figures }) => figures)),
    growth: growthTable(records.flatMap(({ series }) => series)),
    runs: runsTable(records),
  };
  return Object.entries(tables).reduce((before, [mark, content]) => between(before, mark, content), text);
}

/** Replaces the text between `<!-- MARK -->` and `<!-- end of MARK -->`. Throws if the marks are missing. */
function between(text: string, mark: string, content: string): string {
  const [start, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no ${start} before ${end}`);
  return `${text.slice(0, from)}${start}\n${content}\n${text.slice(to)}`;
}

function figuresTable(figures: readonly Figure[]): string {
  const lines = figures.map((figure) => {
    const { name, what, unit, peer, target, ours, peerFigures, ratio, isMet, notMeasured } = figure;
    const cells = [
      what,
      ours === null ? `not measured: ${notMeasured ?? ''}` : spreadWords(ours, unit),
      peerFigures === null ? '' : `${spreadWords(peerFigures, unit)}: ${peer ?? ''}`,
      ratio === null ? '' : spreadWords(ratio, ''),
      target === null ? '' : targetWords(target, unit),
      isMet === null ? '' : isMet ? 'reached' : '**not reached**',
    ];
    return `| \`${name}\` | ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return table(['name', 'what', 'ours', 'peer', 'ratio', 'target', ''], lines);
}

/**
 * Returns the growth table. The fixed cost (a start of Node) flattens the fit at small sizes, but not the slope between
 * the two largest.
 */
function growthTable(all: readonly Series[]): string {
  const sizes = [...new Set(all.flatMap(({ points }) => points.map(({ n }) => n)))].sort((a, b) => a - b);
  const lines = all.map(({ what, unit, points, fit }) => {
    const values = sizes.map((size) => {
      const point = points.find(({ n }) => n === size);
      return point === undefined ? '' : `${numberWords(point.value)} ${unit}`;
    });
    const last = fitPower(points.slice(-2));
    const exponents = [fit, last].map((power) => (power === null ? '' : power.exponent.toFixed(2)));
    return `| ${[what, ...values, ...exponents].join(' | ')} |`;
  });
  return table(['', ...sizes.map(numberWords), 'exponent of the fit', 'between the two largest'], lines);
}

function runsTable(records: readonly BenchRecord[]): string {
  const lines = records.map(({ command, date, seconds, machine }) => {
    const cells = [`\`${command}\``, date.slice(0, 16).replace('T', ' '), `${Math.round(seconds)} s`];
    return `| ${[...cells, String(machine.loadAverage)].join(' | ')} |`;
  });
  const machines = [...new Set(records.map(({ machine }) => machineWords(machine)))];
  return `${machines.join('\n\n')}\n\n${table(['command', 'UTC', 'took', 'load average before'], lines)}`;
}

function machineWords({ cores, cpu, memoryGigabytes, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${memoryGigabytes} GB, Linux ${kernel}, Node ${node}.`;
}

function table(titles: readonly string[], lines: readonly string[]): string {
  return [`| ${titles.join(' | ')} |`, `|${titles.map(() => '---').join('|')}|`, ...lines].join('\n');
}
