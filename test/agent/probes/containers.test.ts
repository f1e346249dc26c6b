// Second tier: each place of a cgroup, by both agents.
/** Containers by their cgroups. The trees are invented, from https://docs.kernel.org/admin-guide/cgroup-v2.html. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { startChecks } from '../../../agent/checks/start-checks.ts';
import { containers } from '../../../agent/probes/containers.ts';
import { checkAwks, checkedMachine, inShort, type Files } from '../../support/clients/built-in-checks.ts';
import { isWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
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

function container(cgroup: string, { kills = 0, usage = 0, memory = 1, most = 'max' }: Figures = {}): Files {
  const dir = `${tree}/${cgroup}`;
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
      { name: 'container:cccccccccccc', exit: 0, output: 'running|memory=1048576B;;;0 oom_kills=5' },
      { name: 'container:eeeeeeeeeeee', exit: 0, output: 'running|memory=7340032B;;;0 oom_kills=0' },
      { name: 'container:4f5d0a1b2c3d', exit: 0, output: 'running|memory=104857600B;;;0;536870912 oom_kills=0' },
      { name: 'container:dddddddddddd', exit: 0, output: 'running|memory=1048576B;;;0 oom_kills=0' },
    ]);
    assert.deepEqual(await machine.visit(container(`system.slice/docker-${web}.scope`)), [], 'no version 2');
  });

  test(`a kill is a WARNING for an hour, and CPU time a share (${awk})`, async (t) => {
    const machine = checkedMachine(t, awk, true);
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
    const checks = await checkedMachine(t, awk, true).visit({
      ...version2,
      [`${tree}/system.slice/docker-${web}.scope/memory.max`]: 'lots\n',
      [`${tree}/system.slice/docker-${web}x.scope/memory.max`]: '1\n',
      [`${tree}/docker/x/memory.max`]: '1\n',
    });
    assert.deepEqual(checks.map(inShort), [{ name: 'container:4f5d0a1b2c3d', exit: 0, output: 'running' }]);
  });
}

/** Returns the places of a cgroup by runtime, driver and option. */
const placesOf = (id: string): Readonly<Record<string, string>> => ({
  'Docker, systemd': `system.slice/docker-${id}.scope`,
  'Docker, cgroupfs': `docker/${id}`,
  'Docker, --cgroup-parent of a slice': `people.slice/people-own.slice/docker-${id}.scope`,
  'Docker, --cgroup-parent of a folder': `people/own/${id}`,
  'rootless Docker': `user.slice/user-1000.slice/user@1000.service/app.slice/docker-${id}.scope`,
  'Docker, another runtime': `system.slice/docker.service/docker/${id}`,
  'Podman, systemd': `machine.slice/libpod-${id}.scope`,
  'Podman, cgroupfs': `libpod_parent/libpod-${id}`,
  'Podman, --cgroup-parent': `people/own/libpod-${id}`,
  'a pod, systemd': `machine.slice/machine-libpod_pod_${db}.slice/libpod-${id}.scope`,
  'a pod, cgroupfs': `libpod_parent/${db}/libpod-${id}`,
  'rootless Podman': `user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope`,
  'a rootless pod': `user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_${db}.slice/libpod-${id}.scope`,
  Quadlet: `system.slice/web.service/libpod-payload-${id}`,
  'Quadlet of a user': `user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-${id}`,
});

