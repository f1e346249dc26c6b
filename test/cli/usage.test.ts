import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { createAgentProgram } from '../../src/agent-cli.ts';
import { createProgram } from '../../src/cli.ts';
import type { Command } from '../../src/cli/command/define-command.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { packageDir } from '../../src/state-folder/paths.ts';
import { configFolder, exits, outcomeOf, program, runCli, succeeded } from '../support/programs/run-cli.ts';
import { tempFolder } from '../support/temp-folder.ts';

const made = createProgram(() => Promise.resolve());
/** The names of the commands that are not hidden. */
const commands = made
  .createHelp()
  .visibleCommands(made)
  .map((command) => command.name())
  .filter((name) => name !== 'help');

test('--version prints the version of package.json', async () => {
  const { version } = JSON.parse(readFileSync(path.join(packageDir, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual(await runCli(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' });
});

test('the help names every command, and nothing that is not built', async () => {
  const { status, stdout } = await runCli(['--help']);
  assert.equal(status, 0);
  const listed = stdout
    .slice(stdout.indexOf('The first hour:'), stdout.indexOf('Example:'))
    .split('\n')
    .flatMap((line) => /^ {2}(\w+)/.exec(line)?.slice(1) ?? []);
  assert.deepEqual(listed.toSorted(), [...commands, 'help'].toSorted());
});

test('every command that a room of src/cli defines is one of its program', () => {
  const source = path.join(packageDir, 'src');
  const read = (...names: readonly string[]): string => readFileSync(path.join(source, ...names), 'utf8');
  const rooms = readdirSync(path.join(source, 'cli')).filter((room) =>
    existsSync(path.join(source, 'cli', room, 'commands.ts')),
  );
  assert.ok(rooms.includes('alerts') && rooms.includes('agent-program'));
  const exported: (string | undefined)[] = [];
  for (const room of rooms) {
    const defined = [...read('cli', room, 'commands.ts').matchAll(/^export const (\w+)/gm)].map(([, name]) => name);
    assert.ok(defined.length > 0, room);
    const program = read(room === 'agent-program' ? 'agent-cli.ts' : 'cli.ts');
    const [, imported = ''] = new RegExp(`import ([^;]*) from './cli/${room}/commands.ts'`).exec(program) ?? [];
    // The linter finds an import that is not used.
    const names = imported
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim());
    const all = /^\* as (\w+)$/.exec(imported)?.[1];
    if (all === undefined) assert.deepEqual(defined.toSorted(), names.toSorted(), `src/cli/${room}/commands.ts`);
    else assert.ok(program.includes(`...${all},`) || program.includes(`...${all} `), `src/cli.ts spreads ${all}`);
    if (room !== 'agent-program') exported.push(...defined);
  }
  // Two rooms with an export of one name would be one command.
  assert.deepEqual(exported.toSorted(), [...new Set(exported)].toSorted());
});

test('-V is --version', async () => {
  assert.deepEqual(await runCli(['-V']), await runCli(['--version']));
});

/** Returns a command and all below it. */
function withInner(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withInner)];
}

/** Returns the whole help of a command, as it is printed. */
function printedHelp(command: Command): string {
  let printed = '';
  command.configureOutput({ writeOut: (text) => (printed += text), getOutHelpWidth: () => 80 }).outputHelp();
  return printed;
}

for (const create of [createProgram, createAgentProgram]) {
  const all = withInner(create(() => Promise.resolve()));
  test(`no line of the help of ${all[0]?.name() ?? ''} is wider than 80 columns`, async () => {
    assert.ok(all.length > 10);
    const texts = all.map(printedHelp);
    for (const text of texts) assert.match(text, /^Usage: [^]*\n$/);
    const groups = [...(texts[0] ?? '').matchAll(/\(help ([\w-]+)\):$/gm)].map(([, name = '']) => name);
    for (const group of groups) texts.push(await succeeded(runCli(['help', group])));
    const wide = texts.flatMap((text) => text.split('\n').filter((line) => line.length > 80));
    assert.deepEqual(wide, []);
  });
}

test('the help begins with the commands of the first hour', async () => {
  const { stdout } = await runCli(['--help']);
  const names = stdout
    .slice(stdout.indexOf('The first hour:'), stdout.indexOf('Every day'))
    .match(/^ {2}\w+/gm)
    ?.map((name) => name.trim());
  assert.deepEqual(names, ['demo', 'init', 'trust', 'check', 'collect', 'status', 'crontab']);
});

test('help of a group lists its commands, those of the first hour included', async () => {
  const stdout = await succeeded(runCli(['help', 'set-up']));
  assert.match(stdout, /^ {2}init .*^ {2}import /ms);
  assert.doesNotMatch(stdout, /^ {2}collect /m);
});

test('help of something else names it', async () => {
  const { status, stderr } = await runCli(['help', 'keys', 'ritire']);
  assert.equal(status, 2);
  assert.match(stderr, /there is no command or group "keys ritire" \(usage\)\. See fleet-health --help\./);
});

const subcommands = {
  keys: ['list', 'generate', 'rotate', 'retire', 'import-public'],
  silence: ['add', 'list', 'expire'],
  mail: ['list', 'discard'],
  events: ['url', 'send'],
  tokens: ['add', 'list', 'remove'],
};
const nested = Object.entries(subcommands).flatMap(([group, names]) => names.map((name) => `${group} ${name}`));

for (const command of [...commands, ...nested]) {
  test(`the help of ${command} shows an example that starts with its name`, async () => {
    const stdout = await succeeded(runCli([...command.split(' '), '--help']));
    const first = command.split(' ')[0] ?? '';
    assert.match(stdout, new RegExp(`\nExample:\n  fleet-health ${first}`));
  });
}

const wrong: readonly (readonly [args: string, says: RegExp])[] = [
  ['colect', /^fleet-health: unknown command 'colect' \(usage\)\. Did you mean collect\?/],
  ['collect --dryrun', /unknown option '--dryrun' \(usage\)\. Did you mean --dry-run\?/],
  ['--jsno status', /unknown option '--jsno' \(usage\)\. Did you mean --json\?/],
  ['migrate web-1', /too many arguments/],
  ['collect --concurrency 0', /whole number from 1 to/],
  ['collect --concurrency 1e3', /whole number from 1 to/],
  ['collect --retry -1', /whole number from 0 to/],
  ['collect --group', /argument missing/],
  ['keys retire', /missing required argument 'id'/],
  ['keys lst', /unknown command 'lst' \(usage\)\. Did you mean list\?/],
  ['-q -v status', /cannot be used with/],
];

for (const [args, says] of wrong) {
  test(`\`${args}\` is refused in one line`, async () => {
    const { status, stdout, stderr } = await runCli(args.split(' '));
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr.split('\n')[0] ?? '', says);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  });
}

for (const group of ['keys', 'silence', 'forget', 'mail', 'events', 'tokens']) {
  test(`\`--json ${group}\` without its subcommand is an object too`, async () => {
    const { status, stdout } = await runCli(['--json', group]);
    assert.equal(status, 2);
    assert.deepEqual(JSON.parse(stdout), {
      error: {
        code: 'usage',
        stage: 'usage',
        message: 'a command is missing',
        advice: `See fleet-health ${group} --help.`,
      },
    });
  });
}

test('help, and help of a command, print what --help prints', async () => {
  for (const command of [[], ['collect'], ['keys']]) {
    const asked = await runCli([...command, '--help']);
    assert.deepEqual(await runCli(['help', ...command]), asked);
    assert.equal(asked.status, 0);
  }
});

test('a wrong option points to the help of the innermost command', async () => {
  const { stderr } = await runCli(['keys', 'retire', '--forse', '0123456789abcdef']);
  assert.match(stderr, /Did you mean --force\? See fleet-health keys retire --help\.$/m);
});

test('output that cannot be written is reported as that, not as a fault of the program', async (t) => {
  const dir = configFolder(t, '<config><client ip="127.0.0.1" mail="ops@example.org"/></config>');
  const words = [process.execPath, program, '-c', path.join(dir, 'config.xml'), 'check'];
  const shell = spawn('/bin/sh', ['-c', 'exec "$@" >/dev/full', 'sh', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  await exits(
    3,
    outcomeOf(shell),
    /^fleet-health: what this command prints cannot be written: .*ENOSPC.* \(output-unwritable\)\./,
  );
});

test('a run whose log cannot be written is made, and says so at its end', async (t) => {
  const dir = configFolder(t, '<config><client name="c" ip="127.0.0.1" port="1" username="u" password="x"/></config>');
  const words = [process.execPath, program, '-c', path.join(dir, 'config.xml'), 'collect'];
  const shell = spawn('/bin/sh', ['-c', 'exec "$@" >/dev/full', 'sh', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  await exits(3, outcomeOf(shell), /cannot be written: .*ENOSPC.* \(output-unwritable\)\./);
  const database = openSqlite(path.join(dir, 'state', 'fleet.db'));
  t.after(() => database.close());
  const rows = database.prepare("SELECT outcome, failed FROM runs WHERE program = 'collect'").all();
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [{ outcome: 'finished', failed: 1 }],
  );
});

test('help whose reader has gone ends without a word', async () => {
  const words = [process.execPath, program, 'help'];
  // The reader of the pipe ends before the program writes.
  const script = '{ sleep 0.2; "$@"; echo "status $?" >&2; } | exec true';
  const shell = spawn('/bin/sh', ['-c', script, 'sh', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { stderr } = await outcomeOf(shell);
  assert.equal(stderr, 'status 0\n');
});

test('with --json a wrong command line is an object too', async () => {
  const { status, stdout } = await runCli(['--json', 'colect']);
  assert.equal(status, 2);
  assert.deepEqual(JSON.parse(stdout), {
    error: {
      code: 'usage',
      stage: 'usage',
      message: "unknown command 'colect'",
      advice: 'Did you mean collect? See fleet-health --help.',
    },
  });
});

test('no command at all shows the help on stderr', async () => {
  const { status, stdout, stderr } = await runCli([]);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(stderr, /^Usage: fleet-health/);
});

/** Runs the program with this script loaded before it. */
async function preloaded(text: string, args: readonly string[]): Promise<Awaited<ReturnType<typeof runCli>>> {
  const file = path.join(tempFolder(), 'before.cjs');
  writeFileSync(file, text);
  return await runCli(args, { nodeArgs: ['--require', file] });
}

for (const [version, status] of [
  ['18.20.8', 2],
  ['20.18.3', 2],
  ['20.19.0', 0],
  ['22.0.0', 0],
] as const) {
  test(`Node ${version} is ${status === 0 ? 'new enough' : 'too old, and one line says so'}`, async () => {
    const pretend =
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: ` + `'${version}' } })`;
    const result = await preloaded(pretend, ['--version']);
    assert.equal(result.status, status);
    const line = `fleet-health: Node ${version} is too old; it needs 20.19 or newer.\n`;
    assert.equal(result.stderr, status === 0 ? '' : line);
  });
}

test('the thread pool has 64 threads at its first use, unless the environment says otherwise', async () => {
  // Node creates the pool with all its threads at the first use; --version alone does not use it.
  const count = `process.on('exit', () => {
      require('node:fs').stat('/', () => undefined);
      process.stderr.write(String(require('node:fs').readdirSync('/proc/self/task').length));
    });
    if (process.env.SIZE) process.env.UV_THREADPOOL_SIZE = process.env.SIZE;`;
  const threads = async (text: string): Promise<number> => Number((await preloaded(text, ['--version'])).stderr);
  const four = await threads(`process.env.SIZE = '4'; ${count}`);
  assert.equal((await threads(count)) - four, 60);
});
