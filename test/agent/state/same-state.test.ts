/** The shell agent and the Node agent read the same state, and tell no secret. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { openSource } from '../../../agent/live/live-source.ts';
import { readState } from '../../../agent/state/collect-state.ts';
import { liveState } from '../../../agent/state/live-state.ts';
import { encodeReport } from '../../../src/report/encode-report.ts';
import type { Report } from '../../../src/report/report.ts';
import type { StateKind } from '../../../src/report/report.ts';
import type { ProbeOptions } from '../../../src/report/wire.ts';
import { isWide } from '../../support/long-tests.ts';
import { shells } from '../../support/clients/shell-client.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { machineReport } from '../../support/clients/machine-report.ts';

const secrets = ['hunter2', 'swordfish', 'letmein', 'opensesame', 'tr0ub4dor', 'Gecos Room 5', 'xyzzyhash'];
const dpkg = [
  'ii nginx 1.22 amd64',
  ' /etc/nginx/mime.types 0cc175b9c0f1b6a831c399e269772661',
  ' /etc/nginx/nginx.conf 1234567890abcdef1234567890abcdef',
  ...['rc gone 1 all', '', 'ii openssl 3.0.11-1~deb12u2 amd64', '', ''],
].join('\n');

/** Makes the root of a machine with secrets in it. */
function machine(t: TestContext): string {
  const root = rootWith(tempFolder(t), {
    'usr/bin/dpkg-query': `#!/bin/sh\ncat <<'END'\n${dpkg}END\n`,
    'var/lib/dpkg/status': '',
    'etc/nginx/mime.types': 'a',
    'etc/nginx/nginx.conf': 'worker_processes 1;\n',
    'etc/nginx/old.conf~': 'left out',
    'etc/nginx/with space.conf': 'b',
    'etc/.git/objects/ab/cdef': 'of etckeeper',
    'etc/ssl/certs/local.pem': 'c',
    'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem': 'd',
    'etc/secret.conf': `password=${secrets[0]}\n`,
    'etc/closed/inside.conf': `${secrets[4]}\n`,
    'etc/apt/proxy.conf': `Acquire::http::Proxy "http://joe:${secrets[1]}@proxy:3128";\n`,
    'etc/fstab': `//nas/share /mnt cifs user=joe,password=${secrets[2]} 0 0\n`,
    'etc/systemd/system/app.service': `[Service]\nEnvironment=TOKEN=${secrets[3]} \\\n  MORE=${secrets[3]}\nExecStart=/bin/app\n`,
    'etc/systemd/system/app.service.d/x.conf': `[Service]\nSetCredential=key:${secrets[3]}\nExecStart=/bin/app amqp://joe:${secrets[1]}@mq/ -x\n`,
    'etc/passwd': `root:x:0:0:${secrets[5]}:/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\nold:${secrets[6]}:9:9::/home/old:\n`,
    'etc/group': `sudo:${secrets[6]}:27:old,nobody\nwww:x:33:\n`,
    'etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12"\n',
    'proc/cmdline': `root=/dev/vda token=${secrets[0]}\n`,
    'proc/uptime': '1000.5 1.0\n',
    'proc/sys/kernel/osrelease': '6.1.0-1\n',
    'proc/sys/kernel/random/boot_id': '035a4846-3a67-49e9-aedc-cdaa973b2287\n',
    'proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
    'proc/net/tcp':
      '  sl  local_address rem_address   st\n   0: 0100007F:0CEA 00000000:0000 0A 0\n' +
      '   1: 00000000:01BB 00000000:0000 0A 0\n' +
      '   2: 00000000:9C40 00000000:0000 0A 0\n   3: 00000000:0016 01000000:0016 01 0\n',
    'proc/self/mountinfo':
      '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n23 22 0:20 / /proc rw - proc proc rw\n' +
      `24 22 0:40 / /mnt rw - cifs //joe:${secrets[2]}@nas/share rw,password=${secrets[2]}\n`,
  });
  chmodSync(path.join(root, 'usr/bin/dpkg-query'), 0o755);
  chmodSync(path.join(root, 'etc/secret.conf'), 0o640);
  chmodSync(path.join(root, 'etc/closed'), 0o700);
  mkdirSync(path.join(root, 'etc/systemd/system/multi-user.target.wants'));
  symlinkSync(
    '/lib/systemd/system/nginx.service',
    path.join(root, 'etc/systemd/system/multi-user.target.wants/nginx.service'),
  );
  symlinkSync('/dev/null', path.join(root, 'etc/systemd/system/snapd.service'));
  for (const file of ['etc/secret.conf', 'etc/nginx/nginx.conf']) utimesSync(path.join(root, file), 1.7e9, 1.7e9);
  return root;
}

