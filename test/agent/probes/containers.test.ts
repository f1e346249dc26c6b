/** Containers by their cgroups. The trees are invented, from https://docs.kernel.org/admin-guide/cgroup-v2.html. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { startChecks } from '../../../agent/checks/start-checks.ts';
import { containers } from '../../../agent/probes/containers.ts';
import { checkAwks, checkedMachine, inShort, type Files } from '../../support/built-in-checks.ts';
import { isWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf } from './fixture-context.ts';

const [web, db] = ['4f5d0a1b2c3d'.padEnd(64, 'a'), 'e'.repeat(64)];
const tree = 'sys/fs/cgroup';
const version2: Files = { [`${tree}/cgroup.controllers`]: 'cpu io memory\n' };

interface Figures {
  readonly kills?: number;
  readonly usage?: number;
  readonly memory?: number;
  readonly most?: string;
}

function container(path: string, { kills = 0, usage = 0, memory = 1, most = 'max' }: Figures = {}): Files {
  const dir = `${tree}/${path}`;
  return {
    [`${dir}/memory.events`]: `low 0\nhigh 0\nmax 9\noom 9\noom_kill ${kills}\noom_group_kill 0\n`,
    [`${dir}/memory.current`]: `${memory * 1024 * 1024}\n`,
    [`${dir}/memory.max`]: `${most}\n`,
    [`${dir}/cpu.stat`]: `usage_usec ${usage}\nuser_usec 5\nsystem_usec 6\n`,
  };
}
const docker = (figures: Figures): Files => ({
  ...version2,
  ...container(`system.slice/docker-${web}.scope`, figures),
});

for (const awk of checkAwks) {
  test(`the scopes of Docker and Podman, and of a user's Podman (${awk})`, async (t) => {
    const machine = checkedMachine(t, awk);
    const user = 'user.slice/user-1000.slice/user@1000.service/user.slice';
    const files = {
      ...docker({ memory: 100, most: '536870912' }),
      ...container(`machine.slice/libpod-${db}.scope`, { memory: 7 }),
      ...container(`machine.slice/libpod-conmon-${'b'.repeat(64)}.scope`),
      ...container(`system.slice/ssh.service`),
      ...container(`docker/${'c'.repeat(64)}`, { kills: 5 }),
      ...container(`${user}/libpod-${'d'.repeat(64)}.scope`),
    };
    assert.deepEqual((await machine.visit(files)).map(inShort), [
      { name: 'container:4f5d0a1b2c3d', exit: 0, output: 'running|memory=104857600B;;;0;536870912 oom_kills=0' },
      { name: 'container:eeeeeeeeeeee', exit: 0, output: 'running|memory=7340032B;;;0 oom_kills=0' },
      { name: 'container:cccccccccccc', exit: 0, output: 'running|memory=1048576B;;;0 oom_kills=5' },
      { name: 'container:dddddddddddd', exit: 0, output: 'running|memory=1048576B;;;0 oom_kills=0' },
    ]);
    assert.deepEqual(await machine.visit(container(`system.slice/docker-${web}.scope`)), [], 'no version 2');
  });

  test(`a kill is a WARNING for an hour, and CPU time a share (${awk})`, async (t) => {
    const machine = checkedMachine(t, awk);
    const states: (number | null)[] = [];
    const visit = async (figures: Figures, afterSeconds: number): Promise<string> => {
      const [check] = await machine.visit(docker(figures), afterSeconds);
      states.push(check?.exit ?? null);
      return check?.output ?? '';
    };
    await visit({ kills: 2, usage: 1_000_000 }, 60);
    // Compared with 6,000 s, the duration of the visit itself is less than 0.01 %.
    assert.equal(
      await visit({ kills: 3, usage: 1_501_000_000 }, 6000),
      'processes killed for want of memory, 3 since its start|memory=1048576B;;;0 cpu=25% oom_kills=3',
    );
    await visit({ kills: 3 }, 3500);
    await visit({ kills: 3 }, 101);
    // A restarted container: its counters begin again.
    const started = await visit({ kills: 1 }, 60);
    await visit({ kills: 2 }, 60);
    assert.deepEqual(states, [0, 1, 1, 0, 0, 1]);
    assert.match(started, /cpu=0%/);
  });

  test(`cgroups that say nothing, and what else is there (${awk})`, async (t) => {
    const checks = await checkedMachine(t, awk).visit({
      ...version2,
      [`${tree}/system.slice/docker-${web}.scope/memory.max`]: 'lots\n',
      [`${tree}/system.slice/docker-${web}x.scope/memory.max`]: '1\n',
      [`${tree}/docker/x/memory.max`]: '1\n',
    });
    assert.deepEqual(checks.map(inShort), [{ name: 'container:4f5d0a1b2c3d', exit: 0, output: 'running|oom_kills=0' }]);
  });
}

test('of many containers 50 are looked at', async (t) => {
  const many = Array.from({ length: 60 }, (_, at) =>
    container(`docker/${String(at).padStart(64, '0').split('').reverse().join('')}`),
  );
  assert.equal((await checkedMachine(t).visit(Object.assign({}, version2, ...many) as Files)).length, 50);
});

/** The answers of Docker: the list, and those to other paths below /containers/. Any other path is not found. */
interface Answers {
  readonly list: string;
  readonly others?: Readonly<Record<string, string | Buffer>>;
}

