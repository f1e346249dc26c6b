/**
 * A pass that stores the reports of earlier runs and visits nobody, in a process of its own, which runs out of memory
 * as soon as a certain report is parsed. Arguments: `files`, and the fleet's folder, or `rows`, the same and the state
 * folder of the machine that opens; the id of that report. Ends with the pass's exit status.
 */
const [kind = '', dir = '', opener = '', deadlyId = ''] = process.argv.slice(2);

const parse = JSON.parse.bind(JSON);
JSON.parse = (text: string, ...rest) => {
  const isDeadly = text.includes(`"report_id":"${deadlyId}"`);
  for (const kept: unknown[] = []; isDeadly;) kept.push(new Array(4_000_000).fill(0.5));
  return parse(text, ...rest) as unknown;
};

const { makeConfig, openFleet } = await import('./fleet.ts');
const fleet = openFleet(dir);
if (kind === 'files') process.exit((await fleet.collect([])).exitStatus);

const { ingestRun } = await import('../../src/collector/pass/ingest-run.ts');
const { exitStatus } = await ingestRun({
  config: makeConfig(opener, []),
  openStorage: () => fleet.openStorage(),
  signal: new AbortController().signal,
  observe: () => undefined,
  now: () => Date.now(),
  host: 'opener',
});
process.exit(exitStatus);