for (const awk of checkAwks) {
  test(`a cgroup is found wherever it is, with its figures (${awk})`, async (t) => {
    const kinds = Object.keys(placesOf(''));
    const idOf = (at: number): string => at.toString(16).repeat(64);
    const files = kinds.map((kind, at) => {
      const id = idOf(at);
      const place = placesOf(id)[kind] ?? '';
      return {
        ...container(place, { memory: at + 1 }),
        // The conmon of a container, the group of crun below it, and a container inside of it are no rows.
        ...container(place.replace(/[^/]*$/, `libpod-conmon-${id}.scope`)),
        ...container(`${place}/container`),
        ...container(`${place}/docker/${'f'.repeat(64)}`),
      };
    });
    const checks = await checkedMachine(t, awk).visit(Object.assign({}, version2, ...files) as Files);
    const found = checks.map(({ name, output }) => `${name} ${output}`);
    const row = (at: number): string =>
      `container:${idOf(at).slice(0, 12)} running|memory=${(at + 1) * 1024 * 1024}B;;;0 oom_kills=0`;
    assert.deepEqual(new Set(found), new Set(kinds.map((_, at) => row(at))));
    assert.equal(found.length, kinds.length);
  });

  test(`cgroups of version 1 have the same figures (${awk})`, async (t) => {
    const at = (controller: string, files: Files): Files =>
      Object.fromEntries(
        Object.entries(files).map(([name, text]) => [`${tree}/${controller}/docker/${web}/${name}`, `${text}\n`]),
      );
    const memory = { 'memory.usage_in_bytes': '4096', 'memory.limit_in_bytes': '8192' };
    const machine = checkedMachine(t, awk);
    // Compared with 6,000 s, the duration of the visit itself is less than 0.01 %.
    const visit = async (files: Files): Promise<unknown> => (await machine.visit(files, 6000)).map(inShort)[0];
    const cpu = (seconds: number): Files => at('cpuacct', { 'cpuacct.usage': String(seconds * 1e11) });
    const kills = 'oom_kill_disable 0\nunder_oom 0\noom_kill 2';
    await visit({ ...at('memory', { ...memory, 'memory.oom_control': kills }), ...cpu(100) });
    assert.deepEqual(
      await visit({ ...at('memory', { ...memory, 'memory.limit_in_bytes': '9223372036854771712' }), ...cpu(115) }),
      { name: 'container:4f5d0a1b2c3d', exit: 0, output: 'running|memory=4096B;;;0 cpu=25%' },
    );
    // Kernels of Raspberry Pis have no cgroup of memory.
    assert.deepEqual(await visit({ ...cpu(130), ...at('freezer', { 'freezer.state': 'FROZEN' }) }), {
      name: 'container:4f5d0a1b2c3d',
      exit: 1,
      output: 'paused|cpu=25%',
    });
  });

  test(`cgroups of other machines, and empty ones, are no rows without a list (${awk})`, async (t) => {
    const elsewhere = [
      'lxc/101/ns',
      'lxc.payload.web/system.slice',
      'kubepods/besteffort',
      'machine.slice/machine-a.scope',
    ];
    const files = elsewhere.map((folder) => container(`${folder}/docker-${web}.scope`));
    const empty = container(`docker/${db}`);
    const checks = await checkedMachine(t, awk, true).visit({
      ...(Object.assign({}, version2, empty, ...files) as Files),
      [`${tree}/docker/${db}/cgroup.events`]: 'populated 0\nfrozen 0\n',
      ...container(`system.slice/docker-${'7'.repeat(64)}.scope`),
      [`${tree}/system.slice/docker-${'7'.repeat(64)}.scope/cgroup.events`]: 'populated 1\nfrozen 1\n',
    });
    assert.deepEqual(checks.map(inShort), [
      { name: 'container:777777777777', exit: 1, output: 'paused|memory=1048576B;;;0 oom_kills=0' },
    ]);
  });
}

test('of many containers 50 are shown', async (t) => {
  const many = Array.from({ length: 60 }, (_, at) =>
    container(`docker/${String(at).padStart(64, '0').split('').reverse().join('')}`),
  );
  const machine = checkedMachine(t, 'mawk', true);
  assert.equal((await machine.visit(Object.assign({}, version2, ...many) as Files)).length, 50);
});

/** The answers of Docker: the list, and those to other paths below /containers/. Any other path is not found. */
interface Answers {
  readonly list: string;
  readonly others?: Readonly<Record<string, string | Buffer>>;
}

const unhealthy = 'json?filters={"health":["unhealthy"]}';
const logOf = (id: string): string => `${id.slice(0, 12)}/logs?stdout=1&stderr=1&tail=5`;

