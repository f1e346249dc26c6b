/**
 * The built program on every Node that it is for: the machine's own, 22 and 24, each with cron's empty environment. The
 * other two come from the npm packages that hold nothing but the binary.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..');
const program = path.join(root, 'dist', 'fleet-health.cjs');
const cache = path.join(root, 'node_modules', '.cache', 'fleet-health-nodes');

/** Returns the binary of a major version, from npm. If there is none, skips the test, or fails it under CI. */
async function nodeOf(t: TestContext, major: number): Promise<string | null> {
  const binary = path.join(
    cache,
    String(major),
    'node_modules',
    `node-${process.platform}-${process.arch}`,
    'bin',
    'node',
  );
  if (existsSync(binary)) return binary;
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(path.join(cache, 'fetching-'));
  try {
    writeFileSync(path.join(fresh, 'package.json'), '{}');
    const name = `node-${process.platform}-${process.arch}@${major}`;
    const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', name];
    await run('npm', args, { cwd: fresh, timeout: 120_000 });
    if (!existsSync(path.join(cache, String(major)))) renameSync(fresh, path.join(cache, String(major)));
    return binary;
  } catch (thrown) {
    if (process.env['CI']) throw thrown;
    t.skip(`no Node ${major} to be had: ${String(thrown).slice(0, 200)}`);
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function smoke(node: string): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-health-smoke-'));
  const config = path.join(dir, 'config.xml');
  writeFileSync(config, '<config><client name="here" ip="127.0.0.1" transport="local"/></config>\n', { mode: 0o600 });
  // Cron's environment: no HOME, no USER, a PATH without Node.
  const fleetHealth = async (...args: string[]): Promise<Outcome> => {
    const command = ['-i', 'PATH=/usr/bin:/bin', node, program, '-c', config, ...args];
    return run('/usr/bin/env', command, { cwd: dir, timeout: 60_000 }).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
      (thrown: unknown) => {
        const { code, stdout, stderr } = thrown as { code?: number; stdout?: string; stderr?: string };
        return { status: code ?? -1, stdout: stdout ?? '', stderr: stderr ?? String(thrown) };
      },
    );
  };
  const well = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await fleetHealth(...args);
    assert.deepEqual({ args, status, stderr }, { args, status: 0, stderr: '' }, stdout);
    return stdout;
  };
  try {
    assert.match(await well('--version'), /^\d+\.\d+\.\d+\n$/);
    assert.equal((JSON.parse(await well('--json', 'check')) as { valid: boolean }).valid, true);
    const collected = JSON.parse(await well('--json', 'collect')) as { succeeded: number; reports: { stored: number } };
    assert.equal(collected.succeeded, 1);
    assert.ok(collected.reports.stored >= 1);
    assert.equal(await well('-q', 'collect'), '');
    const { clients } = JSON.parse(await well('--json', 'status')) as {
      clients: { client: string; state: string; memory_percent: number | null }[];
    };
    assert.deepEqual(
      clients.map(({ client, state }) => ({ client, state })),
      [{ client: 'here', state: 'ok' }],
    );
    assert.equal(typeof clients[0]?.memory_percent, 'number');
    assert.match(await well('keys', 'list'), /seals and opens/);
    await well('migrate', '--check');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test(`the built program on this Node, ${process.version}`, async () => {
  await smoke(process.execPath);
});

for (const major of [22, 24]) {
  test(`the built program on Node ${major}`, async (t) => {
    const node = await nodeOf(t, major);
    if (node === null) return;
    assert.match(execFileSync(node, ['--version'], { encoding: 'utf8' }), new RegExp(`^v${major}\\.`));
    await smoke(node);
  });
}
