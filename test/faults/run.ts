/**
 * npm run faults -- [--minutes N] [--kills N] [--seed N] [--database sqlite|mysql] [--clients N] [--jobs N] [--split]
 *                   [--forget] [--pipe visit|push|ssh|spoke]
 *
 * --jobs N shares the kills out to N fleets, with the seed and the seeds after it.
 * With --pipe push the clients push to `serve` over HTTP, with ssh to `receive` under sshd. With spoke the collector
 * polls them over HTTP.
 * With --forget the database is a MariaDB that forgets its last seconds whenever it is killed.
 * With --split the collector has no private key, and `ingest` opens the reports on another machine.
 */
import { parseArgs } from 'node:util';

import { sshdMissing } from '../support/ssh/sshd.ts';
import { failuresOf, summaryOf } from './fault-figures.ts';
import { pipes } from './fault-pipe.ts';
import { runFaults } from './fault-run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    kills: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    database: { type: 'string', default: 'sqlite' },
    clients: { type: 'string', default: '10' },
    jobs: { type: 'string', default: '1' },
    split: { type: 'boolean', default: false },
    forget: { type: 'boolean', default: false },
    pipe: { type: 'string', default: 'visit' },
  },
});
const seed = Number(values.seed ?? (Date.now() ^ process.pid) >>> 0);
const [minutes, kills] = [Number(values.minutes), Number(values.kills)];
const [clients, jobs] = [Number(values.clients), Number(values.jobs)];
const { forget: forgets } = values;
const database = forgets ? 'mysql' : values.database;
const pipe = pipes.find((name) => name === values.pipe);
if (
  !(minutes > 0) ||
  !(kills > 0) ||
  !(clients > 0) ||
  !(jobs > 0) ||
  !Number.isSafeInteger(seed) ||
  pipe === undefined ||
  !/^(sqlite|mysql)$/.test(database)
) {
  console.error(
    'usage: npm run faults -- [--minutes N] [--kills N] [--seed N] [--database sqlite|mysql] [--clients N] ' +
      '[--jobs N] [--split] [--forget] [--pipe visit|push|ssh|spoke]',
  );
  process.exit(2);
}
const missing = sshdMissing();
if (missing !== null) {
  console.error(missing);
  process.exit(2);
}
// Ends the started programs with this process, however it ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
console.log(
  `seed ${seed}, ${database}, ${clients} clients, ${jobs} jobs, pipe ${pipe}${values.split ? ', split trust' : ''}${forgets ? ', forgetful' : ''}`,
);
process.setMaxListeners(0);
const failed: string[] = [];
await Promise.all(
  Array.from({ length: jobs }, async (_, index) => {
    let said = 0;
    const result = await runFaults({
      database: database as 'sqlite' | 'mysql',
      seed: seed + index,
      kills: Math.ceil(kills / jobs),
      forMs: minutes * 60_000,
      clients,
      split: values.split,
      forgets,
      pipe,
      observe: ({ rounds, kills: soFar, wrong }) => {
        for (const words of wrong.slice(said)) console.error(`seed ${seed + index}: ${words}`);
        said = wrong.length;
        if (rounds % 25 === 0) console.log(`seed ${seed + index}: ${rounds} rounds, ${soFar} kills`);
      },
    });
    console.log(summaryOf(result));
    failed.push(...failuresOf(result));
  }),
);
for (const failure of failed) console.error(failure);
process.exit(failed.length === 0 ? 0 : 1);
