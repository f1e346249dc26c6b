/**
 * Runs compiled test files: `node test/run-files.mjs [--first-tier] FILE...`. At the end it names once more what failed,
 * so that it is found among thousands of tests, and prints the CPU of each file in N. A file of the first tier above
 * `maxFileN` fails unless `dearFiles` has its reason.
 *
 * N is the CPU of `node -e 0` where Node reads the system's certificates at its start, 58 ms on the machine of
 * docs/performance.md and three times that on a slow one. Seconds differ by machine, multiples of N hardly do.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

import { cpuOf } from './process-cpu.mjs';

const maxFileN = 40;

/** Files of the first tier that may cost more, each with its reason. */
const dearFiles = new Map([]);

/** Returns N in ms, of 20 runs. */
function measureN() {
  const runs = 20;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' };
  const before = cpuOf('self').endedMs;
  for (let run = 0; run < runs; run += 1) spawnSync(process.execPath, ['-e', '0'], { stdio: 'ignore', env });
  return (cpuOf('self').endedMs - before) / runs;
}

/** Returns what the meter wrote, the dearest file first. */
function readMeter(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines
    .map((line) => {
      const [compiled, cpuMs, serversMs, wallMs] = line.split('\t');
      const name = path
        .relative(process.cwd(), compiled)
        .replace(/^dist\/test\/(first|then)\//, '')
        .replace(/\.mjs$/, '.ts');
      return { name, cpuMs: Number(cpuMs), serversMs: Number(serversMs), wallMs: Number(wallMs) };
    })
    .sort((a, b) => b.cpuMs - a.cpuMs);
}

const isFirstTier = process.argv[2] === '--first-tier';
const files = process.argv.slice(isFirstTier ? 3 : 2);
const dir = mkdtempSync(path.join(tmpdir(), 'fleet-run-'));
const spec = path.join(dir, 'spec');
const meter = path.join(dir, 'meter');
writeFileSync(meter, '');
const n = measureN();
const startedAt = performance.now();
// A test that hangs is ended and named; a file that hangs is ended by the meter.
const args = ['--enable-source-maps', '--import', './test/file-meter.mjs', '--test', '--test-concurrency=6'];
const reporters = ['--test-reporter=tap', '--test-reporter-destination=stdout'];
reporters.push('--test-reporter=spec', `--test-reporter-destination=${spec}`);
const child = spawn(process.execPath, [...args, '--test-timeout=600000', ...reporters, ...files], {
  stdio: 'inherit',
  env: { ...process.env, FLEET_HEALTH_METER: meter },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
const [code] = await once(child, 'exit');
const wallMs = performance.now() - startedAt;

const measured = readMeter(meter);
const inN = (ms) => (ms / n).toFixed(ms < 10 * n ? 1 : 0);
const sumMs = measured.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
for (const { name, cpuMs, wallMs: fileMs } of measured) {
  console.log(`# ${inN(cpuMs).padStart(6)} N ${(fileMs / 1000).toFixed(1).padStart(6)} s  ${name}`);
}
const busy = sumMs / (availableParallelism() * wallMs);
console.log(
  `# ${inN(sumMs)} N in ${measured.length} files, ${Math.round(wallMs / 1000)} s, N = ${n} ms, cores busy ${(100 * busy).toFixed(0)} %`,
);
const failing = readFileSync(spec, 'utf8').split(/^(?=.*failing tests:$)/m)[1];
if (failing !== undefined) console.log(failing);
const tooDear = isFirstTier ? measured.filter(({ name, cpuMs }) => cpuMs > maxFileN * n && !dearFiles.has(name)) : [];
for (const { name, cpuMs } of tooDear) {
  console.error(
    `${name} costs ${inN(cpuMs)} N, more than ${maxFileN}: make it cheaper, move it to the second tier, or give the reason in test/run-files.mjs`,
  );
}
rmSync(dir, { recursive: true });
process.exitCode = code === 0 && tooDear.length > 0 ? 1 : (code ?? 1);
