/** npm run faults -- [--minutes N] [--kills N] [--seed N] [--database sqlite|mysql] [--clients N] */
import { parseArgs } from 'node:util';

import { sshdMissing } from '../support/sshd.ts';
import { failuresOf, summaryOf } from './fault-figures.ts';
import { runFaults } from './fault-run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    kills: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    database: { type: 'string', default: 'sqlite' },
    clients: { type: 'string', default: '10' },
  },
});
const seed = Number(values.seed ?? (Date.now() ^ process.pid) >>> 0);
const [minutes, kills, clients] = [Number(values.minutes), Number(values.kills), Number(values.clients)];
const { database } = values;
if (
  !(minutes > 0) ||
  !(kills > 0) ||
  !(clients > 0) ||
  !Number.isSafeInteger(seed) ||
  !/^(sqlite|mysql)$/.test(database)
) {
  console.error(
    'usage: npm run faults -- [--minutes N] [--kills N] [--seed N] [--database sqlite|mysql] [--clients N]',
  );
  process.exit(2);
}
const missing = sshdMissing();
if (missing !== null) {
  console.error(missing);
  process.exit(2);
}
// What was started ends with this process, however that ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
let said = 0;
console.log(`seed ${seed}, ${database}, ${clients} clients`);
const result = await runFaults({
  database: database as 'sqlite' | 'mysql',
  seed,
  kills,
  forMs: minutes * 60_000,
  clients,
  observe: ({ rounds, kills: sofar, wrong }) => {
    for (const words of wrong.slice(said)) console.error(words);
    said = wrong.length;
    if (rounds % 25 === 0) console.log(`${rounds} rounds, ${sofar} kills`);
  },
});
console.log(summaryOf(result));
const failures = failuresOf(result);
for (const failure of failures) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);
