/**
 * A run that stores the reports of earlier runs and visits nobody, in a separate process. The process dies
 * as soon as a certain report is parsed. Arguments: `files` and the fleet's folder, or `rows`, this folder and
 * the state folder of the machine that opens; then the id of the report. The exit status is that of the run.
 */
const [kind = '', dir = '', opener = '', deadlyId = ''] = process.argv.slice(2);

const parse = JSON.parse.bind(JSON);
JSON.parse = (text: string, ...rest) => {
  if (text.includes(`"report_id":"${deadlyId}"`)) process.kill(process.pid, 'SIGKILL');
  return parse(text, ...rest) as unknown;
};

const { makeConfig, openFleet } = await import('./fleet.ts');
const fleet = openFleet(dir);
if (kind === 'files') process.exit((await fleet.collect([])).exitStatus);

const { ingestRun } = await import('../../../src/collector/run/ingest-run.ts');
const { exitStatus } = await ingestRun({
  config: makeConfig(opener, []),
  openStorage: () => fleet.openStorage(),
  signal: new AbortController().signal,
  observe: () => undefined,
  now: () => Date.now(),
  host: 'opener',
});
process.exit(exitStatus);
