/**
 * npm run mutation -- [--seed N|commit] [--count N] [--only ID,...] [--rooms DIR,...] [--tests PATH,...] [--unreached]:
 * breaks the alerter, the collector, the storage and the transport, or some rooms, at random places and says which
 * breaks no test notices, or none of some folders and files: the first tier, and files of the second tier of these
 * rooms, with the cases of the first. The seed is by default of the commit's
 * hash: nobody has seen its places before. Each break is tried with the test files that come by its place, the nearest
 * first, until one fails. The files that come by are found by running all of them once, unbroken; those that fail then
 * are left out and named with the reason. `--unreached` ends there and prints the places that no test comes by.
 */
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { createRandom } from '../fuzz/random.ts';
import { breakSources, breakVariable, reachedVariable } from './break-sources.ts';
import { chooseBreaks, findBreaks, type Break } from './find-breaks.ts';

/** A break that the nearest files do not notice is one that a reader of a red test would not find either. */
const maxFilesABreak = 15;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: 'commit' },
    count: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '3' },
    only: { type: 'string' },
    rooms: { type: 'string', default: 'src/alerter,src/collector,src/storage,src/transport' },
    tests: { type: 'string', default: 'test' },
    json: { type: 'string' },
    unreached: { type: 'boolean', default: false },
  },
});
process.umask(0o022);
// The environment that test/run.sh gives them.
delete process.env['NODE_OPTIONS'];
delete process.env['NODE_EXTRA_CA_CERTS'];
const root = path.join(import.meta.dirname, '../..');
const scratch = mkdtempSync(path.join(tmpdir(), 'fleet-mutation-'));
// Tests run the copy as other accounts too.
chmodSync(scratch, 0o755);
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
const copy = path.join(scratch, 'project');

interface TestFile {
  readonly source: string;
  readonly compiled: string;
}

interface Covering extends TestFile {
  readonly wallMs: number;
  readonly reached: ReadonlySet<number>;
}

interface Outcome {
  readonly place: Break;
  readonly tried: number;
  /** The test file that failed; null if none did. */
  readonly noticedBy: string | null;
}

const rooms = values.rooms.split(',');
const seed = values.seed === 'commit' ? seedOfCommit() : Number(values.seed);
console.log(`seed ${seed}`);
const breaks = chooseBreaks(findBreaks(root, rooms), Number(values.count), createRandom(seed));
const files = buildCopy();
const wanted = values.only?.split(',').map(Number);
const covering = await coverage(files);
if (values.unreached) {
  for (const place of breaks.filter(({ id }) => !covering.some(({ reached }) => reached.has(id))))
    console.log(sentence({ place, tried: 0, noticedBy: null }));
  process.exit();
}
const outcomes = await inParallel(
  breaks.filter(({ id }) => wanted?.includes(id) ?? true),
  async (place) => {
    const outcome = await tryBreak(place, covering);
    console.log(sentence(outcome));
    return outcome;
  },
);
for (const room of rooms) {
  const here = outcomes.filter(({ place }) => place.file.startsWith(`${room}/`));
  const noticed = here.filter(({ noticedBy }) => noticedBy !== null).length;
  console.log(`seed ${seed}, ${room}: ${noticed} of ${here.length} breaks noticed`);
}
const sum = outcomes.filter(({ noticedBy }) => noticedBy !== null).length;
console.log(`seed ${seed}: ${sum} of ${outcomes.length} breaks noticed`);
for (const outcome of outcomes) if (outcome.noticedBy === null) console.log(`survived: ${sentence(outcome)}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(outcomes, null, 1)}\n`);

/** Returns the number of the first 32 bits of the hash of the commit. */
function seedOfCommit(): number {
  const hash = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' });
  return Number.parseInt(hash.slice(0, 8), 16);
}