const unhealthy = 'json?filters={"health":["unhealthy"]}';
const logOf = (id: string): string => `${id.slice(0, 12)}/logs?stdout=1&stderr=1&tail=5`;

/** Starts a server that answers at the socket of Docker below a root. Returns the requests. */
async function dockerAt(t: TestContext, root: string, answers: string | (() => Answers)): Promise<readonly string[]> {
  const asked: string[] = [];
  mkdirSync(`${root}/run`, { recursive: true });
  const server = createServer((request, response) => {
    const what = decodeURI(request.url ?? '').replace('/containers/', '');
    asked.push(`${request.method ?? ''} ${what}`);
    const { list, others = {} } = typeof answers === 'string' ? { list: answers } : answers();
    const answer = what === 'json' ? list : others[what];
    if (answer === undefined) response.statusCode = what === unhealthy ? 200 : 404;
    response.end(answer ?? (what === unhealthy ? '[]' : '{"message":"no such thing"}'));
  });
  await new Promise<void>((resolve) => server.listen(`${root}/run/docker.sock`, resolve));
  t.after(() => server.close());
  return asked;
}
const answered = (id: string, name: string, status = 'Up 3 hours', state = 'running'): string =>
  JSON.stringify([
    { Id: web, Names: ['/web'], Image: 'x "Id":"1","Names":["/no"', Labels: {}, State: 'running', Status: 'Up 2 days' },
    { Id: id, Names: [`/${name}`], Labels: { a: '"State":"x","Status":"y"' }, State: state, Status: status },
  ]);

test('names come from Docker where its socket may be opened', async (t) => {
  const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...docker({}) });
  const asked = await dockerAt(t, root, answered(db, 'db'));
  const { checks, counters } = await containers.run(contextOf(root));
  assert.equal(checks?.[0]?.name, 'container:web');
  const [ofDocker] = asked;
  assert.equal(ofDocker, 'GET json');
  assert.equal(asked.length, 2, 'the list, and the unhealthy ones');

  const agent = shellAgent(t);
  const { report } = await agent.run({ root });
  assert.equal(report?.checks?.[0]?.name, 'container:web');
  rootWith(root, { 'proc/uptime': '1060.00 1.00\n' });
  assert.equal((await agent.run({ root })).report?.checks?.[0]?.name, 'container:web');
  // Once Docker is silent, the name is that of the former visit.
  const silent = rootWith(tempFolder(t), docker({}));
  const kept = await containers.run(contextOf(silent, { counters: counters ?? null }));
  assert.equal(kept.checks?.[0]?.name, 'container:web');
});

/** Returns the checks that both agents report with these conf lines. Asserts that both report the same. */
async function withLines(t: TestContext, root: string, lines: string, awk: string): Promise<readonly unknown[]> {
  mkdirSync(`${root}/etc/fleet-health/checks.d`, { recursive: true, mode: 0o755 });
  writeFileSync(`${root}/etc/fleet-health/checks.d/own.conf`, lines, { mode: 0o644 });
  const { checks } = await containers.run(contextOf(root));
  const given = { requested: [], placeDir: tempFolder(t), bootId: null, deadlineMs: 10_000, root };
  const node = withBuiltIn(await startChecks(given), checks).checks?.map(inShort) ?? [];
  const { report, fault } = await shellAgent(t, { awk }).run({ root });
  assert.equal(fault, null);
  assert.deepEqual(report?.checks?.map(inShort), node, awk);
  assert.deepEqual(
    Object.keys(report).filter((key) => key.startsWith('checks')),
    ['checks'],
  );
  return node;
}
const running = 'running|memory=1048576B;;;0 oom_kills=0';