/** Parts of paths in folders that nobody looks into: a repository alone may have more files than are looked at. */
const insides = ['.git/', 'ssl/certs/', 'ca-trust/extracted/'];

const wanted: Readonly<Record<StateKind, readonly string[]>> = {
  package: ['nginx amd64\t1.22', 'openssl amd64\t3.0.11-1~deb12u2'],
  file: [
    '/etc/apt/proxy.conf\tTIME\tS',
    '/etc/closed/inside.conf\tTIME\tS',
    '/etc/fstab\tTIME\tS',
    '/etc/nginx/nginx.conf\tDIGEST\tS',
    '/etc/nginx/with space.conf\tDIGEST\tS',
    '/etc/os-release\tDIGEST\tS',
    '/etc/secret.conf\tTIME\tS',
  ],
  unit: ['app.service\tDIGEST\tS', 'nginx.service\tenabled', 'snapd.service\tmasked'],
  account: ['old\t9 /home/old /bin/sh sudo', 'root\t0 /root /bin/bash'],
  listener: ['tcp 3306\tloopback', 'tcp 443\tany'],
  mount: ['/\text4 /dev/sda1 rw,relatime', '/mnt\tcifs //nas/share rw'],
  system: [
    'boot\t035a4846-3a67-49e9-aedc-cdaa973b2287',
    'cmdline\tDIGEST',
    'kernel\t6.1.0-1',
    'os\tDebian GNU/Linux 12',
  ],
};

const masked = (line: string): string =>
  line
    .replace(/\t\d{4}-\d\d-\d\dT[\d:]{8}Z \d+(?=\t)/, '\tTIME')
    .replace(/[0-9a-f]{32}/, 'DIGEST')
    .replace(/\t\d{5,11}$/, '\tS');

const shownOf = ({ sections = [] }: Partial<Report>): unknown =>
  Object.fromEntries(sections.map(({ kind, error, lines }) => [kind, error ?? lines?.map(masked)]));

async function ofNode(root: string, options: ProbeOptions = {}): Promise<Partial<Report>> {
  const { report = {} } = await readState(liveState(openSource(root), root), { options, deadlineMs: 9000 });
  return report;
}

/** Files (with their text) and links (with their target) of systemd.unit(5), and the lines of their units. */
const units: Readonly<Record<string, string>> = {
  'etc/systemd/system/run-backup.service': '[Service]\n',
  'etc/systemd/system/user-sync.service': '[Service]\n',
  'etc/systemd/system/session-cleaner.timer': '[Timer]\n',
  'etc/systemd/system/user@.service.d/a.conf': '[Service]\n',
  'etc/systemd/system/user-.slice.d/a.conf': '[Slice]\n',
  'etc/systemd/system/service.d/a.conf': '[Service]\n',
  'etc/systemd/system/app@.service': '[Service]\n',
  'etc/systemd/system/multi-user.target.wants/app@1.service': '-> ../app@.service',
  'etc/systemd/system/multi-user.target.upholds/up.service': '-> ../up.service',
  'etc/systemd/system/multi-user.target.requires/need.service': '-> ../need.service',
  'etc/systemd/system/default.target': '-> /lib/systemd/system/rescue.target',
  'etc/systemd/system/sshd.service': '-> /lib/systemd/system/ssh.service',
  'etc/systemd/system/own.service': '-> /opt/own.service',
  'etc/systemd/system/masked.service': '-> /dev/null',
  'etc/systemd/system/empty.service': '',
  'etc/systemd/system/lib.service.d/b.conf': '-> /dev/null',
  'run/systemd/system/run-r12.service': '[Service]\n',
  'run/systemd/system/session-3.scope.d/a.conf': '[Scope]\n',
  'run/systemd/system/user-1000.slice.d/a.conf': '[Slice]\n',
  'run/systemd/system/user@1000.service.d/a.conf': '[Service]\n',
  'run/systemd/system/user@.service.d/b.conf': '[Service]\n',
  'run/systemd/system/made.service': '[Service]\n',
  'usr/local/lib/systemd/system/local.service': '[Service]\n',
  'usr/local/lib/systemd/system/other.service': '-> /opt/other.service',
};
const unitsWanted = [
  'app@.service\tDIGEST\tS',
  'app@1.service\tenabled',
  'default.target\tlinked rescue.target',
  'empty.service\tmasked',
  'lib.service\tDIGEST\tS',
  'local.service\tDIGEST\tS',
  'made.service\tDIGEST\tS',
  'masked.service\tmasked',
  'need.service\tenabled',
  'other.service\tlinked',
  'own.service\tlinked',
  'run-backup.service\tDIGEST\tS',
  'service\tDIGEST\tS',
  'session-cleaner.timer\tDIGEST\tS',
  'sshd.service\tlinked ssh.service',
  'up.service\tenabled',
  'user-.slice\tDIGEST\tS',
  'user-sync.service\tDIGEST\tS',
  'user@.service\tDIGEST\tS',
];

