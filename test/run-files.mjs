/**
 * Runs compiled test files: `node test/run-files.mjs [--first-tier] FILE...`. At the end it names again what failed
 * and prints the CPU of each file in N. With --first-tier it checks the types beside the tests, which wait for servers
 * part of their time. A file of the first tier above `maxFileN` fails unless `dearFiles` has its reason. A file of a
 * shared process (test/share-process.mjs) that the process did not come to the end of runs again, alone.
 *
 * N is the CPU of `node -e 0` where Node reads the system's certificates at its start, 58 ms on the machine of
 * docs/performance.md and three times that on a slow one. Seconds differ by machine, multiples of N less. Other work
 * beside it makes a file dearer, by up to a third, but not N: a file above `maxFileN` is measured twice alone, and the
 * lower figure counts. Kernels differ in what a process costs beside Node, and files that visit clients
 * without Node start thousands: `maxFileN` is in N or in `shellRounds`, whichever is dearer.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';

import { cpuOf } from './process-cpu.mjs';

const maxFileN = 40;

/** Files of the first tier that may cost more, each with its reason. */
const dearFiles = new Map([
  ['test/alerter/channels.test.ts', 'the promises of every channel in one table'],
  ['test/alerter/replies.test.ts', 'cuts off the reading of replies again and again'],
  ['test/cli/runs/collect.test.ts', 'what a run of the collector says, against a real sshd'],
  ['test/cli/status/status.test.ts', 'what status says of every state of a fleet'],
  ['test/look/data/fleet-page.test.ts', 'renders the page of a fleet with weeks of rows'],
  ['test/storage/conformance.test.ts', 'the SQL of SQLite and of MariaDB'],
  ['test/storage/migrate/migrate.test.ts', 'migrates SQLite and MariaDB'],
  ['test/end-to-end/push-ssh.test.ts', 'the one story of clients that push by ssh'],
  ['test/end-to-end/storage-away.test.ts', 'the one story of a database that is away'],
  ['test/end-to-end/through-bastions.test.ts', 'the one story of clients behind bastions'],
  ['test/end-to-end/upgrade.test.ts', 'the one story of an upgrade'],
]);

/**
 * Starts 120 processes, as the agent for clients without Node does. So many that files which kept to `maxFileN` keep to
 * it where N is 106 ms and these cost 380 ms, the only machine on which both were compared.
 */
const shellRounds = 'for i in 1 2 3 4; do for i in 1 2 3 4 5 6 7 8 9 10; do x=$(echo a | sed s/a/b/); done; done';

/**
 * Measures N until `stop` is called, which returns it in ms: now and every minute, since a busy machine makes all CPU
 * dearer alike. `dearerMs` is N or the CPU of `shellRounds`, whichever is more.
 */
function measureN() {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt' };
  const [node, shell] = [
    { command: [process.execPath, '-e', '0'], runs: 0, ms: 0 },
    { command: ['/bin/sh', '-c', shellRounds], runs: 0, ms: 0 },
  ];
  const measure = (what, count) => {
    const [program, ...args] = what.command;
    const before = cpuOf('self').endedMs;
    for (let run = 0; run < count; run += 1) spawnSync(program, args, { stdio: 'ignore', env });
    what.ms += cpuOf('self').endedMs - before;
    what.runs += count;
  };
  const measureBoth = (count) => {
    measure(node, count);
    measure(shell, count / 2);
  };
  measureBoth(10);
  const timer = setInterval(measureBoth, 60_000, 2);
  const stop = () => {
    clearInterval(timer);
    const [n, rounds] = [node, shell].map(({ ms, runs }) => ms / runs);
    return { n, dearerMs: Math.max(n, rounds) };
  };
  return { stop };
}

/**
 * Makes a folder for temporary files: in memory if there is room for some databases and programs may be started there,
 * as a commit waits for no disk there. Returns its path.
 */
function makeTemporary() {
  const memory = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(memory);
    const made = bavail * bsize > 4 * 2 ** 30 ? mkdtempSync(path.join(memory, 'fleet-run-')) : null;
    if (made !== null && canStart(path.join(made, 'started'))) return made;
    if (made !== null) rmSync(made, { recursive: true });
  } catch {
    // The machine has no such place.
  }
  return mkdtempSync(path.join(tmpdir(), 'fleet-run-'));
}