for (const awk of checkAwks) {
  test(`an expected container that is missing is CRITICAL (${awk})`, async (t) => {
    const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...docker({}) });
    const lines = 'container web\ncontainer db\ncontainer db\n"container:cache" echo mine\ncontainer cache\n';
    const mine = { name: 'container:cache', exit: 0, output: 'mine' };
    const notKnown = 'not running, or without a known name';
    assert.deepEqual(await withLines(t, root, lines, awk), [
      mine,
      { name: 'container:web', exit: 3, output: notKnown },
      { name: 'container:db', exit: 3, output: notKnown },
      { name: 'container:4f5d0a1b2c3d', exit: 0, output: running },
    ]);
    await dockerAt(t, root, answered('f'.repeat(64), 'other'));
    assert.deepEqual(await withLines(t, root, lines, awk), [
      mine,
      { name: 'container:db', exit: 2, output: 'not running' },
      { name: 'container:web', exit: 0, output: running },
    ]);
  });
}

test('without any container each expected one is missing, and other lines are checks', async (t) => {
  const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...version2 });
  assert.deepEqual(await withLines(t, root, 'container a b\ncontainer web.1\n', 'mawk'), [
    { name: 'container', exit: null, output: '' },
    { name: 'container:web.1', exit: 2, output: 'not running' },
  ]);
});

for (const [what, answer] of [
  ['no JSON', 'Forbidden'],
  ['JSON of another form', '{"message":"no"}'],
  ['only other containers', answered(db, 'db').replace(web, 'f'.repeat(64))],
  ['too much', ' '.repeat(1024 * 1024 + 1)],
] as const) {
  test(`${what} from the socket leaves the short id`, async (t) => {
    const root = rootWith(tempFolder(t), docker({}));
    await dockerAt(t, root, answer);
    const { checks } = await containers.run(contextOf(root));
    assert.equal(checks?.[0]?.name, 'container:4f5d0a1b2c3d');
    assert.equal((await shellAgent(t).run({ root })).report?.checks?.[0]?.name, 'container:4f5d0a1b2c3d');
  });
}

test('a socket that says nothing is waited for only shortly', async (t) => {
  const root = rootWith(tempFolder(t), docker({}));
  mkdirSync(`${root}/run`, { recursive: true });
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(`${root}/run/docker.sock`, resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const { checks } = await containers.run(contextOf(root));
  assert.equal(checks?.[0]?.name, 'container:4f5d0a1b2c3d');
});

/** Returns lines as Docker sends them: each with a header of its stream and length. */
const framed = (...lines: readonly string[]): Buffer =>
  Buffer.concat(
    lines.flatMap((line, at) => {
      const header = Buffer.from([1 + (at % 2), 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt32BE(Buffer.byteLength(line) + 1, 4);
      return [header, Buffer.from(`${line}\n`)];
    }),
  );

for (const awk of checkAwks) {
  test(`an unhealthy container is CRITICAL, with the last five lines of its log (${awk})`, async (t) => {
    const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...docker({}) });
    const long = 'x'.repeat(300);
    const lines = ['123456789', 'täst | pipe', `\x1b[31m${'z'.repeat(130)}`, `key=1 ${long}`, 'oops'];
    let others: NonNullable<Answers['others']> = { [unhealthy]: answered(db, 'db'), [logOf(web)]: framed(...lines) };
    await dockerAt(t, root, () => ({ list: answered(db, 'db'), others }));
    const text = (rows: readonly unknown[]): string => (rows[0] as { readonly output: string }).output;
    const shown = [
      'unhealthy|memory=1048576B;;;0 oom_kills=0',
      ...['123456789', 'täst / pipe', `\ufffd[31m${'z'.repeat(130)}`, `key=1 ${'x'.repeat(164)}`, 'oops'],
    ];
    assert.deepEqual(text(await withLines(t, root, '', awk)).split('\n'), shown);
    others = { [unhealthy]: answered(db, 'db') };
    const { checks } = await containers.run(contextOf(root));
    assert.equal(checks?.[0]?.logTail, '', 'no log to read');
  });

  test(`no log is read if config.xml says so, nor the log of a container that is well (${awk})`, async (t) => {
    const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...docker({}) });
    let sick = answered(db, 'db');
    const others = () => ({ [unhealthy]: sick, [logOf(web)]: framed('secret') });
    const asked = await dockerAt(t, root, () => ({ list: answered(db, 'db'), others: others() }));
    await containers.run(contextOf(root, { options: { noExcerpts: true } }));
    if (isWide) await shellAgent(t, { awk }).run({ root, options: { noExcerpts: true } });
    sick = '[]';
    await containers.run(contextOf(root));
    assert.deepEqual(
      asked.filter((what) => what.includes('logs')),
      [],
    );
  });
}