/** Copies what git knows of the project, breaks its sources, and builds program and tests there. */
function buildCopy(): readonly TestFile[] {
  const run = (command: string, ...args: readonly string[]): string =>
    execFileSync(command, args, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  execFileSync('sh', ['-c', 'mkdir "$1" && git ls-files -z | xargs -0 cp -a --parents -t "$1"', 'sh', copy], {
    cwd: root,
  });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  breakSources(copy, breaks);
  run('npm', 'run', '--silent', 'build');
  const places = values.tests.split(',');
  const first = run('sh', 'test/first-tier.sh').trim().split('\n');
  const folders = rooms
    .map((room) => room.replace(/^src\//, 'test/'))
    .filter((dir) => existsSync(path.join(copy, dir)));
  const find = 'grep -rlE "^// Second tier:" --include="*.test.ts" "$@" || true';
  const second = run('sh', '-c', find, 'sh', ...folders, 'test/mutation')
    .split('\n')
    .filter(Boolean);
  const sources = [...first, ...second.sort()].filter((source) =>
    places.some((place) => source === place || source.startsWith(`${place}/`)),
  );
  const compiled = run(process.execPath, 'test/compile.mjs', ...sources)
    .trim()
    .split('\n');
  return sources.map((source, index) => ({ source, compiled: compiled[index] ?? '' }));
}

/** Runs each file unbroken and returns those that pass, with the breaks that they came by. */
async function coverage(tests: readonly TestFile[]): Promise<readonly Covering[]> {
  const found = await inParallel(tests, async (file) => {
    const reachedFile = path.join(scratch, `reached-${tests.indexOf(file)}`);
    // Tests that change their account write to it too.
    writeFileSync(reachedFile, '');
    chmodSync(reachedFile, 0o666);
    const startedAt = performance.now();
    const { passed, output } = await runTest(file, { [reachedVariable]: reachedFile }, 600_000);
    if (!passed) console.log(`left out, as it fails unbroken: ${file.source}\n${reasonIn(output)}`);
    const ids = readFileSync(reachedFile, 'utf8').split('\n').filter(Boolean).map(Number);
    return { ...file, wallMs: performance.now() - startedAt, reached: new Set(ids), passed };
  });
  return found.filter(({ passed }) => passed);
}

async function tryBreak(place: Break, tests: readonly Covering[]): Promise<Outcome> {
  const near = tests
    .filter(({ reached }) => reached.has(place.id))
    .sort((a, b) => distance(place.file, a.source) - distance(place.file, b.source) || a.wallMs - b.wallMs)
    .slice(0, maxFilesABreak);
  for (const [index, file] of near.entries()) {
    const limitMs = 60_000 + 5 * file.wallMs;
    const env = { [breakVariable]: String(place.id) };
    if ((await runTest(file, env, limitMs)).passed) continue;
    return { place, tried: index + 1, noticedBy: file.source };
  }
  return { place, tried: near.length, noticedBy: null };
}

/** Returns how many folders lie between a source and a test; the test of the source's own name comes first. */
function distance(source: string, test: string): number {
  const from = source
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .split('/');
  const to = test
    .replace(/^test\//, '')
    .replace(/\.test\.ts$/, '')
    .split('/');
  const same = from.findIndex((part, index) => part !== to[index]);
  return same === -1 ? 0 : from.length + to.length - 2 * same;
}

interface TestResult {
  /** True if all tests of the file pass before the limit. */
  readonly passed: boolean;
  readonly output: string;
}

async function runTest(file: TestFile, env: NodeJS.ProcessEnv, limitMs: number): Promise<TestResult> {
  const args = ['--test', '--test-reporter=tap', '--test-timeout=120000', file.compiled];
  const child = spawn(process.execPath, args, {
    cwd: copy,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
    detached: true,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGTERM'), limitMs);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  return { passed: code === 0, output };
}

/** Returns the lines of the tests that failed, with their errors. */
function reasonIn(output: string): string {
  const failed = output.split(/^(?=\s*(?:not )?ok \d)/m).filter((part) => part.trimStart().startsWith('not ok'));
  const reasons = failed.map((part) => part.split('\n').slice(0, 16).join('\n'));
  return reasons.length === 0 ? 'It ended before its tests did.' : reasons.join('\n');
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = [...items.entries()];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
  return results;
}

function sentence({ place, tried, noticedBy }: Outcome): string {
  const isLeftOut = place.kind === 'statement' || place.kind === 'entry';
  const change = isLeftOut ? 'left out' : `-> ${oneLine(place.after)}`;
  const by = noticedBy === null ? `by none of ${tried} files` : `by ${noticedBy} (${tried})`;
  return `${place.id} ${place.file}:${place.line} ${oneLine(place.before)} ${change}: ${by}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 100);
}
