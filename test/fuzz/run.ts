/**
 * npm run fuzz -- [--minutes N] [--seed N] [NAME...]: fuzzes one target after the other, with equal shares of the time.
 */
import { parseArgs } from 'node:util';

import { keepInput, readCorpus } from './corpus.ts';
import { fuzz } from './fuzz.ts';
import { fuzzTargets } from './targets/index.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' }, help: { type: 'boolean' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? (Date.now() ^ process.pid) >>> 0);
const chosen = fuzzTargets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const unknown = positionals.filter((name) => !fuzzTargets.some((target) => target.name === name));
if (values.help === true || unknown.length > 0 || !(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0) {
  console.error(
    'usage: npm run fuzz -- [--minutes N] [--seed N] [NAME...]; names: ' +
      fuzzTargets.map(({ name }) => name).join(' '),
  );
  process.exit(2);
}
for (const target of chosen) {
  const corpus = readCorpus(target.name).map(({ input }) => input);
  const { runs, kinds, failure } = await fuzz({ target, corpus, seed, forMs: (minutes * 60_000) / chosen.length });
  console.log(
    `${target.name}: seed ${seed}, ${runs} inputs of ${kinds} kinds, ${failure === null ? 'nothing wrong' : 'FAILED'}`,
  );
  if (failure === null) continue;
  console.error(failure.error.stack);
  console.error(`the input is kept as test/fuzz/${keepInput(target.name, failure.input)}`);
  process.exitCode = 1;
}