/** Installs the package that the tests start, by test/support/programs/installed.ts. Returns its prefix. */
function installPackage() {
  const script = "import('./test/support/programs/installed.ts').then(({ prefix }) => process.stdout.write(prefix))";
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error('the package cannot be installed');
  return stdout;
}

/**
 * Offers the database server of test/support/databases/run-server.ts at a socket, and starts it when the first file
 * asks where it is. Returns a function that ends it.
 */
function offerDatabaseServer(place) {
  let asked = null;
  let child = null;
  const start = async () => {
    child = spawn(process.execPath, ['dist/test/test/support/databases/run-server.mjs'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    });
    const [told] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => [''])]);
    return told;
  };
  const server = createServer((socket) => void (asked ??= start()).then((told) => socket.end(told)));
  server.listen(place);
  return async () => {
    server.close();
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
}

/** Returns the time of the build. A test that builds in the project takes the programs away from those beside it. */
function builtMs() {
  return statSync('dist/fleet-health.cjs', { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** Writes a program. Returns true if it can be started. */
function canStart(file) {
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o700 });
  return spawnSync(file).status === 0;
}

/** Starts the check of the types, which writes to a file. Returns a promise of its exit code. */
function startTypes(file) {
  const child = spawn('npm', ['run', '--silent', 'types'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const written = createWriteStream(file);
  for (const stream of [child.stdout, child.stderr]) stream.pipe(written, { end: false });
  return once(child, 'close').then(([code]) => code);
}

/** Runs the files with TAP on standard output, and what failed in a file of its own. Returns the exit code. */
async function runTests(files, { spec, meter, temporary, stdio = 'inherit' }) {
  const reporters = ['--test-reporter=tap', '--test-reporter-destination=stdout'];
  reporters.push('--test-reporter=spec', `--test-reporter-destination=${spec}`);
  // A file that hangs is ended by the meter, a test by its own limit.
  const args = [
    '--enable-source-maps',
    '--expose-gc',
    '--import',
    './test/file-meter.mjs',
    '--test',
    '--test-timeout=3600000',
  ];
  const child = spawn(process.execPath, [...args, '--test-concurrency=6', ...reporters, ...files], {
    stdio,
    env: { ...process.env, FLEET_HEALTH_METER: meter, TMPDIR: temporary },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

/** Returns the files of shared processes by the path of the process, as test/compile.mjs has written them. */
function readShared(files) {
  const all = JSON.parse(readFileSync('dist/test/shared.json', 'utf8'));
  return new Map(
    all.filter(({ compiled }) => files.includes(compiled)).map((process) => [process.compiled, process.files]),
  );
}

/** Returns what the meter wrote, the dearest file first. A process that files share counts without them. */
function readMeter(file, shared) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const measured = lines.map((line) => {
    const [name, cpuMs, serversMs, wallMs] = line.split('\t');
    const compiled = path.relative(process.cwd(), name);
    return { compiled, cpuMs: Number(cpuMs), serversMs: Number(serversMs), wallMs: Number(wallMs) };
  });
  const cpuOfFile = new Map(measured.map(({ compiled, cpuMs }) => [compiled, cpuMs]));
  const standalone = new Map([...shared.values()].flat().map((one) => [one.name, one.compiled]));
  return measured
    .map((one) => {
      const own = shared.get(one.compiled)?.reduce((sum, { name }) => sum - (cpuOfFile.get(name) ?? 0), one.cpuMs);
      const name = one.compiled.replace(/^dist\/test\/(first-\d+|then)\//, '').replace(/\.mjs$/, '.ts');
      return { ...one, name, compiled: standalone.get(name) ?? one.compiled, cpuMs: own ?? one.cpuMs };
    })
    .sort((a, b) => b.cpuMs - a.cpuMs);
}

/** Runs one file with nothing beside it. Returns its CPU in what is dearer: N or rounds of a shell. */
async function measureAlone(file, { spec, meter, temporary }) {
  writeFileSync(meter, '');
  const nodeStart = measureN();
  await runTests([file], { spec, meter, temporary, stdio: 'ignore' });
  const { dearerMs } = nodeStart.stop();
  return (readMeter(meter, new Map())[0]?.cpuMs ?? Infinity) / dearerMs;
}

const isFirstTier = process.argv[2] === '--first-tier';
const files = process.argv.slice(isFirstTier ? 3 : 2);
const dir = makeTemporary();
const [spec, meter, typed, temporary] = ['spec', 'meter', 'types', 'tmp'].map((name) => path.join(dir, name));
writeFileSync(meter, '');
// Other accounts have their files here too.
mkdirSync(temporary);
chmodSync(dir, 0o755);
chmodSync(temporary, 0o1777);
const nodeStart = measureN();
const startedAt = performance.now();
// test/wide.sh names the unpacked Debian packages.
process.env.FLEET_HEALTH_INSTALLED ??= installPackage();
process.env.FLEET_HEALTH_DATABASE_SERVER = path.join(dir, 'database-server');
const endDatabaseServer = offerDatabaseServer(process.env.FLEET_HEALTH_DATABASE_SERVER);
const types = isFirstTier ? startTypes(typed) : Promise.resolve(0);
const built = builtMs();
const shared = readShared(files);
let testsCode = await runTests(files, { spec, meter, temporary });
const ended = new Set(readMeter(meter, shared).map(({ name }) => name));
const hidden = [...shared.values()].flat().filter(({ name }) => !ended.has(name));
let failedAlone = '';
if (hidden.length > 0) {
  console.error(`a shared process has ended before its files; alone now: ${hidden.map(({ name }) => name).join(', ')}`);
  const code = await runTests(
    hidden.map(({ compiled }) => compiled),
    { spec: `${spec}-alone`, meter, temporary },
  );
  failedAlone = readFileSync(`${spec}-alone`, 'utf8').split(/^(?=.*failing tests:$)/m)[1] ?? '';
  testsCode ||= code;
}
await endDatabaseServer();
const isRebuilt = builtMs() !== built;
if (isRebuilt) console.error('dist/ was built while the tests ran: build in a copy of the project');
const typesCode = await types;
const wallMs = performance.now() - startedAt;
const { n, dearerMs } = nodeStart.stop();

const measured = readMeter(meter, shared);
const inN = (ms) => (ms / n).toFixed(ms < 10 * n ? 1 : 0);
for (const { name, cpuMs, wallMs: fileMs } of measured) {
  console.log(`# ${inN(cpuMs).padStart(6)} N ${(fileMs / 1000).toFixed(1).padStart(6)} s  ${name}`);
}
// The shell that started this has set up and built; a server that its file left to be killed was waited for by nobody.
const left = measured.reduce((sum, { serversMs }) => sum + serversMs, 0);
const allMs = cpuOf('self').allMs + left + (isFirstTier ? cpuOf(process.ppid).endedMs : 0);
const busyPercent = Math.round((100 * allMs) / (availableParallelism() * wallMs));
const filesMs = measured.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
console.log(
  `# ${inN(allMs)} N, of which ${inN(filesMs)} N in ${measured.length} files; ${(wallMs / n).toFixed(0)} N of time, ` +
    `${Math.round(wallMs / 1000)} s; N = ${n.toFixed(1)} ms; files are limited in units of ${dearerMs.toFixed(1)} ms; cores busy ${busyPercent} %`,
);
const failing = readFileSync(spec, 'utf8').split(/^(?=.*failing tests:$)/m)[1];
if (failing !== undefined || failedAlone !== '') console.log((failing ?? '') + failedAlone);
if (isFirstTier) process.stdout.write(readFileSync(typed, 'utf8'));
let areDear = false;
for (const { compiled, name, cpuMs } of isFirstTier ? measured : []) {
  // Files that share a process count one by one.
  if (cpuMs <= maxFileN * dearerMs || dearFiles.has(name) || shared.has(compiled)) continue;
  const alone = [];
  for (let run = 0; run < 2; run += 1) alone.push(await measureAlone(compiled, { spec, meter, temporary }));
  const aloneN = Math.min(...alone);
  const costs = `${name} costs ${(cpuMs / dearerMs).toFixed(0)} N in this run and ${aloneN.toFixed(0)} N alone`;
  const isDear = aloneN > maxFileN;
  const mend = 'make it cheaper, move it to the second tier, or give the reason in test/run-files.mjs';
  console.error(isDear ? `${costs}, more than ${maxFileN}: ${mend}` : costs);
  areDear ||= isDear;
}
rmSync(dir, { recursive: true, force: true });
process.exitCode = testsCode || typesCode || (areDear || isRebuilt ? 1 : 0);
