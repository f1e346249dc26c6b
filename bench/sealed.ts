import { programMissing } from './need-program.ts';
import { inFreshProcess } from './children.ts';
import { atMost, measured, ratioAtMost, seriesOf } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row } from './figure.ts';
import type { SealedPassCosts, SealedPassInput } from './sealed-pass.ts';
import { spreadOf, type Point } from './statistics.ts';

const bare = 'bare node:crypto and zlib';
const what = '10,000 sealed files to rows (read, open, parse, store, delete), one core';
const ratio: Row = {
  name: 'sealed-ratio',
  what: `${what} : the bare node:crypto (JWK import) and zlib work of opening them`,
  unit: 's',
  peer: bare,
  target: ratioAtMost(2.5),
};
const time: Row = { name: 'sealed', what, unit: 's', peer: null, target: atMost(2) };

/**
 * Measures the opening of reports. Each round is a process on one core: first the bare work on the bytes, then the
 * inbox on files.
 */
export function benchSealed({ quick, say }: BenchOptions): Promise<BenchResult> {
  const noPin = programMissing('taskset', 'util-linux', quick);
  if (noPin !== null) say(`not held on one core: ${noPin}`);
  const figures: Figure[] = [];
  const points: Point[] = [];
  for (const files of quick ? [20] : [100, 1000, 10_000, 50_000]) {
    const rounds = Array.from({ length: quick || files > 10_000 ? 1 : 5 }, () => onePass({ files }, noPin === null));
    const ours = rounds.map(({ oursMs }) => oursMs / 1000);
    const peer = rounds.map(({ bareMs }) => bareMs / 1000);
    points.push({ n: files, value: spreadOf(ours).median });
    if (files === 10_000 || quick) figures.push(measured(ratio, ours, peer), measured(time, ours));
  }
  return Promise.resolve({
    figures,
    series: [seriesOf({ name: 'sealed-time', what: 'sealed files to rows', unit: 's' }, points)],
  });
}

function onePass(input: SealedPassInput, pinned: boolean): SealedPassCosts {
  return inFreshProcess('sealed-pass.ts', input, pinned ? ['taskset', '-c', '0'] : []) as SealedPassCosts;
}