test('four restarts within an hour are CRITICAL, also of a container that waits for its next start', async (t) => {
  const root = rootWith(tempFolder(t), docker({ usage: 9 }));
  let count = 7;
  let list = () => answered(db, 'loop', 'Restarting (3) 5 seconds ago', 'restarting');
  const others = () => ({
    [`${db.slice(0, 12)}/json`]: `{"Id":"${db}","Config":{"Env":["TOKEN=hush"]},"RestartCount":${count},"Name":"/loop"}`,
    [logOf(db)]: framed('no database'),
  });
  await dockerAt(t, root, () => ({ list: list(), others: others() }));
  let counters: Parameters<typeof contextOf>[1] = {};
  const visit = async (elapsedMs: number, restarts: number): Promise<string> => {
    count += restarts;
    const result = await containers.run(contextOf(root, { ...counters, elapsedMs }));
    counters = { counters: JSON.parse(JSON.stringify(result.counters)) as never };
    const { name, state, text } = result.checks?.find((check) => check.name === 'container:loop') ?? {};
    return `${name} ${state} ${text}`;
  };
  const minutes = 60_000;
  assert.equal(await visit(0, 0), 'container:loop 0 restarting');
  assert.equal(await visit(5 * minutes, 3), 'container:loop 0 restarting');
  assert.equal(await visit(50 * minutes, 1), 'container:loop 2 restarted 4 times within an hour');
  assert.equal(await visit(9 * minutes, 0), 'container:loop 2 restarted 4 times within an hour');
  assert.equal(await visit(2 * minutes, 0), 'container:loop 0 restarting');
  assert.equal(await visit(2 * minutes, 900), 'container:loop 2 restarted 4 times within an hour');
  // Between two starts it may be in no list for a moment.
  list = () => '[]';
  assert.equal(await visit(2 * minutes, 0), 'container:loop 2 restarted 4 times within an hour');
  assert.equal(await visit(60 * minutes, 0), 'undefined undefined undefined');
});

test('the shell agent counts restarts too, and takes no environment of a container along', async (t) => {
  const list = answered(db, 'loop', 'Up 2 seconds');
  let count = 1;
  const root = rootWith(tempFolder(t), { ...docker({}), ...container(`system.slice/docker-${db}.scope`) });
  const detail = () => `{"Id":"${db}","Args":["--password=hush"],"RestartCount":${count}}`;
  await dockerAt(t, root, () => ({
    list,
    others: {
      [`${db.slice(0, 12)}/json`]: detail(),
      [logOf(db)]: framed('no database'),
    },
  }));
  const agent = shellAgent(t);
  const visit = async (seconds: number): Promise<string | undefined> => {
    rootWith(root, { 'proc/uptime': `${seconds}.00 1.00\n` });
    const { report } = await agent.run({ root });
    assert.doesNotMatch(JSON.stringify(report), /hush/);
    return report?.checks?.find(({ name }) => name === 'container:loop')?.output.replace(/\|.*/, '');
  };
  assert.equal(await visit(1000), 'running');
  count = 5;
  assert.equal(await visit(1060), 'restarted 4 times within an hour\nno database');
});

test('without a socket a restart is seen by new counters, one at each visit', async (t) => {
  const states: (number | undefined)[] = [];
  let counters: Parameters<typeof contextOf>[1] = {};
  for (const usage of [500, 400, 300, 200, 100, 100]) {
    const result = await containers.run(contextOf(rootWith(tempFolder(t), docker({ usage })), counters));
    states.push(result.checks?.[0]?.state);
    counters = { counters: result.counters ?? null, elapsedMs: 300_000 };
  }
  assert.deepEqual(states, [0, 0, 0, 0, 2, 2]);
});