/** Files of units in other folders below /etc. */
const besideUnits = [
  '/etc/systemd/system.attached/portable.service',
  '/etc/systemd/system.control/app.service.d/50-CPUWeight.conf',
  '/etc/systemd/user/own.service',
];
const socket = (port: string): string => `   0: 00000000:${port} 00000000:0000 07 0\n`;
const socketsBefore = `  sl  local_address rem_address   st\n${socket('0035')}${socket('14E9')}`;

/** Makes the root of a machine with units of each kind, on which somebody asks while the packages are read. */
function machineWithUnits(t: TestContext): { readonly root: string; readonly tables: string; readonly asks: string } {
  const root = machine(t);
  const all = { ...units, ...Object.fromEntries(besideUnits.map((name) => [name, '[Service]\n'])) };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), path.join(root, name));
    else writeFileSync(path.join(root, name), text);
  }
  const tables = path.join(root, 'proc/net/udp');
  writeFileSync(tables, socketsBefore);
  const dpkgAndAsks = `printf '%s' '${socket('0202')}${socket('07D0')}' >>'${tables}'\ncat <<'END'\n${dpkg}END`;
  return { root, tables, asks: dpkgAndAsks };
}

const ofNodeAgent = async (root: string, asks: string): Promise<Partial<Report>> => {
  writeFileSync(path.join(root, 'usr/bin/dpkg-query'), `#!/bin/sh\n${asks}\n`);
  return await ofNode(root);
};
const looks: Readonly<Record<string, (t: TestContext, root: string, asks: string) => Promise<Partial<Report>>>> = {
  'Node agent': (_, root, asks) => ofNodeAgent(root, asks),
  'shell agent': async (t, root, asks) =>
    (await shellAgent(t, { own: { 'dpkg-query': asks } }).run({ root, state: true })).report ?? {},
};
for (const [agent, look] of Object.entries(looks)) {
  test(`units, files beside them and listeners that last, and nothing transient (${agent})`, async (t) => {
    const { root, tables, asks } = machineWithUnits(t);
    const { sections = [] } = await look(t, root, asks);
    const linesOf = (wanted: StateKind): readonly string[] | undefined =>
      sections.find(({ kind }) => kind === wanted)?.lines?.map(masked);
    const kindsOfUnits = [...unitsWanted, ...wanted.unit].sort();
    assert.deepEqual(linesOf('unit'), kindsOfUnits, 'each kind of a unit that people make, none of those of /run');
    assert.deepEqual(
      linesOf('file')?.filter((line) => line.startsWith('/etc/systemd/')),
      besideUnits.map((name) => `${name}\tDIGEST\tS`),
      'what stands in other folders of units below /etc is a file',
    );
    assert.notEqual(readFileSync(tables, 'utf8'), socketsBefore);
    assert.deepEqual(
      linesOf('listener'),
      ['tcp 3306\tloopback', 'tcp 443\tany', 'udp 514\tany', 'udp 53\tany', 'udp 5353\tany'],
      'a UDP port that a program took for one question is no listener',
    );
  });
}

/** The sections that are an error on a machine whose files cannot be read: never a baseline, and never "gone". */
const unread: readonly (readonly [missing: readonly string[], errors: Readonly<Partial<Record<StateKind, RegExp>>>])[] =
  [
    [
      ['proc/net/tcp', 'proc/self/mountinfo', 'etc/passwd', 'proc/sys/kernel/osrelease'],
      {
        listener: /^not there: \/proc\/net\/tcp$/,
        mount: /^not there: \/proc\/self\/mountinfo$/,
        account: /^not there: \/etc\/passwd$/,
        system: /^not there: \/proc\/sys\/kernel\/osrelease$/,
      },
    ],
    // Only etc/passwd is there, as a link.
    [['etc'], { file: /^no files in \/etc$/, unit: /^no files in \/etc$/, account: /^not there: \/etc\/group$/ }],
  ];