/** Starts a server that answers at the socket of Docker below a root. Returns the requests. */
async function dockerAt(
  t: TestContext,
  root: string,
  answers: string | (() => Answers),
  socket = 'run/docker.sock',
): Promise<readonly string[]> {
  const asked: string[] = [];
  mkdirSync(path.dirname(`${root}/${socket}`), { recursive: true });
  const server = createServer((request, response) => {
    const what = decodeURI(request.url ?? '').replace('/containers/', '');
    asked.push(`${request.method ?? ''} ${what}`);
    const { list, others = {} } = typeof answers === 'string' ? { list: answers } : answers();
    const answer = what === 'json' ? list : others[what];
    if (answer === undefined) response.statusCode = what.includes('filters') ? 200 : 404;
    response.end(answer ?? (what.includes('filters') ? '[]' : '{"message":"no such thing"}'));
  });
  await new Promise<void>((resolve) => server.listen(`${root}/${socket}`, resolve));
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
  assert.equal(asked.length, 3, 'the list, the unhealthy and the paused ones');

  const agent = shellAgent(t);
  const { report } = await agent.run({ root });
  assert.equal(report?.checks?.[0]?.name, 'container:web');
  if (isWide) {
    rootWith(root, { 'proc/uptime': '1060.00 1.00\n' });
    assert.equal((await agent.run({ root })).report?.checks?.[0]?.name, 'container:web');
  }
  // Once Docker is silent, the name is that of the former visit.
  const silent = rootWith(tempFolder(t), docker({}));
  const kept = await containers.run(contextOf(silent, { counters: counters ?? null }));
  assert.equal(kept.checks?.[0]?.name, 'container:web');
});

/**
 * Returns the checks that both agents report with these conf lines. Asserts that both report the same. With `isAlike`
 * only the second tier asks the shell agent.
 */
async function withLines(
  t: TestContext,
  root: string,
  lines: string,
  awk: string,
  isAlike = false,
): Promise<readonly unknown[]> {
  mkdirSync(`${root}/etc/fleet-health/checks.d`, { recursive: true, mode: 0o755 });
  writeFileSync(`${root}/etc/fleet-health/checks.d/own.conf`, lines, { mode: 0o644 });
  const { checks } = await containers.run(contextOf(root));
  const given = { requested: [], placeDir: tempFolder(t), bootId: null, deadlineMs: 10_000, root };
  const node = withBuiltIn(await startChecks(given), checks).checks?.map(inShort) ?? [];
  if (isAlike && !isWide) return node;
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
    assert.deepEqual(await withLines(t, root, lines, awk, true), [
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
      { name: 'container:other', exit: 0, output: 'running' },
    ]);
  });
}

/** Returns an entry of a list, in the order of Docker's and Podman's own members. */
const entry = (digit: string, name: string | readonly string[] | null, more: object = {}): object => ({
  Id: digit.repeat(64),
  Names: name === null ? null : [name].flat().map((one) => `/${one}`),
  Image: 'x "Id":"1","Names":["/no"',
  Command: 'sh -c "echo \\\\"',
  Labels: {},
  State: 'running',
  Status: 'Up 2 days',
  HostConfig: { NetworkMode: 'host', Annotations: { State: 'dead', Status: 'y', Id: '8'.repeat(64) } },
  Health: { Status: 'healthy', FailingStreak: 0 },
  Mounts: [{ Name: 'Names', State: 'z' }],
  ...more,
});
const task = 'x8f3k2j3h4g5h6j7k8l9m0n1p';
const composed = (service: string, oneoff = 'False'): object => ({
  Labels: {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': service,
    'com.docker.compose.oneoff': oneoff,
  },
});
const entries = [
  entry('1', 'plain', {
    Labels: { State: 'exited', Status: 'y', note: 'täst "x" \\', Names: '["/no"]', Id: 'f'.repeat(64) },
  }),
  entry('2', ['plain/linked', 'linked']),
  entry('3', 'x'),
  entry('4', 'deadbeef0123'),
  entry('5', null, { State: 'removing' }),
  entry('6', `web.1.${task}`, { Labels: { 'com.docker.swarm.service.name': 'web' } }),
  entry('7', 'shop-front-1', composed('front')),
  entry('8', '0123456789ab_shop-back-1', composed('back')),
  entry('9', 'shop-once-run-1', composed('once', 'True')),
  entry('a', 'long'.repeat(40)),
  entry('b', 'still', { State: 'paused', Status: 'Up 2 days (Paused)' }),
];
const rows = [
  ['container:still', 1, 'paused'],
  ['container:plain', 0, 'running'],
  ['container:linked', 0, 'running'],
  ['container:x', 0, 'running'],
  ['container:deadbeef0123', 0, 'running'],
  ['container:555555555555', 0, 'removing'],
  [`container:web.1.${task}`, 0, 'running'],
  ['container:shop-front-1', 0, 'running'],
  ['container:0123456789ab_shop-back-1', 0, 'running'],
  ['container:shop-once-run-1', 0, 'running'],
  [`container:${'long'.repeat(40).slice(0, 105)}/aaaaaaaaaaaa`, 0, 'running'],
];
const inRow = (row: unknown): unknown[] => Object.values(row as object);

