/**
 * Measures the figures of docs/performance.md: `npm run bench` all of them, `npm run bench NAME...` some. Keeps the
 * newest figures of each benchmark in bench/results/. With `--write` makes the tables and plots of docs/performance.md
 * from these figures.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { benchmarks, type ListedBenchmark } from './benchmarks.ts';
import { figureLine } from './figure-words.ts';
import { describeMachine } from './machine.ts';
import { keepRecord, type BenchRecord } from './results.ts';
import { writePerformance } from './write-performance.ts';

const usage = `Usage: npm run bench -- [NAME...] [options]

  --list       the benchmarks there are
  --quick      each at a tiny size: shows that it works, its figures mean nothing
  --json FILE  also writes what was measured to FILE
  --write      measures nothing; makes docs/performance.md of the newest figures`;

/** The pause between benchmarks, in which dirty pages are written and processes of the previous one end. */
const restMs = 3000;

// NODE_OPTIONS could make Node load modules at each start, which would be measured as well.
delete process.env['NODE_OPTIONS'];
delete process.env['NODE_EXTRA_CA_CERTS'];

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        list: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${usage}`);
    process.exit(2);
  }
}

async function measureOne(listed: ListedBenchmark, quick: boolean): Promise<BenchRecord> {
  console.log(`\n== ${listed.name}: ${listed.what}`);
  const benchmark = await listed.load();
  const machine = describeMachine();
  const startedAt = performance.now();
  const date = new Date().toISOString();
  const { figures, series } = await benchmark({ quick, say: (line) => console.log(`   ${line}`) });
  for (const figure of figures) console.log(figureLine(figure));
  for (const { what, fit } of series) {
    if (fit !== null) console.log(`${what}: grows with the number to the power of ${fit.exponent.toFixed(2)}`);
  }
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  console.log(`   took ${seconds} s`);
  const command = `npm run bench ${listed.name}`;
  return { benchmark: listed.name, quick, date, command, seconds, machine, figures, series };
}

const { values, positionals } = readArguments();
const unknown = positionals.filter((name) => !benchmarks.some((listed) => listed.name === name));
if (values.help) console.log(usage);
else if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are ${benchmarks.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else if (values.list) {
  for (const { name, what, minutes, byNameOnly } of benchmarks) {
    console.log(`${name.padEnd(16)}${`${minutes} min`.padEnd(9)}${what}${byNameOnly ? ' (only by name)' : ''}`);
  }
} else if (values.write) writePerformance();
else {
  const wanted = benchmarks.filter(({ name, byNameOnly }) =>
    positionals.length === 0 ? !byNameOnly : positionals.includes(name),
  );
  const records: BenchRecord[] = [];
  for (const listed of wanted) {
    try {
      const record = await measureOne(listed, values.quick);
      records.push(record);
      if (!values.quick) {
        keepRecord(record);
        await sleep(restMs);
      }
    } catch (thrown) {
      console.error(`${listed.name} failed:`, thrown);
      process.exitCode = 1;
    }
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(records, null, 2)}\n`);
}