for (const [missing, errors] of unread) {
  test(`the sections ${Object.keys(errors).join()} are errors where ${missing.join()} cannot be read`, async (t) => {
    const root = machine(t);
    for (const name of missing) rmSync(path.join(root, name), { recursive: true });
    if (missing.includes('etc')) {
      mkdirSync(path.join(root, 'etc'));
      writeFileSync(path.join(root, 'passwd'), 'root:x:0:0::/root:/bin/sh\n');
      symlinkSync('../passwd', path.join(root, 'etc/passwd'));
    }
    const client = shellAgent(t, { own: { 'dpkg-query': `cat <<'END'\n${dpkg}END` } });
    const reports = { node: await ofNode(root), shell: (await client.run({ root, state: true })).report };
    for (const [agent, report] of Object.entries(reports)) {
      assert.equal(report?.sections?.length, Object.keys(wanted).length);
      for (const { kind, error, lines } of report.sections) {
        const said = errors[kind];
        if (said === undefined) assert.equal(error, null, `${kind} (${agent})`);
        else assert.match(error ?? '', said, `${kind} (${agent})`);
        assert.equal(lines === null, said !== undefined, `${kind} (${agent})`);
      }
    }
  });
}

const assertNoSecret = (...texts: readonly (string | Buffer)[]): void => {
  for (const text of texts) for (const secret of secrets) assert.ok(!text.includes(secret), secret);
};

test('the Node agent reads every section, and no secret', async (t) => {
  const report = await ofNode(machine(t));
  assert.deepEqual(shownOf(report), wanted);
  assertNoSecret(encodeReport(machineReport({ datetime: '', worker_reports: [], ...report })));
});

test('no certificates and no repositories count among the files that are looked at', (t) => {
  const root = machine(t);
  const paths = liveState(openSource(root), root)
    .below('/etc')
    .map(({ path }) => path);
  assert.ok(paths.includes('/etc/.git'));
  assert.deepEqual(
    paths.filter((one) => insides.some((inside) => one.includes(inside))),
    [],
  );
});

for (const shell of isWide ? shells : shells.slice(0, 1)) {
  test(`the capture has the same state, no secret, and a stamp of what is watched (${shell})`, async (t) => {
    const root = machine(t);
    const client = shellAgent(t, { shell, own: { 'dpkg-query': `cat <<'END'\n${dpkg}END` } });
    const { report, capture, end } = await client.run({ root, state: true });
    assert.deepEqual(report?.sections, (await ofNode(root)).sections);
    assert.match(end?.stamp ?? '', /^[0-9a-f]{64}$/);
    const text = capture[0] === 0x1f ? gunzipSync(capture) : capture;
    assertNoSecret(text, JSON.stringify(report));
    assert.ok(!insides.some((inside) => text.includes(inside)));
    assert.equal((await client.run({ root })).end?.stamp, end?.stamp, 'the stamp changes with nothing else');
    writeFileSync(path.join(root, 'etc/nginx/nginx.conf'), 'worker_processes 8;\n# more\n');
    assert.notEqual((await client.run({ root })).end?.stamp, end?.stamp, 'the stamp changes with a watched file');
    const again = await client.run({
      root,
      state: true,
      options: { known: { package: report?.sections?.[0]?.digest ?? '' }, noFiles: true },
    });
    assert.deepEqual(again.report?.sections?.map(({ kind, lines }) => [kind, lines === null]).slice(0, 2), [
      ['package', true],
      ['unit', false],
    ]);
  });
}

test('the digest of a unit is the same with another password', async (t) => {
  const root = machine(t);
  const unit = async (): Promise<unknown> =>
    (await ofNode(root)).sections?.find(({ kind }) => kind === 'unit')?.lines?.[0]?.split('\t')[1];
  const write = (environment: string, url: string, program = 'app'): void =>
    writeFileSync(
      path.join(root, 'etc/systemd/system/app.service'),
      `[Service]\nEnvironment=TOKEN=${environment} \\\n  ${environment}\nExecStart=/bin/${program} //joe:${url}@mq/\n`,
    );
  const values: unknown[] = [];
  for (const [environment, url, program] of [
    ['a', 'b'],
    ['c', 'b'],
    ['a', 'd'],
    ['a', 'b', 'other'],
  ] as const) {
    write(environment, url, program);
    values.push(await unit());
  }
  assert.deepEqual(values.slice(1, 3), [values[0], values[0]]);
  assert.notEqual(values[3], values[0]);
});