for (const awk of checkAwks) {
  test(`each listed container is a row with its name and state, without a cgroup too (${awk})`, async (t) => {
    const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...version2 });
    await dockerAt(t, root, JSON.stringify(entries));
    assert.deepEqual((await withLines(t, root, '', awk)).map(inRow), rows);
  });

  test(`conf files name containers by what Compose, Swarm and people call them (${awk})`, async (t) => {
    const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...version2 });
    await dockerAt(t, root, JSON.stringify(entries.filter((_, at) => at !== 4)));
    const names = [
      'plain',
      'linked',
      'x',
      'deadbeef0123',
      'web',
      'web.1',
      'front',
      'shop-front',
      'shop_front',
      'shop-front-1',
    ];
    names.push('back', 'shop-back-1', 'long'.repeat(40), 'still', 'once', 'shop', 'Web');
    const bad = (await withLines(t, root, names.map((name) => `container ${name}\n`).join(''), awk, true)).map(inRow);
    assert.deepEqual(bad.slice(0, 4), [
      ['container:still', 2, 'paused'],
      ...['once', 'shop', 'Web'].map((name) => [`container:${name}`, 2, 'not running']),
    ]);
    assert.equal(bad.length, rows.length - 1 + 3);
  });

  test(`Docker, Podman and users' Podman are all asked (${awk})`, async (t) => {
    const user = `user.slice/user-1000.slice/user@1000.service/app.slice/app.service/libpod-payload-${web}`;
    const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...version2, ...container(user) });
    const paused = 'json?filters={"status":["paused"]}';
    await dockerAt(t, root, JSON.stringify([entry('1', 'web')]));
    const others = {
      [unhealthy]: JSON.stringify([entry('2', 'web')]),
      [paused]: JSON.stringify([entry('3', 'ice', { State: 'paused' })]),
    };
    await dockerAt(t, root, () => ({ list: JSON.stringify([entry('2', 'web')]), others }), 'run/podman/podman.sock');
    await dockerAt(t, root, answered(web, 'app'), 'run/user/1000/podman/podman.sock');
    await dockerAt(t, root, 'no list', 'run/user/1001/podman/podman.sock');
    assert.deepEqual((await withLines(t, root, '', awk)).map(inRow), [
      ['container:web/222222222222', 2, 'unhealthy'],
      ['container:ice', 1, 'paused'],
      ['container:app', 0, running],
      ['container:web', 0, 'running'],
    ]);
  });
}

test('without any container each expected one is missing, and other lines are checks', async (t) => {
  const root = rootWith(tempFolder(t), { 'proc/uptime': '1000.00 1.00\n', ...version2 });
  assert.deepEqual(await withLines(t, root, 'container a b\ncontainer web.1\n', 'mawk', true), [
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
    if (!isWide && what !== 'no JSON') return;
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
